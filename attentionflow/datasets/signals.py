"""Signals as in a workshop, over hum and hiss: made sounds of which it is known what is heard and when.

Letters: N samples.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._made import Made
from attentionflow.readers.audio import Audio
from attentionflow.readers.labelled_sounds import Event, LabelledSound
from attentionflow.readers.utterances import Held

LENGTHS = {"train": 480, "val": 80, "test": 200}
DATASET = Dataset(
    name="signals",
    task="audio-processing/tagging",
    summary="One to three of five signals (beeps, chords, chirps, clicks, hisses) over hum, at known times, 2.56 "
    "seconds at 8 kHz, made here: 480 train, 80 val, 200 test.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the data is made here. What is heard is known, so no error at all is possible.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "labels": "several",
    "seconds": 2.56,
    "bands": 32,
    "batch_sounds": 24,
    "mixup": 0.0,
    "shifted_bands": 0,
    "masks": 0.0,
    "label_smoothing": 0.0,
    "channels": 8,
    "dropout": 0.0,
    "epochs": 15,
    "evaluations": 3,
    "ema": 0.98,
}
ADVICE: dict[str, dict[str, object]] = {
    "spectrogram-transformer": {**_SHARED, "width": 48, "feedforward": 96, "layers": 1, "learning_rate": 4e-3},
    "classic": {**_SHARED, "hidden": 24, "learning_rate": 4e-3},
}

RATE = 8_000
SECONDS = 2.56
SHORTEST, LONGEST = 0.4, 1.0  # seconds of a signal


def beeps(time: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A tone let through and cut off several times a second."""
    return np.sin(2 * np.pi * draw.uniform(600, 2500) * time) * (np.sin(2 * np.pi * draw.uniform(5, 9) * time) > 0)


def chords(time: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Three steady tones of a major triad."""
    pitch = draw.uniform(250, 700) * np.array([[1], [5 / 4], [3 / 2]])
    return np.sin(2 * np.pi * pitch * time).sum(0) / 2


def chirps(time: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A tone that rises, or falls, by more than an octave."""
    low, high = draw.uniform(300, 900), draw.uniform(2000, 3600)
    first, last = (low, high) if draw.random() < 0.5 else (high, low)
    return np.sin(2 * np.pi * (first + (last - first) * time / time[-1] / 2) * time)


def clicks(time: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Damped knocks, ten to twenty a second."""
    phase = time % (1 / draw.uniform(10, 20))
    return 2 * np.exp(-phase * 400) * np.sin(2 * np.pi * draw.uniform(1000, 2000) * phase)


def hisses(time: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Noise, its low half taken away."""
    noise = draw.normal(size=len(time) + 1)
    return np.diff(noise) * 0.7


SIGNALS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    made.__name__: made for made in (beeps, chirps, chords, clicks, hisses)
}


class Signals(Made[LabelledSound]):
    name, lengths = DATASET.name, LENGTHS

    def one(self, index: int) -> LabelledSound:
        samples, events = _sound(self.key(index))
        where = self.where(index)
        labels = tuple(sorted({event.label for event in events}))
        return LabelledSound(where, labels, where, Held(Audio(samples, RATE)), events)


def read(seed: int = 0, fold: int = 1) -> tuple[dict[str, Signals], list[str]]:
    """Sounds by split; `seed` chooses which are made. `fold` is of no effect: there is one."""
    return {split: Signals(split, seed) for split in LENGTHS}, ["the data set 'signals' is made, not recorded"]


@lru_cache(maxsize=1024)
def _sound(key: tuple[int, int, int]) -> tuple[np.ndarray, tuple[Event, ...]]:
    """Samples (N,) and what is in them: signals 0 to 20 dB above hum and hiss, which may overlap."""
    draw = np.random.default_rng(key)
    whole = np.arange(round(SECONDS * RATE)) / RATE
    hum = 0.7 * np.sin(2 * np.pi * draw.choice((50, 60)) * np.arange(1, 4)[:, None] * whole).mean(0)
    samples = hum + 0.3 * draw.normal(size=len(whole))
    events = []
    for kind in draw.permutation(list(SIGNALS))[: draw.integers(1, 4)].tolist():
        seconds = draw.uniform(SHORTEST, LONGEST)
        start = draw.uniform(0, SECONDS - seconds)
        at = slice(round(start * RATE), round((start + seconds) * RATE))
        signal = SIGNALS[kind](whole[at] - whole[at.start], draw)
        signal *= np.minimum(1, 50 * np.minimum(whole[at] - whole[at.start], whole[at.stop - 1] - whole[at]))  # 20 ms
        samples[at] += signal * 10 ** (draw.uniform(0, 20) / 20) * 0.5
        events.append(Event(kind, start, start + seconds))
    samples *= draw.uniform(0.1, 0.9) / np.abs(samples).max()
    return samples.astype(np.float32), tuple(events)
