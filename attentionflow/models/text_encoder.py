"""Networks that read a whole text: words made of n-grams, a transformer or an LSTM over them, attention pooling.

Letters: B batch, T words of the longest text, n words of all, M features of all words, F features with a vector,
L features of the line, D width, C outputs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attentionflow.attend import Place
from attentionflow.nn.additive import AdditiveAttention
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.pooling import AttentionPooling
from attentionflow.records import Fold
from attentionflow.settings import Settings

WORDS, LABEL = "words", "label"  # streams of the attention record


class Words(NamedTuple):
    """The words of some texts.

    ids, values: (M,) features of all words and how much each counts in its text. starts: (n,) where those of each word
    begin. grid: (B, T) which word stands where, n for padding. mask: (B, T) True where a word is; None without padding.
    unseen: (B, C), what a line that did not see these texts says of them, in training.
    """

    ids: Tensor
    values: Tensor
    starts: Tensor
    grid: Tensor
    mask: Tensor | None
    unseen: Tensor | None

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor | None]) -> Self:
        return cls(*(tensors[name] for name in cls._fields))  # type: ignore[arg-type]


class Line(NamedTuple):
    """A linear classifier of texts: weights (L, C) and bias (C,)."""

    weights: Tensor
    bias: Tensor


class TextClassifier(nn.Module, ABC):
    """What a network that labels texts answers."""

    @abstractmethod
    def forward(self, inputs: Mapping[str, Tensor | None]) -> Tensor:
        """Logits (B, C) of a batch, by the names of its tensors."""


class NgramVectors(nn.Module):
    """The vector of a word: the sum of those of its features, divided by the root of their number.

    Joulin et al. 2017 and Bojanowski et al. 2017 with a table in place of hashes. In training each feature is left away
    with the probability `feature_dropout`, and all those of a word with `word_dropout`.
    """

    def __init__(self, features: int, width: int, feature_dropout: float, word_dropout: float) -> None:
        super().__init__()
        self.feature_dropout, self.word_dropout = feature_dropout, word_dropout
        self.weight = nn.Parameter(torch.randn(features, width) * 0.3)

    def forward(self, words: Words) -> Tensor:
        """(B, T, D)"""
        ids, starts = words.ids, words.starts
        owner = torch.zeros(len(ids) + 1, dtype=torch.long, device=ids.device)
        owner = owner.index_add(0, starts, torch.ones_like(starts))[:-1].cumsum(0) - 1
        known = (ids < len(self.weight)).to(self.weight.dtype)
        count = known.new_zeros(len(starts)).index_add(0, owner, known)
        shares = known * count.clamp_min(1).rsqrt()[owner]
        if self.training and self.feature_dropout:
            keep = torch.rand(len(shares), device=ids.device) >= self.feature_dropout
            shares = shares * keep / (1 - self.feature_dropout)
        if self.training and self.word_dropout:
            shares = shares * (torch.rand(len(starts), device=ids.device) >= self.word_dropout)[owner]
        ids = ids.clamp_max(len(self.weight) - 1)
        x = F.embedding_bag(ids, self.weight, starts, mode="sum", per_sample_weights=shares)
        return torch.cat((x, x.new_zeros(1, x.shape[1])))[words.grid]


class TextTransformerSettings(Settings):
    width: int = Field(128, ge=8, description="features of a word")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    layers: int = Field(1, ge=0, description="layers that read the words")
    feedforward: int = Field(256, ge=8, description="inner features of the feed-forward part")
    window: int = Field(256, ge=2, description="words among which attention runs; longer texts are read part by part")
    embedded: int = Field(
        30_000, ge=1, description="features with a vector: the most frequent, each in two texts at least"
    )
    dropout: float = Field(0.3, ge=0, lt=1, description="on words, on every residual branch, and on the pooled vector")
    feature_dropout: float = Field(0.3, ge=0, lt=1, description="share of a word's features left away in training")
    word_dropout: float = Field(0.1, ge=0, lt=1, description="share of the words left away in training")
    line_dropout: float = Field(
        0.5, ge=0, lt=1, description="share of the texts for which the line keeps silent in training"
    )
    line: bool = Field(True, description="begin with a linear classifier of all features, which the network corrects")
    refit: bool = Field(True, description="at the end, fit the line to the validation texts too, once they are scored")


class TextTransformer(TextClassifier):
    """N-gram vectors, norm-first transformer layers, attention pooling; its logits are added to those of the line.

    The line is fitted before training and stays as it is, but for one learned scale. No attention weight shows what it
    says. It knows its own training texts by heart; so in training it is replaced by lines that were fitted to the
    other texts (`Words.unseen`), and what the network learns is what a line gets wrong on texts it never saw.
    Texts of more words than `window` are cut into windows, over which self attention runs one by one, and pooling runs
    over all of them.
    """

    line: Tensor
    bias: Tensor

    def __init__(
        self, settings: TextTransformerSettings, features: int, repeated: int, outputs: int, line: Line | None
    ) -> None:
        """features: of the line. repeated: those that stand in two texts. line: None where there is none yet: a network
        is about to be loaded."""
        super().__init__()
        width, inner = settings.width, settings.feedforward
        self.window, self.line_dropout = settings.window, settings.line_dropout
        embedded = max(1, min(settings.embedded, repeated))
        self.vectors = NgramVectors(embedded, width, settings.feature_dropout, settings.word_dropout)
        place = Place("self", WORDS, WORDS)
        self.layers = nn.ModuleList(
            EncoderLayer(SelfAttention(width, settings.heads, place, rotary=True), width, inner, settings.dropout)
            for _ in range(settings.layers)
        )
        self.norm, self.pooled_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.pool = AttentionPooling(width, settings.heads, Place("pool", LABEL, WORDS, residual=False))
        self.out = nn.Linear(width, outputs)
        self.dropout = Dropout(settings.dropout)
        self.scale = nn.Parameter(torch.ones(())) if settings.line else None
        if self.scale is not None:
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)
            self.register_buffer("line", torch.zeros(features, outputs) if line is None else line.weights)
            self.register_buffer("bias", torch.zeros(outputs) if line is None else line.bias)

    def forward(self, inputs: Mapping[str, Tensor | None]) -> Tensor:
        words = Words.of(inputs)
        x, mask, fold = self._windows(self.dropout(self.vectors(words)), words.mask)
        for layer in self.layers:
            x = layer(x, None if mask is None else mask[:, None, None], fold)
        x = x.reshape(len(words.grid), -1, x.shape[-1])[:, : words.grid.shape[1]]
        pooled = self.pool(self.norm(x), words.mask)
        logits = self.out(self.dropout(self.pooled_norm(pooled)))
        return logits if self.scale is None else logits + self.scale * self._line(words)

    def set_line(self, line: Line) -> None:
        """Another line in place of that from which training began."""
        self.line.copy_(line.weights)
        self.bias.copy_(line.bias)

    def _line(self, words: Words) -> Tensor:
        """What the line says, (B, C)."""
        if words.unseen is None:
            said = F.embedding_bag(words.ids, self.line, words.starts, mode="sum", per_sample_weights=words.values)
            return torch.cat((said, said.new_zeros(1, said.shape[1])))[words.grid].sum(1) + self.bias
        if not (self.training and self.line_dropout):
            return words.unseen
        return words.unseen * (torch.rand(len(words.unseen), 1, device=words.unseen.device) >= self.line_dropout)

    def _windows(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None, Fold | None]:
        """x (B, T, D) as (B W, window, D), with the mask of each and the way back; as it is where it is short."""
        batch, length = x.shape[:2]
        if length <= self.window:
            return x, mask, None
        pieces = -(-length // self.window)
        padded = pieces * self.window
        x = F.pad(x, (0, 0, 0, padded - length)).view(batch * pieces, self.window, -1)
        mask = torch.ones(batch, length, dtype=torch.bool, device=x.device) if mask is None else mask
        mask = F.pad(mask, (0, padded - length)).view(batch * pieces, self.window)
        at = np.arange(padded).reshape(pieces, self.window)
        places = np.tile(np.where(at < length, at, -1), (batch, 1))
        return x, mask, Fold(np.repeat(np.arange(batch), pieces), places, places)


class TextRecurrentSettings(Settings):
    embedding: int = Field(128, ge=8, description="features of a word")
    hidden: int = Field(128, ge=8, description="features of each direction of the LSTM")
    attention: int = Field(128, ge=8, description="features inside the additive score")
    embedded: int = Field(
        30_000, ge=1, description="features with a vector: the most frequent, each in two texts at least"
    )
    dropout: float = Field(0.3, ge=0, lt=1, description="on words, on the LSTM's output and on the pooled vector")
    word_dropout: float = Field(0.1, ge=0, lt=1, description="share of the words left away in training")


class TextRecurrent(TextClassifier):
    """Bidirectional LSTM over n-gram vectors, pooled by additive attention with a learned query (Yang et al. 2016)."""

    def __init__(
        self, settings: TextRecurrentSettings, features: int, repeated: int, outputs: int, line: Line | None
    ) -> None:
        """Of no use here: features and line."""
        super().__init__()
        width = 2 * settings.hidden
        embedded = max(1, min(settings.embedded, repeated))
        self.vectors = NgramVectors(embedded, settings.embedding, 0.0, settings.word_dropout)
        self.encoder = nn.LSTM(settings.embedding, settings.hidden, batch_first=True, bidirectional=True)
        self.query = nn.Parameter(torch.randn(width) / math.sqrt(width))
        self.attention = AdditiveAttention(
            width, width, settings.attention, Place("pool", LABEL, WORDS, residual=False)
        )
        self.out = nn.Linear(width, outputs)
        self.dropout = Dropout(settings.dropout)

    def forward(self, inputs: Mapping[str, Tensor | None]) -> Tensor:
        words = Words.of(inputs)
        x, length = self.dropout(self.vectors(words)), words.grid.shape[1]
        counts = torch.full((len(x),), length) if words.mask is None else words.mask.sum(1).cpu()
        packed = pack_padded_sequence(x, counts.clamp_min(1), batch_first=True, enforce_sorted=False)
        memory = pad_packed_sequence(self.encoder(packed)[0], batch_first=True, total_length=length)[0]
        memory = self.dropout(memory)
        query = self.query.expand(len(x), 1, -1)
        pooled = self.attention(query, memory, self.attention.remember(memory), words.mask)[:, 0]
        return self.out(self.dropout(pooled))
