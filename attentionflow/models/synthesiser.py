"""What a network that speaks answers, so that losses, prediction and recording need not know which it is.

Letters: B utterances, N letters, T frames, P rows of attention, F bands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

FRAMES, TEXT = "frames", "text"  # streams of the attention record


@dataclass(frozen=True)
class Script:
    """What is to be said: letters (B, N), their mask, None without padding, and speakers (B,).

    seen (B, N): the letters that the network may read; the others are blank to it. All unless given.
    """

    letters: Tensor
    mask: Tensor | None
    speakers: Tensor
    seen: Tensor | None = None

    @property
    def lengths(self) -> list[int]:
        count, longest = self.letters.shape
        return [longest] * count if self.mask is None else self.mask.sum(1).tolist()


@dataclass(frozen=True)
class Spoken:
    """One answer: its spectrogram (T, F), normalised; path, the letter read at each of moments evenly spread over it.

    durations (N,): frames of each letter, where the network goes by them. fed (T, F): frames as the network was fed
    them, where it is. forced: the path must give each letter a moment. ended: whether the network stopped by itself.
    """

    frames: np.ndarray
    path: np.ndarray
    durations: np.ndarray | None = None
    fed: np.ndarray | None = None
    forced: bool = False
    ended: bool = True


class Synthesiser(nn.Module, ABC):
    """step: frames of a row of its attention."""

    step: int

    @abstractmethod
    def losses(self, script: Script, frames: Tensor, mask: Tensor | None) -> dict[str, tuple[Tensor, int]]:
        """Each as a total and what it is a total of. frames (B, T, F) of recordings, zero on padding."""

    @abstractmethod
    def speak(self, script: Script, speed: float) -> list[Spoken]:
        """One answer an utterance, heard by no recording. speed: how many times as fast as learned, where the network
        goes by durations."""

    @abstractmethod
    def again(self, script: Script, spoken: Sequence[Spoken]) -> Tensor:
        """(B, T, F): the frames of answers already given, each foreseen as it was then; with gradients."""
