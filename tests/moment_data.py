"""Small films in which what matters is seen at once: a bright square jumps in for some frames, while others wander."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from clip_data import write_film, write_frames

from attentionflow.readers.clips import Clip
from attentionflow.readers.moments import Event, KnownFilm
from attentionflow.readers.video import FrameArray

SIDE, FRAMES, RATE = 16, 48, 4


def film(draw: np.random.Generator, frames: int = FRAMES) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """(T, 16, 16) bytes, and from which frame to which the bright square is there."""
    pixels = draw.integers(0, 50, (frames, SIDE, SIDE)).astype(np.uint8)
    place = draw.integers(0, SIDE, 2)
    for one in pixels:  # a grey one wanders all the time
        y, x = ((place + np.arange(4)[:, None]) % SIDE).T
        one[np.ix_(y, x)] = 120
        place = place + draw.integers(-2, 3, 2)
    spans = []
    for start in range(int(draw.integers(2, 10)), frames - 10, 18):
        stop = start + int(draw.integers(4, 9))
        top, left = draw.integers(0, SIDE - 5, 2)
        pixels[start:stop, top : top + 5, left : left + 5] = 240
        spans.append((start, stop))
    return pixels, spans


def known(row: int, rate: float | None = RATE, frames: int = FRAMES) -> KnownFilm:
    pixels, spans = film(np.random.default_rng(row), frames)
    step = 1 if rate is None else rate
    events = tuple(Event(a / step, b / step, f"films:{row}") for a, b in spans)
    seconds = None if rate is None else 1 / rate
    clip = Clip(f"{row}", None, f"films:{row}", lambda: pixels.tobytes(), lambda: FrameArray(pixels, seconds))
    return KnownFilm(clip, events)


def write_events(folder: Path, counts: dict[str, int], frames: int = FRAMES) -> Path:
    """train/0.mp4 and the like, 4 frames a second, with metadata.csv in each split."""
    for seed, (split, count) in enumerate(counts.items()):
        rows = ["file_name,start,end,label"]
        for row in range(count):
            pixels, spans = film(np.random.default_rng((seed, row)), frames)
            write_film(folder / split / f"{row}.mp4", pixels.repeat(2, 1).repeat(2, 2), stamps(frames))
            rows += [f"{row}.mp4,{a / RATE},{b / RATE},square" for a, b in spans] or [f"{row}.mp4,,,"]
        (folder / split / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def stamps(frames: int) -> list[int]:
    """Milliseconds of frames that come RATE a second."""
    return [round(1000 * at / RATE) for at in range(frames)]


def write_scores(folder: Path, counts: dict[str, int], raters: Sequence[str] = ("ann", "bob")) -> Path:
    """train/0/1.png and the like: each frame's score is how bright it is, but for what a rater adds."""
    for seed, (split, count) in enumerate(counts.items()):
        rows = ["file_name,frame,score,rater"]
        for row in range(count):
            draw = np.random.default_rng((seed, row))
            bright = draw.integers(20, 230, 12)
            pixels = np.clip(bright[:, None, None] + draw.integers(-20, 20, (12, SIDE, SIDE)), 0, 255).astype(np.uint8)
            write_frames(folder / split / str(row), pixels)
            for rater in raters:
                told = np.round(1 + 4 * bright / 255 + draw.normal(0, 0.3, 12), 2)
                rows += [f"{row},{at},{score},{rater}" for at, score in enumerate(told, start=1)]
        (folder / split / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_sounding(path: Path, seconds: int = 12, rate: int = 10) -> Path:
    """A film whose shade tells its second and whose tone gets louder by the second; 40 x 30 pixels."""
    av = pytest.importorskip("av", reason="PyAV is not installed")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=rate)
        picture.width, picture.height, picture.pix_fmt = 40, 30, "yuv420p"
        sound = container.add_stream("aac", rate=8000, layout="mono")
        for second in range(seconds):
            for _ in range(rate):
                pixels = np.full((30, 40, 3), 20 * second + 10, np.uint8)
                container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            tone = second / seconds * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
            frame = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, second * 8000
            container.mux(sound.encode(frame))
        container.mux(picture.encode())
        container.mux(sound.encode())
    return path
