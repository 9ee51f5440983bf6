"""J-HMDB: where 15 joints of a person are in every frame of short films, as people marked them.

Letters: N clips, F frames of all clips, J joints.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.errors import DataError
from attentionflow.readers.clips import Clip, Clips

_COMMIT = "f26a9994b0bafc41096fa269eab89c2757d71499"
CONVERTED = "jhmdb_pose.npz"  # the same clips once, in arrays
FOLDS = 3

JOINTS = (
    *("neck", "belly", "face", "right shoulder", "left shoulder", "right hip", "left hip", "right elbow"),
    *("left elbow", "right knee", "left knee", "right wrist", "left wrist", "right ankle", "left ankle"),
)
OPPOSITE = ", ".join(f"right {part}-left {part}" for part in ("shoulder", "hip", "elbow", "knee", "wrist", "ankle"))
_LIMBS = (("neck", "shoulder", "elbow", "wrist"), ("belly", "hip", "knee", "ankle"))
BONES = "face-neck, neck-belly, " + ", ".join(
    f"{a if a in JOINTS else f'{side} {a}'}-{side} {b}"
    for side in ("right", "left")
    for limb in _LIMBS
    for a, b in pairwise(limb)
)

SHARED: dict[str, Any] = {
    "task": "video-recognition",
    "licence": "CC BY 4.0 (J-HMDB's annotations, as far as is known), MIT (the repository that holds these files).",
    "address": f"https://github.com/fandulu/DD-Net/archive/{_COMMIT}.zip",
    "archive": f"DD-Net-{_COMMIT}/data/JHMDB",
    "local": {CONVERTED: "c6a736f0ebd760e8802ad944b98dd639dbbc6910df5f612453d4e9c6c11f9a17"},
    "folder": "jhmdb_pose",
    "folds": FOLDS,
}


class _Arrays(pickle.Unpickler):
    """Arrays in lists and mappings; refuses whatever else a pickle could bring, such as code."""

    ALLOWED = frozenset({"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"})

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) != ("_codecs", "encode") and (module.split(".")[0] != "numpy" or name not in self.ALLOWED):
            raise pickle.UnpicklingError(f"it holds {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_clips(dataset: Dataset, fold: int, clip: Callable[[np.ndarray, str, tuple[str, ...], str], Clip]) -> Clips:
    """Training and test clips of an official split. clip: makes one of places (T, J, 2), a name, labels and a place."""
    folder = fetch(dataset)
    found = _converted(folder / CONVERTED, fold) if (folder / CONVERTED).is_file() else _public(folder, fold)
    made: dict[str, list[Clip]] = {}
    for split, examples in found.items():
        made[split] = [
            clip(places, f"{split}:{row}", (label,), f"{dataset.name}/{split}:{row}")
            for row, (places, label) in enumerate(examples, start=1)
        ]
    return Clips({split: made[split] for split in ("train", "test")})


Examples = Mapping[str, list[tuple[np.ndarray, str]]]


def _converted(path: Path, fold: int) -> Examples:
    with np.load(path, allow_pickle=False) as arrays:
        pose, lengths, labels, classes, split = (
            arrays[name] for name in ("pose", "lengths", "labels", "classes", "split")
        )
    clips = np.split(pose, np.cumsum(lengths)[:-1])
    return {
        name: [(clips[row], str(classes[labels[row]])) for row in np.flatnonzero(split[:, fold - 1] == code)]
        for name, code in (("train", 1), ("test", 2))
    }


def _public(folder: Path, fold: int) -> Examples:
    found = {}
    for split in ("train", "test"):
        path = folder / f"GT_{split}_{fold}.pkl"
        try:
            with open(path, "rb") as file:
                page = _Arrays(file, encoding="latin1").load()
            found[split] = [
                (np.asarray(places, np.float32), str(label))
                for places, label in zip(page["pose"], page["label"], strict=True)
            ]
        except (pickle.UnpicklingError, OSError, EOFError, KeyError, ValueError) as error:
            what = f"is not the file of the data set ({error})"
            raise DataError(what, file=path, remedy=f"Take it from {SHARED['address']} again") from None
    return found
