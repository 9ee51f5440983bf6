"""J-HMDB, 14 of its 21 actions: what people do, from films of white figures that are drawn here from their joints.

A figure has a line a limb, all of the same brightness and thickness, so that left and right look alike and the joints
themselves are not to be seen. It stands in the middle of the picture on the whole and fills it.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._jhmdb import BONES, JOINTS, SHARED, read_clips
from attentionflow.readers.clips import Clip, Clips, array_clip
from attentionflow.readers.sticks import drawn_sticks
from attentionflow.readers.video import FrameArray

SIDE = 64
FILLED = 0.9  # share of the side that the longer one of all places of a clip takes

DATASET = Dataset(
    name="jhmdb_sticks",
    summary="The clips of jhmdb_pose as films of 64 x 64 pixels in grey, in which stick figures move: 433 train, 176 "
    "test, three official splits.",
    reference="None published: the films are drawn here. From the joints 0.787, see jhmdb_pose.",
    **SHARED,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"frames": 16, "tube": 2, "size": SIDE, "patch": 16, "held_out": 0.06, "evaluations": 1}
ADVICE: dict[str, dict[str, object]] = {
    "space-time": {
        **_SHARED,
        "epochs": 90,
        "batch_clips": 16,
        "learning_rate": 3e-3,
        "erase": 0.0,
        "zoom": 0.15,
        "channels": 32,
        "width": 96,
        "feedforward": 192,
        "dropout": 0.1,
    },
    "classic": {**_SHARED, "epochs": 60, "channels": 16},
}

_NUMBER = {joint: number for number, joint in enumerate(JOINTS)}
_BONES = [(_NUMBER[a.strip()], _NUMBER[b.strip()]) for a, b in (bone.split("-") for bone in BONES.split(","))]


def read(seed: int = 0, fold: int = 1) -> Clips:
    """`seed` is of no effect: the splits are official."""
    return read_clips(DATASET, fold, _film)


def _film(places: np.ndarray, name: str, labels: tuple[str, ...], where: str) -> Clip:
    key = array_clip(places, name, labels, where).key
    return Clip(name, labels, where, key, partial(_drawn, places))


def _drawn(places: np.ndarray) -> FrameArray:
    low, high = places.min((0, 1)), places.max((0, 1))
    scale = FILLED / max(float((high - low).max()), 1e-6)
    return FrameArray(drawn_sticks(0.5 + (places - (low + high) / 2) * scale, _BONES, SIDE))
