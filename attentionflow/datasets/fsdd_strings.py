"""Digits of FSDD joined at random into strings, each by one speaker, with pauses between.

Letters: N samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from attentionflow.datasets import fsdd
from attentionflow.errors import DataError
from attentionflow.readers.audio import Audio
from attentionflow.readers.one_by_one import OneByOne
from attentionflow.readers.utterances import Utterance

DATASET = replace(
    fsdd.DATASET,
    name="fsdd_strings",
    folder="fsdd",
    summary="Strings of spoken digits joined from the recordings of fsdd, each by one speaker: 3,600 train, of which "
    "2,400 are the single recordings and 1,200 strings of 2 to 7; 200 val and 600 test of 3 to 7; each from recordings "
    "of its own split.",
    reference="None published: the strings are made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "units": "words",
    "normalised_by": "training",
    "batch_frames": 3000,
    "masked_bands": 6,
    "evaluations": 12,
}
ADVICE: dict[str, dict[str, object]] = {
    "conformer": {**_SHARED, "encoder_layers": 3, "epochs": 30},
    "classic": {**_SHARED, "epochs": 20},
}

STRINGS = {"train": 1_200, "val": 200, "test": 600}
DIGITS = {"train": (2, 7), "val": (3, 7), "test": (3, 7)}  # fewest and most of a string
PAUSE = (0.0, 0.25)  # seconds between two digits
NOISE = 1e-4  # of a pause, whose samples would otherwise all be zero


@dataclass(frozen=True)
class Joined:
    """Recordings one after the other, with pauses of so many seconds between them."""

    parts: tuple[Utterance, ...]
    pauses: tuple[float, ...]

    def load(self) -> Audio:
        samples, rate = [], None
        draw = np.random.default_rng(0)
        for part, pause in zip(self.parts, (*self.pauses, 0.0), strict=True):
            audio = part.sound.load()
            if not isinstance(audio, Audio) or rate not in (None, audio.rate):
                raise DataError("not at the rate of the other recordings", file=part.name)
            rate = audio.rate
            samples += [audio.samples, draw.normal(0, NOISE, round(pause * rate))]
        assert rate is not None
        return Audio(np.concatenate(samples).astype(np.float32), rate)

    def rate(self) -> int | None:
        return self.parts[0].sound.rate()


class Strings(OneByOne[Utterance]):
    """The strings of one split, made when asked for: number i depends on the seed, the split and i alone.

    In training the recordings themselves come first.
    """

    set_name: ClassVar[str] = "fsdd_strings"

    def __init__(self, split: str, recordings: Sequence[Utterance], seed: int = 0) -> None:
        self.split, self.seed = split, seed
        self.singles = recordings if split == "train" else ()
        self.speakers: dict[str, list[Utterance]] = {}
        for one in recordings:
            self.speakers.setdefault(str(one.speaker), []).append(one)

    def __len__(self) -> int:
        return len(self.singles) + STRINGS[self.split]

    def one(self, index: int) -> Utterance:
        if index < len(self.singles):
            return self.singles[index]
        draw = np.random.default_rng((self.seed, list(STRINGS).index(self.split), index))
        text = None
        while text is None or not self.wanted(text):
            speaker = sorted(self.speakers)[draw.integers(len(self.speakers))]
            own, (fewest, most) = self.speakers[speaker], DIGITS[self.split]
            parts = tuple(own[at] for at in draw.integers(len(own), size=draw.integers(fewest, most + 1)))
            text = " ".join(str(part.text) for part in parts)
        pauses = tuple(draw.uniform(*PAUSE, len(parts) - 1).tolist())
        name = f"{self.set_name}/{self.split}:{index + 1}"
        return Utterance(name, text, name, Joined(parts, pauses), speaker)

    def wanted(self, text: str) -> bool:
        """Whether this split may hold the string."""
        return True


def read(seed: int = 0) -> tuple[dict[str, Strings], list[str]]:
    """Strings by split; `seed` chooses which are joined."""
    recordings, _ = fsdd.read(seed)
    note = "the strings are joined from single digits, so that no voice runs on from one to the next"
    return {split: Strings(split, recordings[split], seed) for split in STRINGS}, [note]
