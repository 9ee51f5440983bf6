"""Transformer encoder-decoder: norm first, one vocabulary for both sides, its embedding tied to the output.

Vaswani et al. 2017 with the norms of Xiong et al. 2020 and the tying of Press and Wolf 2017.
Letters: B batch, S source, T target, N open hypotheses, D features, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.seq2seq import Seq2Seq, State
from attentionflow.nn.blocks import DecoderLayer, EncoderLayer
from attentionflow.nn.dot_product import CrossAttention, KeysValues, SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.positions import LearnedPositions
from attentionflow.settings import Settings


class TransformerSettings(Settings):
    width: int = Field(128, ge=8, description="features of a position")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    groups: int | None = Field(None, ge=1, description="heads that share keys and values come in this many groups")
    encoder_layers: int = Field(4, ge=1, description="layers that read the source")
    decoder_layers: int = Field(4, ge=1, description="layers that write the target")
    feedforward: int = Field(256, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.3, ge=0, lt=1, description="on embeddings and on every residual branch")
    positions: Literal["rotary", "learned"] = Field("rotary", description="how a position is told")
    learned_positions: int = Field(640, ge=1, description="longest sequence, where positions are learned")


class Transformer(Seq2Seq):
    def __init__(self, settings: TransformerSettings, vocabulary: int, source: str, target: str) -> None:
        """source, target: names of the two streams in the attention record."""
        super().__init__()
        width, rotary = settings.width, settings.positions == "rotary"
        self.output = nn.Parameter(torch.randn(vocabulary, width) * width**-0.5)
        self.scale = math.sqrt(width)
        self.dropout = Dropout(settings.dropout)
        self.source_positions = None if rotary else LearnedPositions(settings.learned_positions, width)
        self.target_positions = None if rotary else LearnedPositions(settings.learned_positions, width)

        def attention(place: Place, causal: bool) -> SelfAttention:
            return SelfAttention(width, settings.heads, place, groups=settings.groups, causal=causal, rotary=rotary)

        def cross() -> CrossAttention:
            return CrossAttention(width, settings.heads, Place("cross", target, source), groups=settings.groups)

        own, inner = (Place("self", source, source), Place("self", target, target)), settings.feedforward
        self.encoder = nn.ModuleList(
            EncoderLayer(attention(own[0], False), width, inner, settings.dropout)
            for _ in range(settings.encoder_layers)
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(attention(own[1], True), cross(), width, inner, settings.dropout)
            for _ in range(settings.decoder_layers)
        )
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        return self._decode(self._encode(source, source_mask), source_mask, target)

    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        return self._begin(self._encode(source, source_mask), source, source_mask)

    def _begin(self, memory: Tensor, source: Tensor, source_mask: Tensor | None) -> State:
        cells = torch.arange(source.numel(), device=source.device).view(source.shape)  # of each sentence, (B, S)
        if source_mask is not None:
            cells = cells.masked_fill(~source_mask, -1)
        remembered = tuple(t for layer in self._decoder_layers() for t in layer.cross.pool(memory))
        return State((cells, *remembered), (cells.new_empty(len(source), 0),))

    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        x = self._place(self._embed(tokens[:, None]), self.target_positions, position)[:, 0]
        own = state.taken + torch.arange(len(tokens), device=tokens.device)
        trail = torch.cat((state.own[0], own[:, None]), dim=1)  # (N, T): the cells of a hypothesis, step by step
        cells, *tensors = state.shared
        memory_seen = cells[owners]
        layers = list(self._decoder_layers())
        remembered, past = tensors[: 2 * len(layers)], tensors[2 * len(layers) :]
        grown: list[Tensor] = []
        for i, layer in enumerate(layers):
            at = slice(2 * i, 2 * i + 2)
            pool = cast(KeysValues, tuple(past[at])) if past else None
            memory = cast(KeysValues, tuple(remembered[at]))
            x, pool = layer.step(x, pool, state.taken, trail, memory, memory_seen, position)
            grown += pool
        shared = (cells, *remembered, *grown)
        return self.decoder_norm(x), State(shared, (trail,), state.taken + len(tokens))

    def _decoder_layers(self) -> Iterator[DecoderLayer]:
        return (cast(DecoderLayer, layer) for layer in self.decoder)

    def _encode(self, source: Tensor, source_mask: Tensor | None) -> Tensor:
        x = self._place(self._embed_source(source), self.source_positions, 0)
        for layer in self.encoder:
            x = layer(x, _of_keys(source_mask))
        return self.encoder_norm(x)

    def _decode(self, memory: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        x = self._place(self._embed(target), self.target_positions, 0)
        for layer in self._decoder_layers():
            x = layer(x, layer.cross.remember(memory), _of_keys(source_mask))
        return self.decoder_norm(x)

    def _embed_source(self, source: Tensor) -> Tensor:
        return self._embed(source)

    def _embed(self, tokens: Tensor) -> Tensor:
        return nn.functional.embedding(tokens, self.output) * self.scale

    def _place(self, x: Tensor, positions: LearnedPositions | None, start: int) -> Tensor:
        return self.dropout(x if positions is None else positions(x, start))


def _of_keys(mask: Tensor | None) -> Tensor | None:
    """(B, S) as attention takes it, (B, 1, 1, S)."""
    return None if mask is None else mask[:, None, None]
