"""Small clips whose label is seen at once: films in which a square wanders, and motions in which hands swing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WAYS = ("down", "left", "right")
SIDE, FRAMES = 16, 12
STEPS = {"down": (1, 0), "left": (0, -1), "right": (0, 1)}  # of y and x
JOINTS = ("hip", "knee", "left hand", "right hand")
SWINGS = ("both", "left", "right")


def film(label: str, draw: np.random.Generator, frames: int = FRAMES) -> np.ndarray:
    """(T, 16, 16) bytes: a bright square goes its way and comes round again."""
    pixels = draw.integers(0, 50, (frames, SIDE, SIDE)).astype(np.uint8)
    place = draw.integers(0, SIDE, 2)
    for one in pixels:
        y, x = ((place + np.arange(5)[:, None]) % SIDE).T
        one[np.ix_(y, x)] = 220
        place = place + STEPS[label]
    return pixels


def swing(label: str, draw: np.random.Generator, frames: int = 20) -> np.ndarray:
    """(T, 4, 2): the left hand, the right hand or both go up and down beside a still body."""
    time = np.arange(frames) / frames
    places = np.tile(np.array([[0, 0.5], [0, 1], [-0.5, 0], [0.5, 0]]), (frames, 1, 1))
    moves = np.sin(2 * np.pi * (draw.uniform(1, 2) * time + draw.random())) * draw.uniform(0.3, 0.5)
    for joint, side in ((2, "left"), (3, "right")):
        if label in (side, "both"):
            places[:, joint, 1] += moves
    return ((places + draw.normal(0, 0.03, places.shape)) * draw.uniform(0.5, 2) + draw.normal(0, 1, 2)).astype(
        np.float32
    )


def write_film(path: Path, pixels: np.ndarray, stamps: Sequence[int] | None = None, codec: str = "mpeg4") -> Path:
    """pixels (T, H, W, 3) or (T, H, W); stamps: milliseconds at which frames are shown, otherwise 25 a second."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.repeat(pixels[..., None], 3, axis=3) if pixels.ndim == 3 else pixels
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25 if stamps is None else 1000)
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = "yuv420p"
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for at, one in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(one), format="rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[at], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def brightness(values: Sequence[int], side: int = 32) -> np.ndarray:
    """(T, side, side): frames that are all of one shade, told by which."""
    return np.repeat(np.array(values, np.uint8), side * side).reshape(-1, side, side)


def write_motions(folder: Path, counts: dict[str, int]) -> Path:
    """train/left/0.npz and the like."""
    for seed, (split, count) in enumerate(counts.items()):
        draw = np.random.default_rng(seed)
        for row in range(count):
            label = SWINGS[row % len(SWINGS)]
            path = folder / split / label / f"{row}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, pose=swing(label, draw, int(draw.integers(15, 30))), joints=JOINTS)
    return folder


def write_frames(folder: Path, pixels: np.ndarray) -> Path:
    """1.png, 2.png ... 10.png: not in the order of the alphabet."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    for at, one in enumerate(pixels, start=1):
        image.fromarray(one).save(folder / f"{at}.png")
    return folder
