"""Conformer encoder and transformer decoder, for speech (Gulati et al. 2020; Watanabe et al. 2017 for CTC beside it).

Letters: B utterances, T frames, F bands, S positions of the encoder, U units written, D features, V units.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.recogniser import Memory, Recogniser
from attentionflow.nn.blocks import DecoderLayer
from attentionflow.nn.conformer import ConformerLayer
from attentionflow.nn.convolution import Subsampling, halved
from attentionflow.nn.dot_product import CrossAttention, SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.settings import Settings


class ConformerSettings(Settings):
    width: int = Field(96, ge=8, description="features of a position")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    encoder_layers: int = Field(6, ge=1, description="conformer layers that read the spectrogram")
    decoder_layers: int = Field(1, ge=1, description="transformer layers that write the text")
    feedforward: int = Field(256, ge=8, description="inner features of each feed-forward part")
    kernel: int = Field(15, ge=1, description="positions that a convolution sees; odd")
    channels: int = Field(16, ge=1, description="channels of the convolutions that shorten the spectrogram")
    dropout: float = Field(0.15, ge=0, lt=1, description="on every residual branch, and inside feed-forward parts")


class Conformer(Recogniser):
    """Rotary positions in place of the paper's relative ones, which are added to the scores of attention."""

    def __init__(
        self, settings: ConformerSettings, bands: int, units: int, halvings: int, frames: str, text: str
    ) -> None:
        """frames, text: names of the two streams in the attention record."""
        super().__init__()
        width, heads, dropout = settings.width, settings.heads, settings.dropout
        self.subsampling = Subsampling(bands, settings.channels, width, halvings)
        self.encoder = nn.ModuleList(
            ConformerLayer(
                SelfAttention(width, heads, Place("self", frames, frames), rotary=True),
                width,
                settings.feedforward,
                settings.kernel,
                dropout,
            )
            for _ in range(settings.encoder_layers)
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(
                SelfAttention(width, heads, Place("self", text, text), causal=True, rotary=True),
                CrossAttention(width, heads, Place("cross", text, frames)),
                width,
                settings.feedforward,
                dropout,
            )
            for _ in range(settings.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.ctc = nn.Linear(width, units)
        self.output = nn.Parameter(torch.randn(units, width) * width**-0.5)
        self.dropout, self.scale = Dropout(dropout), math.sqrt(width)

    def encode(self, frames: Tensor, mask: Tensor | None) -> Memory:
        x = self.dropout(self.subsampling(frames, mask))
        mask = halved(mask, self.subsampling.halvings)
        for layer in self.encoder:
            x = layer(x, mask)
        return Memory(x, mask)

    def units(self, memory: Memory) -> Tensor:
        return self.ctc(memory.states).log_softmax(-1)

    def decode(self, memory: Memory, written: Tensor) -> Tensor:
        seen = None if memory.mask is None else memory.mask[:, None, None]
        x = self.dropout(F.embedding(written, self.output) * self.scale)
        for layer in (cast(DecoderLayer, layer) for layer in self.decoder):
            x = layer(x, layer.cross.remember(memory.states), seen)
        return (self.decoder_norm(x) @ self.output.T).log_softmax(-1)
