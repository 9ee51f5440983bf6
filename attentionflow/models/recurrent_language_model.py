"""LSTM that attends to its own past states.

Letters: B batch, T time, E embedding, D features of the LSTM, V vocabulary, L layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.language_model import Cache, LanguageModel, LanguageModelSettings
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.records import Fold


class RecurrentLanguageModelSettings(LanguageModelSettings):
    embedding: int = Field(128, ge=8, description="features of a unit, and of what foresees the next")
    hidden: int = Field(256, ge=8, description="features of each layer of the LSTM")
    layers: int = Field(1, ge=1, description="layers of the LSTM")
    dropout: float = Field(0.1, ge=0, lt=1, description="on embeddings and on what the LSTM gives out")


class RecurrentLanguageModel(LanguageModel):
    """h = LSTM(x), a = tanh(W [h; attention of h to all h so far]); the next token is foreseen from a.

    Attention over past states is that of Cheng et al. 2016 and Daniluk et al. 2017 ("attention model", section 3);
    different here: scaled dot products with one head in place of an additive score, over the whole window, the state
    itself included.
    """

    def __init__(self, settings: RecurrentLanguageModelSettings, vocabulary: int, stream: str) -> None:
        """stream: name of the tokens in the attention record."""
        super().__init__()
        embedding, hidden = settings.embedding, settings.hidden
        self.output = nn.Parameter(torch.randn(vocabulary, embedding) * 0.1)
        self.clusters = settings.clusters(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, settings.layers, batch_first=True)
        self.attention = SelfAttention(hidden, 1, Place("self", stream, stream), causal=True)
        self.combine = nn.Linear(2 * hidden, embedding)
        self.dropout = Dropout(settings.dropout)

    def forward(self, tokens: Tensor, fold: Fold | None = None) -> Tensor:
        h = self.dropout(self.lstm(self.dropout(F.embedding(tokens, self.output)))[0])
        return self._combined(h, self.attention(h, None, fold))

    def start(self, tokens: Tensor, room: int) -> tuple[Tensor, Cache]:
        h, (last, cell) = self.lstm(F.embedding(tokens, self.output))
        past = h.new_empty(len(tokens), 2, room, self.attention.head_width)
        attended = self.attention.read(h, past)
        own = last.transpose(0, 1), cell.transpose(0, 1)  # (B, L, D)
        return self._combined(h[:, -1], attended[:, -1]), Cache((past,), own, tokens.shape[1])

    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        state = tuple(t.transpose(0, 1).contiguous() for t in cache.own)
        h, (last, cell) = self.lstm(F.embedding(tokens, self.output)[:, None], state)
        attended = self.attention.extend(h[:, 0], cache.past[0], cache.filled, None)
        cache.own, cache.filled = (last.transpose(0, 1), cell.transpose(0, 1)), cache.filled + 1
        return self._combined(h[:, 0], attended)

    def _combined(self, h: Tensor, attended: Tensor) -> Tensor:
        return self.dropout(torch.tanh(self.combine(torch.cat((h, attended), -1))))
