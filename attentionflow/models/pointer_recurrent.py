"""Pointer-generator: LSTM encoder and decoder with additive attention that also says what is copied, and coverage.

See, Liu and Manning 2017.
Letters: B batch, S source, T target, N open hypotheses, E embedding, D features of the decoder.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.copying import Copying, Written
from attentionflow.models.recurrent import LSTMs, RecurrentSettings
from attentionflow.models.seq2seq import State
from attentionflow.nn.coverage import CoverageAttention


class PointerRecurrentSettings(RecurrentSettings):
    embedding: int = Field(128, ge=8, description="features of a token")
    attention: int = Field(128, ge=8, description="features inside the additive score")
    coverage: float = Field(
        1.0, ge=0, description="weight of the loss for attending again to what has been attended to; 0: none"
    )


class PointerRecurrent(Copying, LSTMs):
    """The LSTMs of `models/recurrent.py`, joined by an attention that sees its coverage and is mixed into the answer.

    Different from the paper: sub-words, so that nothing is outside the vocabulary; input feeding; the coverage loss
    from the beginning.
    """

    attention: CoverageAttention

    def __init__(
        self, settings: PointerRecurrentSettings, vocabulary: int, source: str, target: str, line_end: int | None
    ) -> None:
        """line_end: of no use to this network."""
        super().__init__(settings, vocabulary, source, target)
        self.writing = nn.Linear(3 * settings.hidden + settings.embedding, 1)
        self.coverage = settings.coverage

    def mechanism(self, settings: RecurrentSettings, place: Place) -> CoverageAttention:
        return CoverageAttention(settings.hidden, 2 * settings.hidden, settings.attention, place)

    def write(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Written:
        shared, own = self._begin(source, source_mask)
        embedded = self.dropout(F.embedding(target, self.output))
        features, copied, writing, again = [], [], [], []
        for t in range(target.shape[1]):
            coverage = own[3]
            own = self._follow(embedded[:, t], shared, own, t)
            features.append(own[2])
            copied.append(own[4])
            writing.append(own[5])
            again.append(torch.minimum(own[4], coverage).sum(-1))
        losses = {"coverage": self.coverage * torch.stack(again, 1)} if self.coverage else {}
        return Written(torch.stack(features, 1), torch.stack(copied, 1), torch.stack(writing, 1), losses)

    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        return State(*self._begin(source, source_mask))

    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        shared = tuple(t[owners] for t in state.shared)
        own = self._follow(F.embedding(tokens, self.output), shared, state.own, position)
        return own[2], State(state.shared, own)

    def _begin(self, source: Tensor, source_mask: Tensor | None) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Source, memory, its keys and mask, of all hypotheses; and of each h, c, what is fed, coverage, copying."""
        memory, mask, h, c = self.encode(source, source_mask)
        fed, covered = h.new_zeros(len(h), self.output.shape[1]), h.new_zeros(source.shape)
        return (source, memory, self.attention.remember(memory), mask), (
            h,
            c,
            fed,
            covered,
            covered,
            h.new_zeros(len(h)),
        )

    def _follow(
        self, embedded: Tensor, shared: tuple[Tensor, ...], own: tuple[Tensor, ...], step: int
    ) -> tuple[Tensor, ...]:
        """One decoder step of N hypotheses, each with its memory: their own state after it."""
        _, memory, keys, mask = shared
        h, c, fed, coverage = own[:4]
        h, c = self.cell(torch.cat((embedded, fed), dim=-1), (h, c))
        context, weights = self.attention(h, memory, keys, coverage, mask, step)
        fed = self.attentional(h, context)
        writing = self.writing(torch.cat((h, context, embedded), dim=-1))[:, 0]
        return h, c, fed, coverage + weights, weights, writing
