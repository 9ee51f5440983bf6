"""Made signals (see `signals`) in hiss and hum: what they are without is known exactly.

Letters: N samples.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._made import Made
from attentionflow.datasets.signals import RATE, SIGNALS
from attentionflow.readers.audio import Audio
from attentionflow.readers.noisy_sounds import NoisySound, levelled
from attentionflow.readers.utterances import Held

LENGTHS = {"train": 320, "val": 40, "test": 200}
SECONDS = 1.28
TONES = ("beeps", "chirps", "chords")

DATASET = Dataset(
    name="noisy_signals",
    task="audio-processing/enhancement",
    summary="Beeps, chords and chirps one after the other in hiss of different colour, hum and clicks, 0 to 10 dB "
    "below them, 1.28 seconds at 8 kHz, made here: 320 train, 40 val, 200 test.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the data is made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"seconds": 1.28, "overlap": 0.32, "epochs": 5, "evaluations": 2, "ema": 0.98}
ADVICE: dict[str, dict[str, object]] = {
    "mask-transformer": {**_SHARED, "channels": 8, "width": 48, "layers": 1, "feedforward": 96, "learning_rate": 3e-3},
    "classic": {**_SHARED, "hidden": 48, "learning_rate": 3e-3},
}


class NoisySignals(Made[NoisySound]):
    name, lengths = DATASET.name, LENGTHS

    def one(self, index: int) -> NoisySound:
        noisy, clean = _sound(self.key(index))
        where = self.where(index)
        return NoisySound(where, where, Held(Audio(noisy, RATE)), Held(Audio(clean, RATE)))


def read(seed: int = 0) -> tuple[dict[str, NoisySignals], list[str]]:
    """Sounds by split; `seed` chooses which are made."""
    return {split: NoisySignals(split, seed) for split in LENGTHS}, [
        "the data set 'noisy_signals' is made, not recorded"
    ]


@lru_cache(maxsize=1024)
def _sound(key: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Samples (N,) with and without noise: two to four tones with pauses."""
    draw = np.random.default_rng((*key, 3))
    time = np.arange(round(SECONDS * RATE)) / RATE
    clean = np.zeros(len(time))
    edges = np.sort(draw.uniform(0, len(time), 2 * draw.integers(2, 5))).astype(int).reshape(-1, 2)
    for first, last in edges:
        if last - first > 400:
            made = SIGNALS[str(draw.choice(TONES))](time[first:last] - time[first], draw)
            fade = np.minimum(1, np.minimum(np.arange(last - first), np.arange(last - first)[::-1]) / 80)
            clean[first:last] = made * fade * draw.uniform(0.5, 1)
    clean *= 0.3
    clean += 1e-3 * draw.normal(size=len(time))  # so that no stretch is silent
    noise = draw.normal(size=len(time) + 1)
    noise = noise[1:] + draw.uniform(-0.95, 0.95) * noise[:-1]
    noise += draw.uniform(0, 2) * np.sin(2 * np.pi * draw.choice((50, 60)) * time)
    noise += draw.uniform(0, 6) * (draw.random(len(time)) < 2e-3) * draw.normal(size=len(time))
    noise = levelled(clean, noise, draw.uniform(0, 10))
    return (clean + noise).astype(np.float32), clean.astype(np.float32)
