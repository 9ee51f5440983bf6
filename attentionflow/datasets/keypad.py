"""Keys of a telephone as the exchange hears them: made sounds, whose text is known exactly.

Each key is two tones at once, one for its row and one for its column (ITU-T Q.23).
Letters: N samples.
"""

from __future__ import annotations

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._made import Made
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import Held, Utterance

LENGTHS = {"train": 1_200, "val": 100, "test": 200}
DATASET = Dataset(
    name="keypad",
    task="speech-recognition",
    summary="Telephone numbers as the tones of their keys, 3 to 10 of 16 keys in groups, on lines of different noise, "
    "made here: 1,200 train, 100 val and 200 test sounds of about 2 seconds.",
    licence="Apache-2.0; made by this package.",
    reference="None published: the data is made here. The text is known, so no error at all is possible.",
)

# Settings that suit these data, by architecture; the user's own go before them. A key is its pitch.
_SHARED: dict[str, object] = {
    "bands": 32,
    "batch_frames": 3000,
    "voices": 0.0,
    "masked_bands": 2,
    "label_smoothing": 0.0,
    "dropout": 0.0,
    "learning_rate": 3e-3,
    "ema": 0.99,
    "evaluations": 4,
}
ADVICE: dict[str, dict[str, object]] = {
    "conformer": {**_SHARED, "width": 64, "encoder_layers": 2, "feedforward": 128, "epochs": 8},
    "classic": {**_SHARED, "hidden": 64, "epochs": 8},
}

RATE = 4_000
ROWS, COLUMNS = (697, 770, 852, 941), (1_209, 1_336, 1_477, 1_633)  # Hz
KEYS = "123A456B789C*0#D"
GROUP = 4  # keys of a group at most


class Dialled(Made[Utterance]):
    name, lengths = DATASET.name, LENGTHS

    def one(self, index: int) -> Utterance:
        draw = np.random.default_rng(self.key(index))
        text = _number(draw)
        where = self.where(index)
        return Utterance(where, text, where, Held(Audio(_sound(text, draw), RATE)))


def read(seed: int = 0) -> tuple[dict[str, Dialled], list[str]]:
    """Sounds by split; `seed` chooses which are made."""
    return {split: Dialled(split, seed) for split in LENGTHS}, ["the data set 'keypad' is made, not recorded"]


def _number(draw: np.random.Generator) -> str:
    """3 to 10 keys in groups of 1 to GROUP."""
    keys, groups = "".join(draw.choice(list(KEYS), draw.integers(3, 11))), []
    while keys:
        size = int(draw.integers(1, GROUP + 1))
        groups.append(keys[:size])
        keys = keys[size:]
    return " ".join(groups)


def _sound(text: str, draw: np.random.Generator) -> np.ndarray:
    """Samples (N,): each key held 50 to 160 ms and let go as long, a blank 300 to 500 ms, in noise 2 to 30 dB below."""
    level, tilt = draw.uniform(0.05, 0.3), draw.uniform(0.5, 1.5)
    parts = [np.zeros(_samples(draw, 0.05, 0.3))]
    for key in text:
        if key == " ":
            parts.append(np.zeros(_samples(draw, 0.3, 0.5)))
            continue
        time = np.arange(_samples(draw, 0.05, 0.16)) / RATE
        low, high = ROWS[KEYS.index(key) // 4], COLUMNS[KEYS.index(key) % 4]
        off = draw.uniform(0.985, 1.015)  # what the standard allows
        tones = np.sin(2 * np.pi * low * off * time) + tilt * np.sin(2 * np.pi * high * off * time + draw.uniform(0, 6))
        parts += [level * tones, np.zeros(_samples(draw, 0.05, 0.16))]
    samples = np.concatenate(parts)
    noise = level * 10 ** (-draw.uniform(2, 30) / 20)
    return (samples + draw.normal(0, noise, len(samples))).clip(-1, 1).astype(np.float32)


def _samples(draw: np.random.Generator, least: float, most: float) -> int:
    return round(draw.uniform(least, most) * RATE)
