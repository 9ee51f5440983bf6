"""Bidirectional LSTM encoder, LSTM decoder with additive attention and input feeding.

Bahdanau et al. 2015 for the attention, Luong et al. 2015 (section 3.3) for input feeding: the attentional vector of a
step is part of the next step's input.
Letters: B batch, S source, T target, N open hypotheses, E embedding, D features of the decoder, V vocabulary.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attentionflow.attend import Place
from attentionflow.models.seq2seq import Seq2Seq, State
from attentionflow.nn.additive import AdditiveAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.settings import Settings


class RecurrentSettings(Settings):
    embedding: int = Field(256, ge=8, description="features of a token")
    hidden: int = Field(256, ge=8, description="features of the decoder, and of each direction of the encoder")
    attention: int = Field(256, ge=8, description="features inside the additive score")
    dropout: float = Field(0.3, ge=0, lt=1, description="on embeddings, the encoder's output and attentional vectors")


class LSTMs(Seq2Seq):
    """The encoder, and the parts of the decoder; which attention joins them is for those that derive from it."""

    attention: nn.Module

    def __init__(self, settings: RecurrentSettings, vocabulary: int, source: str, target: str) -> None:
        """source, target: names of the two streams in the attention record."""
        super().__init__()
        embedding, hidden = settings.embedding, settings.hidden
        self.output = nn.Parameter(torch.randn(vocabulary, embedding) * 0.1)
        self.encoder = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * hidden, 2 * hidden)
        self.cell = nn.LSTMCell(2 * embedding, hidden)
        self.attention = self.mechanism(settings, Place("cross", target, source, residual=False))
        self.combine = nn.Linear(3 * hidden, embedding)
        self.dropout = Dropout(settings.dropout)

    @abstractmethod
    def mechanism(self, settings: RecurrentSettings, place: Place) -> nn.Module:
        """From the decoder, of `hidden` features, to the encoder, of twice as many."""

    def encode(self, source: Tensor, source_mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Memory (B, S, 2D), mask (B, S), and the decoder's first h and c (B, D)."""
        mask = torch.ones_like(source, dtype=torch.bool) if source_mask is None else source_mask
        embedded = self.dropout(nn.functional.embedding(source, self.output))
        # Packed, so that the backward direction starts at the last token and not at padding.
        packed = pack_padded_sequence(embedded, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        outputs, (h, _) = self.encoder(packed)
        memory = self.dropout(pad_packed_sequence(outputs, batch_first=True, total_length=source.shape[1])[0])
        first, cell = torch.tanh(self.bridge(torch.cat((h[0], h[1]), dim=-1))).chunk(2, dim=-1)
        return memory, mask, first, cell

    def attentional(self, h: Tensor, context: Tensor) -> Tensor:
        """What the output reads and the next step is fed, (N, E), from h (N, D) and context (N, 2D)."""
        return self.dropout(torch.tanh(self.combine(torch.cat((h, context), dim=-1))))


class Recurrent(LSTMs):
    attention: AdditiveAttention

    def mechanism(self, settings: RecurrentSettings, place: Place) -> AdditiveAttention:
        return AdditiveAttention(settings.hidden, 2 * settings.hidden, settings.attention, place)

    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        memory, keys, mask, h, c = self._encode(source, source_mask)
        embedded = self.dropout(nn.functional.embedding(target, self.output))
        fed = embedded.new_zeros(len(target), embedded.shape[-1])
        features = []
        for t in range(target.shape[1]):
            h, c, fed = self._advance(embedded[:, t], h, c, fed, memory, keys, mask, t)
            features.append(fed)
        return torch.stack(features, dim=1)

    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        memory, keys, mask, h, c = self._encode(source, source_mask)
        return State((memory, keys, mask), (h, c, h.new_zeros(len(h), self.output.shape[1])))

    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        embedded = nn.functional.embedding(tokens, self.output)
        h, c, fed = state.own
        memory, keys, mask = (t[owners] for t in state.shared)
        own = self._advance(embedded, h, c, fed, memory, keys, mask, position)
        return own[2], State(state.shared, own)

    def _encode(self, source: Tensor, source_mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Memory, its attention keys (B, S, A), mask, h and c."""
        memory, mask, h, c = self.encode(source, source_mask)
        return memory, self.attention.remember(memory), mask, h, c

    def _advance(
        self,
        embedded: Tensor,
        h: Tensor,
        c: Tensor,
        fed: Tensor,
        memory: Tensor,
        keys: Tensor,
        mask: Tensor,
        step: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One decoder step of N hypotheses, each with its memory: next h, c and attentional vector (N, E)."""
        h, c = self.cell(torch.cat((embedded, fed), dim=-1), (h, c))
        context = self.attention(h[:, None], memory, keys, mask, step)[:, 0]
        return h, c, self.attentional(h, context)
