"""Pyramidal bidirectional LSTM and an LSTM decoder with location-aware attention, for speech.

Listen, attend and spell (Chan et al. 2016) with the attention of Chorowski et al. 2015, and CTC on the encoder.
Letters: B utterances, T frames, F bands, S positions of the encoder, U units written, D features, V units.
"""

from __future__ import annotations

from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attentionflow.attend import Place
from attentionflow.models.recogniser import Memory, Recogniser
from attentionflow.nn.convolution import stacked
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.location import LocationAttention
from attentionflow.settings import Settings


class ListenerSettings(Settings):
    hidden: int = Field(96, ge=8, description="features of each direction of each LSTM that reads, and of the decoder")
    embedding: int = Field(64, ge=8, description="features of a unit of text")
    attention: int = Field(96, ge=8, description="features inside the score of attention")
    dropout: float = Field(0.2, ge=0, lt=1, description="after each LSTM, and on embeddings")


class Listener(Recogniser):
    def __init__(
        self, settings: ListenerSettings, bands: int, units: int, halvings: int, frames: str, text: str
    ) -> None:
        """halvings: LSTMs that read two neighbours as one. frames, text: names of the two streams in the record."""
        super().__init__()
        hidden, embedding = settings.hidden, settings.embedding
        widths = [2 * bands] + [4 * hidden] * (halvings - 1) + [2 * hidden]
        self.encoder = nn.ModuleList(nn.LSTM(w, hidden, batch_first=True, bidirectional=True) for w in widths)
        self.embedding = nn.Embedding(units, embedding)
        self.cell = nn.LSTMCell(embedding + 2 * hidden, hidden)
        place = Place("cross", text, frames, residual=False)
        self.attention = LocationAttention(hidden, 2 * hidden, settings.attention, place)
        self.ctc, self.output = nn.Linear(2 * hidden, units), nn.Linear(3 * hidden, units)
        self.dropout = Dropout(settings.dropout)

    def encode(self, frames: Tensor, mask: Tensor | None) -> Memory:
        x = frames
        for at, lstm in enumerate(self.encoder):
            if at < len(self.encoder) - 1:
                x, mask = stacked(x, mask)
            x = self.dropout(over_time(cast(nn.LSTM, lstm), x, mask))
        return Memory(x, mask)

    def units(self, memory: Memory) -> Tensor:
        return self.ctc(memory.states).log_softmax(-1)

    def decode(self, memory: Memory, written: Tensor) -> Tensor:
        states, keys = memory.states, self.attention.remember(memory.states)
        embedded = self.dropout(self.embedding(written))
        h = states.new_zeros(len(states), self.cell.hidden_size)
        c, context, weights = torch.zeros_like(h), torch.zeros_like(states[:, 0]), torch.zeros_like(states[..., 0])
        features = []
        for step in range(written.shape[1]):
            h, c = self.cell(torch.cat((embedded[:, step], context), dim=-1), (h, c))
            context, weights = self.attention(h, states, keys, weights, memory.mask, step)
            features.append(torch.cat((h, context), dim=-1))
        return self.output(self.dropout(torch.stack(features, dim=1))).log_softmax(-1)


def over_time(lstm: nn.LSTM, x: Tensor, mask: Tensor | None) -> Tensor:
    """Both directions (B, S, 2D), zero on padding; the backward one starts at the last position that is present."""
    if mask is None:
        return lstm(x)[0]
    packed = pack_padded_sequence(x, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])[0]
