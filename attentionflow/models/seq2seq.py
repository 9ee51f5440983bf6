"""What an encoder-decoder answers, so that decoding, scoring and recording need not know which one it is.

Letters: B batch, S source, T target, W hypotheses (beams) of a sentence, D features, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class State:
    """What a decoder carries from step to step.

    shared: tensors (B, ...), one entry a sentence, such as the keys and values of the source.
    own:    tensors (B·W, ...), one entry a hypothesis, such as the state of a recurrent decoder.
    """

    shared: tuple[Tensor, ...]
    own: tuple[Tensor, ...]

    def reorder(self, parents: Tensor) -> State:
        """Hypothesis i continues `parents[i]`, (B·W,)."""
        return State(self.shared, tuple(t.index_select(0, parents) for t in self.own))

    def keep(self, sentences: Tensor, hypotheses: Tensor) -> State:
        """Only these sentences (b,) and their hypotheses (b·W,)."""
        return State(
            tuple(t.index_select(0, sentences) for t in self.shared),
            tuple(t.index_select(0, hypotheses) for t in self.own),
        )


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
    def start(self, source: Tensor, source_mask: Tensor | None, beams: int) -> State:
        """Encode once and prepare B·beams empty hypotheses."""

    @abstractmethod
    def step(self, tokens: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        """Feed one token a hypothesis, (B, W), at this position from 0; logits (B, W, V) and the next state.

        The state given is used up: the next one may be written over it.
        """
