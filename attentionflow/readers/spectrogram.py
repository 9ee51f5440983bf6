"""Utterances as the network reads them: spectrograms of one kind, with mean 0 and deviation 1 in every band.

Letters: B utterances, T frames, F bands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.errors import DataError
from attentionflow.readers.audio import Audio, resampled
from attentionflow.readers.mel import FLOOR, WINDOW, log_mel, picture
from attentionflow.readers.utterances import Frames, Utterance
from attentionflow.records import Axis

LOOKED_AT = 200  # training utterances, evenly spread, whose rate is counted and whose bands are measured
HIGHEST_RATE = 16_000  # speech holds little above 8 kHz
LEAST_DEVIATION = 1e-2  # of a band; that of silence is noise


@dataclass(frozen=True)
class Spectrograms:
    """rate: samples a second of the sounds; None where the data are arrays of features already.

    mean, deviation: of each band in training; without, each utterance is brought to its own, which takes the colouring
    of a microphone away, and from a short steady sound what it is. window: seconds that a frame sees. floor: of the
    power, below which all is as quiet.
    """

    rate: int | None
    bands: int
    frame_rate: int
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    window: float = WINDOW
    floor: float = FLOOR

    @classmethod
    def learn(
        cls,
        examples: Sequence[Utterance],
        rate: int | None,
        bands: int,
        frame_rate: int,
        measured: bool = False,
        *,
        highest: int = HIGHEST_RATE,
        window: float = WINDOW,
        floor: float = FLOOR,
    ) -> Self:
        """rate: as the user wants it; where that is None, the commonest of the training sounds, at most the highest.
        measured: whether mean and deviation are those of training."""
        rows = np.unique(np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples))).astype(int))
        chosen = [examples[int(row)] for row in rows]
        common = Counter(one.sound.rate() for one in chosen).most_common(1)[0][0]
        if common is not None:
            made = cls(rate or min(common, highest), bands, frame_rate, window=window, floor=floor)
        else:
            first = chosen[0].sound.load()
            made = cls(None, first.values.shape[1] if isinstance(first, Frames) else bands, frame_rate)
        if not measured:
            return made
        frames = np.concatenate([made.frames(one) for one in chosen])
        return replace(made, mean=tuple(frames.mean(0).tolist()), deviation=tuple(frames.std(0).tolist()))

    def page(self) -> dict[str, Any]:
        return asdict(self)

    def __call__(self, utterance: Utterance) -> np.ndarray:
        """(T, F) float32, normalised."""
        frames = self.frames(utterance)
        mean, deviation = (self.mean, self.deviation) if self.mean else (frames.mean(0), frames.std(0))
        return ((frames - np.array(mean)) / np.maximum(deviation, LEAST_DEVIATION)).astype(np.float32)

    def frames(self, utterance: Utterance) -> np.ndarray:
        """(T, F) as they are."""
        loaded = utterance.sound.load()
        if isinstance(loaded, Audio) != (self.rate is not None):
            kinds = ("sounds", "arrays of features")
            wanted, found = kinds if self.rate else reversed(kinds)
            raise DataError(f"the model reads {wanted}, and this is one of the {found}", file=utterance.name)
        if isinstance(loaded, Audio):
            assert self.rate is not None
            frames = log_mel(resampled(loaded, self.rate), self.bands, self.frame_rate, self.window, self.floor)
        else:
            frames = loaded.values
            if frames.shape[1] != self.bands:
                remedy = f"All features must have the {self.bands} bands of the training data"
                raise DataError(f"features with {frames.shape[1]} bands", file=utterance.name, remedy=remedy)
        return frames

    def axis(self, frames: np.ndarray, step: int) -> Axis:
        """Positions of `step` frames each, over the picture of the spectrogram; spans in seconds."""
        starts = np.arange(0, len(frames), step)
        spans = tuple((a / self.frame_rate, min(a + step, len(frames)) / self.frame_rate) for a in starts.tolist())
        return Axis("frame", tuple(f"{a:.2f} s" for a, _ in spans), spans, preview=picture(frames))


def padded(rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor | None]:
    """Frames (B, longest, F), zero on padding, and where there are any (B, longest); None where none is padding."""
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max()) < lengths[:, None]
    frames = np.zeros((*mask.shape, rows[0].shape[1]), np.float32)
    frames[mask] = np.concatenate(rows)
    return torch.from_numpy(frames), None if mask.all() else torch.from_numpy(mask)
