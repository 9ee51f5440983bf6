"""Decoder-only transformer: norm first, rotary positions, cached steps.

Radford et al. 2019 (GPT-2) with rotary positions (Su et al. 2021). Letters: B batch, T time, D features, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place, listener
from attentionflow.models.language_model import Cache, LanguageModel, LanguageModelSettings
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.recent import RecentTokens
from attentionflow.records import Fold

FEW_TEXTS = 16  # up to which a compiled step is quicker than matrix products


class CausalTransformerSettings(LanguageModelSettings):
    width: int = Field(192, ge=8, description="features of a position")
    heads: int = Field(6, ge=1, description="attention heads; divides width")
    groups: int | None = Field(None, ge=1, description="heads that share keys and values come in this many groups")
    layers: int = Field(6, ge=1, description="layers of attention and feed-forward")
    feedforward: int = Field(768, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.1, ge=0, lt=1, description="on embeddings and on every residual branch")
    tied: bool = Field(True, description="the output shares the embedding of the units; for few units, better not")
    recent: int = Field(0, ge=0, le=16, description="runs of up to so many units get embeddings of their own; 0: none")
    recent_rows: int = Field(16384, ge=16, description="embeddings for the runs of each length, found by a hash")
    recent_width: int = Field(64, ge=1, description="features of the embedding of a run")
    shortened: float = Field(
        0.5, ge=0, lt=1, description="share of the positions where long runs are left out in training"
    )


class CausalTransformer(LanguageModel):
    def __init__(self, settings: CausalTransformerSettings, vocabulary: int, stream: str) -> None:
        """stream: name of the tokens in the attention record."""
        super().__init__()
        width, layers = settings.width, settings.layers
        self.output = nn.Parameter(torch.randn(vocabulary, width) * width**-0.5)
        self.clusters = settings.clusters(vocabulary, width)
        self.embedding = None if settings.tied else nn.Parameter(torch.randn(vocabulary, width) * 0.5)
        hashed = settings.recent_rows, settings.recent_width, width, settings.shortened
        self.recent = RecentTokens(settings.recent, *hashed) if settings.recent > 1 else None
        self.scale, self.dropout = math.sqrt(width), Dropout(settings.dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(
                SelfAttention(
                    width,
                    settings.heads,
                    Place("self", stream, stream),
                    groups=settings.groups,
                    causal=True,
                    rotary=True,
                ),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        with torch.no_grad():  # branches that add up to as much, however many there are (GPT-2)
            for layer in self._layers():
                layer.attention.out.weight.mul_((2 * layers) ** -0.5)
                cast(nn.Linear, layer.feedforward[-1]).weight.mul_((2 * layers) ** -0.5)

    def forward(self, tokens: Tensor, fold: Fold | None = None) -> Tensor:
        x = self.dropout(self._embed(tokens))
        for layer in self._layers():
            x = layer(x, None, fold)
        return self.norm(x)

    def start(self, tokens: Tensor, room: int) -> tuple[Tensor, Cache]:
        x, past = self._embed(tokens), []
        for layer in self._layers():
            attention = layer.attention
            past.append(x.new_empty(len(tokens), 2 * attention.groups, room, attention.head_width))
            x = layer.read(x, past[-1])
        return self.norm(x[:, -1]), Cache(tuple(past), (self._last(tokens),), tokens.shape[1], attention.turns(room))

    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        own = torch.cat((cache.own[0], tokens[:, None]), 1)
        x = self._embed(own)[:, -1]
        if cache.quick is not None and len(x) <= FEW_TEXTS:
            x = cache.quick(x, cache.past, cache.filled)
        else:
            turns = None if cache.turns is None else cache.turns[cache.filled]
            for layer, cells in zip(self.layers, cache.past, strict=True):
                x = cast(EncoderLayer, layer).extend(x, cells, cache.filled, turns)
        cache.own, cache.filled = (self._last(own),), cache.filled + 1
        return self.norm(x)

    def hasten(self, cache: Cache) -> Cache:
        """By layers compiled for single positions, on a CPU in full precision; not where a recording listens, as they
        tell it nothing."""
        if self.output.device.type != "cpu" or self.output.dtype != torch.float32 or listener.get() is not None:
            return cache
        from attentionflow.models._compiled_layer import CompiledLayers

        return replace(cache, quick=CompiledLayers(list(self._layers()), cache.past[0].shape[2]))

    def _layers(self) -> Iterator[EncoderLayer]:
        return (cast(EncoderLayer, layer) for layer in self.layers)

    def _last(self, tokens: Tensor) -> Tensor:
        """The tokens that the embedding of the next one looks at beside it."""
        back = 0 if self.recent is None else self.recent.longest - 1
        tokens = F.pad(tokens, (max(0, back - tokens.shape[1]), 0))
        return tokens[:, tokens.shape[1] - back :]

    def _embed(self, tokens: Tensor) -> Tensor:
        if self.embedding is None:
            x = F.embedding(tokens, self.output) * self.scale
        else:
            x = F.embedding(tokens, self.embedding)
        return x if self.recent is None else x + self.recent(tokens)
