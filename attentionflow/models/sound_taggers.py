"""Networks that tell what is heard in a spectrogram, and at which moments.

A moment is a place of the convolutions' last level, `step` frames; what is known of it also comes from around it.
Letters: B sounds, T frames, F bands, C channels, N moments, K labels, D features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.errors import UserError
from attentionflow.models.convolutions import BatchedConvolution, Residual
from attentionflow.models.picture_classifiers import seen
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.label import LabelAttention
from attentionflow.records import Fold
from attentionflow.settings import Settings

LABELS, MOMENTS = "labels", "moments"  # streams of the attention record
FINEST = 4  # frames, and bands, that the convolutions before all attention make one of


class Hearing(NamedTuple):
    """What a network hears: bands, and the frames of a moment."""

    bands: int
    step: int


class SoundTagger(nn.Module, ABC):
    @abstractmethod
    def forward(self, frames: Tensor, counts: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """(B, T, F), T a multiple of `step`, to logits (B, K) and what each moment adds to them (B, N, K).

        counts: where windows of sounds are rows of the batch, how many each sound has, for those who record.
        """


def window_fold(counts: Sequence[int] | None, queries: int, keys: int) -> Fold | None:
    """The map back: the positions of a sound are those of its first window, then those of its second ..."""
    if counts is None:
        return None
    window = np.concatenate([np.arange(count) for count in counts])[:, None]
    examples = np.repeat(np.arange(len(counts)), counts)
    return Fold(examples, window * queries + np.arange(queries), window * keys + np.arange(keys))


def convolutions(channels: int) -> nn.Sequential:
    """(B, 1, T, F) to (B, 2C, T/4, F/4): two levels, each a convolution that halves both sides and a residual block."""
    made = nn.Sequential(
        BatchedConvolution(1, channels, kernel=5, stride=2),
        Residual(channels, None, BatchedConvolution),
        BatchedConvolution(channels, 2 * channels, stride=2),
        Residual(2 * channels, None, BatchedConvolution),
    )
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # quickest on a CPU


def _by_time(x: Tensor) -> Tensor:
    """(B, C, T, F) as (B, C·F, T)."""
    return x.transpose(2, 3).flatten(1, 2)


class SpectrogramTransformerSettings(Settings):
    channels: int = Field(
        24, ge=4, description="channels of the first level of convolutions; the second has twice as many"
    )
    patch: int = Field(16, ge=4, description="frames of a patch; those beyond step are shared with its neighbours")
    width: int = Field(128, ge=8, description="features of a patch")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    layers: int = Field(2, ge=0, description="layers of self-attention between the patches")
    feedforward: int = Field(256, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.1, ge=0, lt=1, description="on every residual branch, and on patches")


class SpectrogramTransformer(SoundTagger):
    """Convolutions, self-attention between overlapping patches, and attention of labels.

    After the audio spectrogram transformer (Gong, Chung and Glass 2021). Different here: convolutions come before the
    patches, since it trains from nothing on hundreds of sounds; a patch holds all bands, so that attention runs over
    time alone; and it has no vector of its place, as sounds of the world may come at any time. What comes next to what
    is known from the convolutions and the overlap.
    """

    def __init__(self, settings: SpectrogramTransformerSettings, hearing: Hearing, labels: int) -> None:
        super().__init__()
        beyond = settings.patch - hearing.step
        if beyond < 0 or beyond % (2 * FINEST):
            raise UserError(f"patch={settings.patch} must be step={hearing.step} or more by a multiple of {2 * FINEST}")
        width = settings.width
        self.convolutions = convolutions(settings.channels)
        self.embed = nn.Conv1d(
            2 * settings.channels * -(-hearing.bands // FINEST),
            width,
            settings.patch // FINEST,
            hearing.step // FINEST,
            beyond // (2 * FINEST),
        )
        self.dropout = Dropout(settings.dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(
                SelfAttention(width, settings.heads, Place("self", MOMENTS, MOMENTS)),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.labels = LabelAttention(labels, width, width, Place("pool", LABELS, MOMENTS, residual=False))

    def forward(self, frames: Tensor, counts: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        x = self.embed(_by_time(self.convolutions(seen(frames[:, None])))).transpose(1, 2)  # (B, N, D)
        x = self.dropout(x)
        fold = window_fold(counts, x.shape[1], x.shape[1])
        for layer in self.layers:
            x = layer(x, None, fold)
        return self.labels(self.norm(x), None, window_fold(counts, self.labels.count, x.shape[1]))


class RecurrentTaggerSettings(Settings):
    channels: int = Field(
        24, ge=4, description="channels of the first level of convolutions; the second has twice as many"
    )
    hidden: int = Field(64, ge=8, description="features of each direction of the recurrent network")
    dropout: float = Field(0.2, ge=0, lt=1, description="before and after the recurrent network")


class RecurrentTagger(SoundTagger):
    """Convolutions, a bidirectional GRU over the moments, and attention of labels (Xu et al. 2018, without gates)."""

    def __init__(self, settings: RecurrentTaggerSettings, hearing: Hearing, labels: int) -> None:
        super().__init__()
        self.step = hearing.step // FINEST
        self.convolutions = convolutions(settings.channels)
        bands = -(-hearing.bands // FINEST)
        self.gru = nn.GRU(2 * settings.channels * bands, settings.hidden, batch_first=True, bidirectional=True)
        self.dropout = Dropout(settings.dropout)
        width = 2 * settings.hidden
        self.labels = LabelAttention(labels, width, width, Place("pool", LABELS, MOMENTS, residual=False))

    def forward(self, frames: Tensor, counts: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        x = nn.functional.avg_pool1d(_by_time(self.convolutions(seen(frames[:, None]))), self.step).transpose(1, 2)
        x, _ = self.gru(self.dropout(x))
        return self.labels(self.dropout(x), None, window_fold(counts, self.labels.count, x.shape[1]))
