"""What an encoder-decoder answers, so that decoding, scoring and recording need not know which one it is.

Letters: B batch, S source, T target, N open hypotheses of all sentences, D features, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class State:
    """What a decoder carries from step to step.

    shared: tensors of all sentences, such as the keys and values of the source.
    own:    tensors (N, ...), one entry a hypothesis, such as the state of a recurrent decoder.
    taken:  how many cells of a pool of keys and values are filled, where there is one.
    """

    shared: tuple[Tensor, ...]
    own: tuple[Tensor, ...]
    taken: int = 0

    def select(self, parents: Tensor) -> State:
        """Hypothesis i continues `parents[i]`, (N,); there may be more or fewer than before."""
        return State(self.shared, tuple(t.index_select(0, parents) for t in self.own), self.taken)


class Seq2Seq(nn.Module, ABC):
    """An encoder and an autoregressive decoder. `output` (V, D) is the matrix that turns features into logits."""

    output: nn.Parameter

    @abstractmethod
    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        """Features (B, T, D) before `output`, teacher-forced.

        source (B, S) ids; source_mask (B, S), True where present, or None without padding; target (B, T) ids shifted
        right, beginning with the start token.
        """

    @abstractmethod
    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        """Encode once and prepare B empty hypotheses, one a sentence."""

    @abstractmethod
    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        """Feed one token a hypothesis, (N,), at this position from 0; features (N, D) before `output`, and the next
        state. owners (N,): which sentence of `start` each hypothesis is of.

        The state given is used up: the next one may be written over it.
        """
