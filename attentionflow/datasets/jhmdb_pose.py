"""J-HMDB, 14 of its 21 actions: what people do, from the places of their joints."""

from __future__ import annotations

from functools import partial

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._jhmdb import BONES, JOINTS, OPPOSITE, SHARED, read_clips
from attentionflow.readers.clips import Clips, array_clip

DATASET = Dataset(
    name="jhmdb_pose",
    summary="People doing one of 14 things, 15 to 40 frames of 15 marked joints in two dimensions: 433 train, 176 test "
    "(434 and 175 in the third of three official splits). 609 of the 928 clips of J-HMDB: the public files lack the "
    "seven actions whose names have two words.",
    reference="Accuracy 0.787 on these 609 clips by DD-Net, the mean of the three splits: 0.81, 0.77, 0.78 "
    "(JHMDB/jhmdb_1D.ipynb of its repository), the epoch chosen on test.",
    **SHARED,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "frames": 32,
    "tube": 4,
    "opposite": OPPOSITE,
    "bones": BONES,
    "held_out": 0.06,
    "evaluations": 1,
}
ADVICE: dict[str, dict[str, object]] = {
    "space-time": {**_SHARED, "epochs": 60},
    "classic": {**_SHARED, "epochs": 60},
}


def read(seed: int = 0, fold: int = 1) -> Clips:
    """`seed` is of no effect: the splits are official."""
    return read_clips(DATASET, fold, partial(array_clip, joints=JOINTS))
