"""Sounds as a tagger hears them: log-mel spectrograms cut into windows of one length, each brought to its loudest.

Letters: B sounds, T frames, W frames of a window, F bands, N moments of a window.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.labelled_sounds import LabelledSound
from attentionflow.readers.mel import FLOOR, picture
from attentionflow.readers.sound_blocks import log_mel_of
from attentionflow.records import Axis

LOOKED_AT = 200  # training sounds, evenly spread, whose rate is counted and whose bands are measured
HIGHEST_RATE = 32_000
RANGE = 18.4  # natural logarithms of power below the loudest, 80 dB, under which all is alike
SILENCE = float(np.log(FLOOR))
LEAST_DEVIATION = 1e-2


@dataclass(frozen=True)
class SoundWindows:
    """rate: samples a second of the sounds; frames: of a window, whole moments of `step` frames each.

    mean, deviation: of each band over training windows.
    """

    rate: int
    bands: int
    frame_rate: int
    frames: int
    step: int
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @classmethod
    def learn(
        cls, examples: Sequence[LabelledSound], rate: int | None, bands: int, frame_rate: int, seconds: float, step: int
    ) -> Self:
        """rate: as the user wants it; the commonest of the training sounds where that is None."""
        rows = np.unique(np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples))).astype(int))
        chosen = [examples[int(row)] for row in rows]
        common = Counter(one.sound.rate() or 0 for one in chosen).most_common(1)[0][0]
        window = max(1, round(seconds * frame_rate / step)) * step
        made = cls(rate or min(common, HIGHEST_RATE), bands, frame_rate, window, step)
        heard = torch.cat([made.levelled(made.windows(made.log_mel(one))) for one in chosen]).flatten(0, 1)
        return replace(made, mean=tuple(heard.mean(0).tolist()), deviation=tuple(heard.std(0).tolist()))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        page = json.loads(path.read_text(encoding="utf-8"))
        return cls(**page | {name: tuple(page[name]) for name in ("mean", "deviation")})

    @property
    def moments(self) -> int:
        """Of a window."""
        return self.frames // self.step

    def log_mel(self, example: LabelledSound) -> np.ndarray:
        """(T, F) float16 of the whole sound."""
        return log_mel_of(example.sound, self.rate, self.bands, self.frame_rate)

    def starts(self, length: int) -> list[int]:
        """First frames of the windows of a sound of `length` frames, evenly spread from its beginning to its end, where
        less than a moment may be left over; they overlap where it is no multiple of a window."""
        count = max(1, -(-(length - self.step + 1) // self.frames))
        covered = min(length, count * self.frames)
        return np.linspace(0, max(0, covered - self.frames), count).round().astype(int).tolist()

    def windows(self, frames: np.ndarray) -> Tensor:
        """(windows, W, F) float32 of a sound (T, F); silence follows one that is shorter than a window."""
        return torch.from_numpy(np.stack([self.window(frames, start) for start in self.starts(len(frames))]))

    def window(self, frames: np.ndarray, start: int) -> np.ndarray:
        """(W, F) float32"""
        made = np.full((self.frames, frames.shape[1]), SILENCE, np.float32)
        piece = frames[start : start + self.frames]
        made[: len(piece)] = piece
        return made

    def levelled(self, windows: Tensor) -> Tensor:
        """(B, W, F) below the loudest place of each window, as how loud it is tells nothing of what it is."""
        loudest = windows.amax((1, 2), keepdim=True)
        return torch.maximum(windows, loudest - RANGE).sub_(loudest)

    def normalised(self, windows: Tensor) -> Tensor:
        """The same with mean 0 and deviation 1 in every band."""
        mean, deviation = (torch.tensor(values, device=windows.device) for values in (self.mean, self.deviation))
        return self.levelled(windows).sub_(mean).div_(deviation.clamp_min(LEAST_DEVIATION))

    def profile(self, frames: np.ndarray) -> np.ndarray:
        """(2F,) mean and deviation of each band of a sound (T, F), brought to its loudest."""
        heard = self.levelled(self.windows(frames)).flatten(0, 1).numpy()
        return np.concatenate((heard.mean(0), heard.std(0)))

    def spans(self, length: int) -> list[tuple[float, float]]:
        """Seconds of each moment of all windows of a sound of `length` frames."""
        return [
            ((start + at) / self.frame_rate, (start + at + self.step) / self.frame_rate)
            for start in self.starts(length)
            for at in range(0, self.frames, self.step)
        ]

    def axis(self, frames: np.ndarray) -> Axis:
        """Moments over the picture of the spectrogram (T, F); spans in seconds, None past the end of the sound."""
        lasts = len(frames) / self.frame_rate
        spans = [(a, min(b, lasts)) if a < lasts else None for a, b in self.spans(len(frames))]
        labels = tuple("silence" if span is None else f"{span[0]:.2f} s" for span in spans)
        return Axis("frame", labels, tuple(spans), preview=picture(frames.astype(np.float32)))
