"""Strings of digits of FSDD with who says them; no string of val or test is one of training."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import ClassVar

from attentionflow.datasets import fsdd, fsdd_strings
from attentionflow.datasets.fsdd_strings import STRINGS, Strings

DATASET = replace(
    fsdd_strings.DATASET,
    name="fsdd_voices",
    task="speech-synthesis",
    summary="Strings of spoken digits joined from the recordings of fsdd, each by one of six speakers: 3,600 train, of "
    "which 2,400 are the single recordings and 1,200 strings of 2 to 7; 200 val and 600 test of 3 to 7; each from "
    "recordings of its own split, and no string in two splits.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"batch_frames": 2500, "evaluations": 5}
ADVICE: dict[str, dict[str, object]] = {"parallel": {**_SHARED, "epochs": 16}, "classic": {**_SHARED, "epochs": 30}}

SHARES = {"train": range(12), "val": range(12, 14), "test": range(14, 16)}  # of all strings, in sixteenths


class Voices(Strings):
    """Which strings a split may hold depends on their words alone."""

    set_name: ClassVar[str] = "fsdd_voices"

    def wanted(self, text: str) -> bool:
        return blake2b(text.encode(), digest_size=1).digest()[0] % 16 in SHARES[self.split]


def read(seed: int = 0) -> tuple[dict[str, Voices], list[str]]:
    """Strings by split; `seed` chooses which are joined."""
    recordings, _ = fsdd.read(seed)
    note = "the strings are joined from single digits, so that no voice runs on from one to the next"
    return {split: Voices(split, recordings[split], seed) for split in STRINGS}, [note]
