"""Strings of spoken digits in the noise of ESC-10: recordings of both are each in one split alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attentionflow.datasets import esc10, fsdd, fsdd_strings
from attentionflow.readers.audio import resampled
from attentionflow.readers.noisy_sounds import NoisySound, loaded, mixtures
from attentionflow.readers.utterances import Held

RATE = 8_000
COUNTS = {"train": 1_200, "val": 100, "test": 300}
FOLDS = {"train": (1, 2, 3), "val": (4,), "test": (5,)}  # of the noise
RATIOS = (0.0, 10.0)  # decibels between speech and noise

DATASET = replace(
    fsdd.DATASET,
    name="fsdd_noisy",
    task="audio-processing/enhancement",
    folder="fsdd",
    summary="Strings of spoken digits joined from fsdd in noise from esc10, 0 to 10 dB below them, 8 kHz: 1,200 train "
    "(noise of folds 1 to 3), 100 val (fold 4), 300 test (fold 5); each of recordings of its own split, all speakers "
    "in all.",
    licence="CC BY-SA 4.0; the noise CC BY 3.0.",
    reference="None published: the mixtures are made here.",
    size=fsdd.DATASET.size + esc10.DATASET.size,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"epochs": 20, "evaluations": 10}
ADVICE: dict[str, dict[str, object]] = {"mask-transformer": _SHARED, "classic": _SHARED}


def read(seed: int = 0) -> tuple[dict[str, Sequence[NoisySound]], list[str]]:
    """Mixtures by split; `seed` chooses which strings are joined, and which noise they stand in."""
    spoken, _ = fsdd_strings.read(seed)
    noises = esc10.recordings()
    splits: dict[str, Sequence[NoisySound]] = {}
    for at, (split, count) in enumerate(COUNTS.items()):
        strings = spoken[split]
        chosen = [strings[index] for index in range(len(strings.singles), len(strings.singles) + count)]
        clean = [(one.name.replace("strings", "noisy"), one.where, one.sound) for one in chosen]
        # Each noise is heard in many mixtures: decoded once, it is at hand.
        noise = [Held(resampled(loaded(one.sound), RATE)) for fold in FOLDS[split] for one in noises[fold]]
        splits[split] = mixtures(clean, noise, RATIOS, (seed, at))
    return splits, ["speech and noise are mixed here, from recordings of their own"]
