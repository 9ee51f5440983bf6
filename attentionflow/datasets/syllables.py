"""Words of made syllables as two made voices say them: vowels from resonances, consonants from noise and hum.

Each vowel is a sum of harmonics that two resonances shape (Fant 1960), so its spectrum is known exactly.
Letters: N samples, K harmonics.
"""

from __future__ import annotations

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._made import Made
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import Held, Utterance

LENGTHS = {"train": 600, "val": 40, "test": 200}
DATASET = Dataset(
    name="syllables",
    task="speech-synthesis",
    summary="Two or three words of made syllables, said by two made voices, 8 kHz, made here: 600 train, 40 val and "
    "200 test sounds of about a second.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the data is made here.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"bands": 40, "batch_frames": 800, "evaluations": 4, "learning_rate": 3e-3, "ema": 0.99}
ADVICE: dict[str, dict[str, object]] = {
    "parallel": {**_SHARED, "width": 64, "sound_layers": 2, "feedforward": 128, "dropout": 0.0, "epochs": 10},
    "classic": {**_SHARED, "hidden": 64, "embedding": 64, "longest_letter": 25, "epochs": 20},
}

RATE = 8_000
VOICES = {"low": (105.0, 1.0), "high": (190.0, 1.15)}  # pitch in Hz, and how much higher the resonances lie
VOWELS = {"a": (730, 1090), "e": (530, 1840), "i": (270, 2290), "o": (570, 840), "u": (300, 870)}  # Hz
CONSONANTS = "smtlf"
WIDTH = 90.0  # Hz, of a resonance
SECONDS = {"vowel": 0.11, "s": 0.08, "f": 0.07, "m": 0.06, "l": 0.05, "t": 0.05, " ": 0.08}


class Syllables(Made[Utterance]):
    name, lengths = DATASET.name, LENGTHS

    def one(self, index: int) -> Utterance:
        draw = np.random.default_rng(self.key(index))
        voice = list(VOICES)[draw.integers(len(VOICES))]
        words = [
            "".join(draw.choice(list(CONSONANTS)) + draw.choice(list(VOWELS)) for _ in range(draw.integers(1, 4)))
            for _ in range(draw.integers(2, 4))
        ]
        text, where = " ".join(words), self.where(index)
        return Utterance(where, text, where, Held(Audio(said(text, voice, draw), RATE)), voice)


def read(seed: int = 0) -> tuple[dict[str, Syllables], list[str]]:
    """Sounds by split; `seed` chooses which are made."""
    return {split: Syllables(split, seed) for split in LENGTHS}, ["the data set 'syllables' is made, not recorded"]


def said(text: str, voice: str, draw: np.random.Generator) -> np.ndarray:
    """Samples (N,) of a text, every letter up to a fifth longer or shorter than it usually is."""
    pitch, higher = VOICES[voice]
    pitch *= draw.uniform(0.97, 1.03)
    parts = [_letter(letter, pitch, higher, draw) for letter in text]
    samples = np.concatenate(parts) + draw.normal(0, 1e-3, sum(map(len, parts)))
    return samples.clip(-1, 1).astype(np.float32)


def _letter(letter: str, pitch: float, higher: float, draw: np.random.Generator) -> np.ndarray:
    length = SECONDS["vowel" if letter in VOWELS else letter] * draw.uniform(0.8, 1.2)
    time = np.arange(round(length * RATE)) / RATE
    edge = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)  # 10 ms in and out
    if letter == " ":
        return np.zeros_like(time)
    if letter == "t":  # a silence, then a burst
        return (
            0.5 * draw.normal(size=len(time)) * np.exp(-np.maximum(0, time - length / 2) / 0.006) * (time > length / 2)
        )
    if letter in "sf":
        noise = draw.normal(size=len(time))
        return 0.15 * edge * (np.diff(noise, prepend=0) if letter == "s" else noise)  # s is brighter
    resonances = {"m": (250, 1000), "l": (360, 1300)}.get(letter) or VOWELS[letter]
    return (0.5 if letter in VOWELS else 0.25) * edge * _voiced(time, pitch, np.array(resonances) * higher)


def _voiced(time: np.ndarray, pitch: float, resonances: np.ndarray) -> np.ndarray:
    """(N,) harmonics that fall by 6 dB an octave, each as strong as the resonances make it; its largest value is 1."""
    harmonics = np.arange(1, int(RATE / 2 / pitch)) * pitch  # (K,)
    strength = (1 / (1 + ((harmonics[:, None] - resonances) / WIDTH) ** 2)).sum(1) * pitch / harmonics + 0.002
    sound = strength @ np.sin(2 * np.pi * np.outer(harmonics, time))
    return sound / max(np.abs(sound).max(), 1e-6)
