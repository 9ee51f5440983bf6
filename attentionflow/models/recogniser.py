"""What a network that writes down speech answers, so that losses, decoding and recording need not know which it is.

Letters: B utterances, T frames, F bands, S positions of the encoder, U units written, D features, V units.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Memory:
    """states (B, S, D) of the encoder; mask (B, S), True where present, or None without padding."""

    states: Tensor
    mask: Tensor | None

    def select(self, rows: Tensor) -> Memory:
        """Row i is that of `rows[i]`; there may be more or fewer than before."""
        return Memory(self.states[rows], None if self.mask is None else self.mask[rows])

    def lengths(self) -> list[int]:
        """Positions of each utterance."""
        count, longest = self.states.shape[:2]
        return [longest] * count if self.mask is None else self.mask.sum(1).tolist()


class Recogniser(nn.Module, ABC):
    """An encoder whose positions are read by CTC, and an attention decoder that reads the encoder.

    Built with `halvings`: 2^halvings frames become one position.
    """

    @abstractmethod
    def encode(self, frames: Tensor, mask: Tensor | None) -> Memory:
        """frames (B, T, F), zero on padding; mask (B, T), True where present, or None without padding."""

    @abstractmethod
    def units(self, memory: Memory) -> Tensor:
        """Log-probabilities of each unit and of the blank at each position (Graves et al. 2006), (B, S, V)."""

    @abstractmethod
    def decode(self, memory: Memory, written: Tensor) -> Tensor:
        """Log-probabilities of the unit after each of those written, (B, U, V).

        written (B, U): ids shifted right, beginning with the start unit.
        """
