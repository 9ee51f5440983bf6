"""Transformer over patches of a time series, each series for itself (PatchTST, Nie et al. 2023).

Unlike theirs: norm before each part by LayerNorm, no scores passed on from layer to layer, no learned scale a series,
quantiles beside the point forecast, and what the patches say corrects a line that was fitted before training.
Letters: B batch, L look-back, H horizon, C series, F = B·C rows, N patches of P steps, D features, K quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.errors import UserError
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.channels import channel_fold, fold_channels, instance_scale, unfold_channels
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.line import FittedLine, Line
from attentionflow.nn.positions import LearnedPositions
from attentionflow.nn.quantiles import Spread
from attentionflow.settings import Settings


class PatchTransformerSettings(Settings):
    patch: int = Field(16, ge=1, description="steps of a patch")
    stride: int = Field(8, ge=1, description="steps from one patch to the next")
    width: int = Field(16, ge=4, description="features of a position")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    layers: int = Field(3, ge=1, description="encoder layers")
    feedforward: int = Field(128, ge=4, description="inner features of the feed-forward part")
    rank: int = Field(
        0, ge=0, description="features that all patches of a series are squeezed into before the head; 0: not"
    )
    dropout: float = Field(
        0.3, ge=0, lt=1, description="on patches, residual branches, inside the feed-forward part, before the head"
    )


class PatchTransformer(nn.Module):
    """past_spans, answer_spans: first and one past last step of each patch, and of each part of the answer that the
    attention tells apart: here the horizon as a whole, since the head reads all patches at once.
    rows_a_part: so many rows of the last attention are read for a part: all patches of a series."""

    def __init__(
        self,
        settings: PatchTransformerSettings,
        look_back: int,
        horizon: int,
        levels: Sequence[float],
        line: FittedLine | None,
        past: str,
    ) -> None:
        """line: what is corrected, see `Line`. past: name of the stream of patches in the attention record."""
        super().__init__()
        self.patch, self.stride = settings.patch, settings.stride
        if look_back < self.patch:
            raise UserError(f"a patch of {self.patch} steps is longer than look_back={look_back}; lower patch")
        if self.stride > self.patch:
            raise UserError(f"stride={self.stride} leaves out steps between patches of {self.patch}; lower stride")
        # The last patch reaches past the end, which is filled up with the last value, so that no step is left out.
        starts = range(0, look_back - self.patch + self.stride + 1, self.stride)
        self.past_spans = tuple((start, min(start + self.patch, look_back)) for start in starts if start < look_back)
        self.answer_spans = ((0, horizon),)
        self.rows_a_part = len(self.past_spans)
        self.filled = (len(self.past_spans) - 1) * self.stride + self.patch - look_back
        width = settings.width
        self.embed = nn.Linear(self.patch, width)
        self.positions = LearnedPositions(len(self.past_spans), width)
        self.dropout = Dropout(settings.dropout)
        place = Place("self", past, past)
        self.encoder = nn.ModuleList(
            EncoderLayer(
                SelfAttention(width, settings.heads, place),
                width,
                settings.feedforward,
                settings.dropout,
                inner_dropout=settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)
        flat = len(self.past_spans) * width
        self.squeeze = nn.Linear(flat, settings.rank) if settings.rank else nn.Identity()
        self.head = nn.Linear(settings.rank or flat, horizon)
        nn.init.zeros_(self.head.weight)  # training starts at the line
        nn.init.zeros_(self.head.bias)
        self.line = Line(line, look_back, horizon, self.past_spans)
        self.spread = Spread(width, horizon, levels, None if line is None else line.errors)

    def forward(self, past: Tensor, kept: Tensor | None = None, corrected: bool = True) -> tuple[Tensor, Tensor]:
        """past (B, L, C): forecast (B, H, C) and its quantiles (B, H, C, K).

        kept: (B, C·N), 0 for a patch that is taken out: it is as if flat, at the mean of the look-back.
        corrected: whether the point forecast is the line's and what the network adds to it, or the line's alone.
        """
        rows, channels = fold_channels(past), past.shape[2]
        mean, deviation = instance_scale(rows)
        scaled = (rows - mean) / deviation
        patches = self._patches(scaled)  # (F, N, P)
        if kept is not None:
            kept = kept.unflatten(1, (channels, -1)).flatten(0, 1)
            patches = patches * kept[..., None]
        x = self.dropout(self.positions(self.embed(patches)))
        fold = channel_fold(len(past), channels, x.shape[1], x.shape[1])
        for layer in self.encoder:
            x = layer(x, None, fold)
        x = self.norm(x)
        correction = self.head(self.squeeze(self.dropout(x.flatten(1))))  # (F, H)
        point = self.line(scaled, kept) + (correction if corrected else 0 * correction)
        quantiles = point.detach()[..., None] + self.spread(x.mean(1))  # (F, H, K)
        point, quantiles = point * deviation + mean, quantiles * deviation[..., None] + mean[..., None]
        return unfold_channels(point, channels), unfold_channels(quantiles, channels)

    def _patches(self, rows: Tensor) -> Tensor:
        if self.filled:
            rows = torch.cat((rows, rows[:, -1:].expand(-1, self.filled)), dim=1)
        return rows.unfold(1, self.patch, self.stride)
