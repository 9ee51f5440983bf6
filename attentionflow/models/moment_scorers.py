"""Networks that say of every frame of a film how much it matters, by attention between frames.

Letters: B windows of films, T frames of a window, C channels, H height, W width, D features, N frames that are there.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.errors import UserError
from attentionflow.models.clip_classifiers import MOMENTS, FilmSight
from attentionflow.models.convolutions import BatchedConvolution
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.multiplicative import MultiplicativeAttention
from attentionflow.records import Fold
from attentionflow.settings import Settings


class MomentScorer(nn.Module, ABC):
    @abstractmethod
    def forward(self, frames: Tensor, present: Tensor | None = None, fold: Fold | None = None) -> Tensor:
        """Frames (B, T, C, H, W), present (B, T) False on padding: logits (B, T) of how much each matters.

        fold: where windows of films are rows of the batch, the map back, for those who record.
        """


def window_fold(counts: Sequence[int], lengths: Sequence[int]) -> Fold:
    """The map back: the positions of a film are the frames of its first window, then those of its second ...

    counts: windows of each film; lengths: frames of each window.
    """
    examples = np.repeat(np.arange(len(counts)), counts)
    before = np.concatenate([np.cumsum([0, *own[:-1]]) for own in _split(lengths, counts)])
    frame = np.arange(max(lengths))
    at = np.where(frame < np.array(lengths)[:, None], before[:, None] + frame, -1)
    return Fold(examples, at, at)


def _split(values: Sequence[int], counts: Sequence[int]) -> list[list[int]]:
    return [part.tolist() for part in np.split(np.array(values), np.cumsum(counts)[:-1])]


class FrameEncoder(nn.Module):
    """Each frame, what changed since the one before and what changes until the next, through convolutions that halve
    the sides until a place is a patch; then the places side by side through a line."""

    def __init__(self, sight: FilmSight, channels: int, width: int) -> None:
        super().__init__()
        halvings = int(math.log2(sight.patch))
        widths = [3 * sight.channels, *(channels * 2**level for level in range(halvings))]
        self.convolutions = nn.Sequential(*(BatchedConvolution(a, b, stride=2) for a, b in pairwise(widths)))
        self.gather = nn.Linear(sight.places * widths[-1], width)

    def forward(self, frames: Tensor, present: Tensor | None) -> Tensor:
        """(B, T, C, H, W) to (B, T, D), zero on padding, which the normalisation of batches does not see."""
        changes = frames[:, 1:] - frames[:, :-1]
        if present is not None:
            changes = changes * present[:, 1:, None, None, None]
        none = (0, 0, 0, 0, 0, 0)
        seen = torch.cat((frames, F.pad(changes, (*none, 1, 0)), F.pad(changes, (*none, 0, 1))), dim=2)
        there = seen.flatten(0, 1) if present is None else seen[present]  # (N, 3C, H, W)
        made = self.gather(self.convolutions(there.contiguous(memory_format=torch.channels_last)).flatten(1))
        if present is None:
            return made.unflatten(0, frames.shape[:2])
        return made.new_zeros(*present.shape, made.shape[1]).masked_scatter(present[..., None], made)


class LocalGlobalTransformerSettings(Settings):
    channels: int = Field(16, ge=4, description="channels of the first convolution; doubled by each after it")
    width: int = Field(64, ge=8, description="features of a frame")
    layers: int = Field(2, ge=1, description="layers of attention between frames")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    local_heads: int = Field(2, ge=0, description="heads that see the frames nearby alone; the others see all")
    reach: int = Field(8, ge=1, description="frames before and after its own that a local head sees")
    feedforward: int = Field(128, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.1, ge=0, lt=1, description="on every residual branch and before the output")


class LocalGlobalTransformer(MomentScorer):
    """A norm-first transformer over frames (Vaswani et al. 2017) some of whose heads see a neighbourhood alone.

    How a frame stands out from those around it and from the whole film is told by local and by global attention, as in
    PGL-SUM (Apostolidis et al. 2021). Different here: both are heads of one attention with one mask, positions are
    rotary, so that a film may be of any length, and the features of frames are trained along.
    """

    def __init__(self, settings: LocalGlobalTransformerSettings, sight: FilmSight) -> None:
        super().__init__()
        if settings.local_heads > settings.heads:
            raise UserError(f"local_heads={settings.local_heads} is more than heads={settings.heads}")
        width = settings.width
        self.heads, self.local_heads, self.reach = settings.heads, settings.local_heads, settings.reach
        self.encoder = FrameEncoder(sight, settings.channels, width)
        self.layers = nn.ModuleList(
            EncoderLayer(
                SelfAttention(width, settings.heads, Place("self", MOMENTS, MOMENTS), rotary=True),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(settings.dropout)
        self.output = nn.Linear(width, 1)

    def forward(self, frames: Tensor, present: Tensor | None = None, fold: Fold | None = None) -> Tensor:
        x = self.encoder(frames, present)
        mask = self._mask(x.shape[1], x.device)
        if present is not None:
            mask = present[:, None, None] if mask is None else mask & present[:, None, None]
        for layer in self.layers:
            x = layer(x, mask, fold)
        return self.output(self.dropout(self.norm(x)))[..., 0]

    def _mask(self, length: int, device: torch.device) -> Tensor | None:
        """(H, T, T) True where a head sees; None where all see all."""
        if not self.local_heads or length <= self.reach + 1:
            return None
        time = torch.arange(length, device=device)
        near = (time - time[:, None]).abs() <= self.reach
        return near | (torch.arange(self.heads, device=device) >= self.local_heads)[:, None, None]


class SoftAttentionSettings(Settings):
    channels: int = Field(16, ge=4, description="channels of the first convolution; doubled by each after it")
    hidden: int = Field(64, ge=8, description="features of a frame")
    dropout: float = Field(0.3, ge=0, lt=1, description="before both normalisations")


class SoftAttention(MomentScorer):
    """VASNet (Fajtl et al. 2018): one soft self-attention over the features of all frames, with a residual, and a
    regressor of two layers.

    y = norm(x + V a), a_t = Σ softmax_s(x_tᵀ W x_s / √D) x_s; score = line(norm(relu(line y))). Different here: queries
    and keys share one matrix W, the scale is that of dot products, and the features of frames are trained along, where
    VASNet takes those of a network trained on photographs.
    """

    def __init__(self, settings: SoftAttentionSettings, sight: FilmSight) -> None:
        super().__init__()
        width = settings.hidden
        self.encoder = FrameEncoder(sight, settings.channels, width)
        self.before = nn.LayerNorm(width)
        self.attention = MultiplicativeAttention(width, width, Place("self", MOMENTS, MOMENTS))
        self.value = nn.Linear(width, width, bias=False)
        self.inner = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = Dropout(settings.dropout)
        self.output = nn.Linear(width, 1)

    def forward(self, frames: Tensor, present: Tensor | None = None, fold: Fold | None = None) -> Tensor:
        x = self.before(self.encoder(frames, present))
        keys = self.attention.remember(x)
        context = self.attention(x / math.sqrt(x.shape[-1]), x, keys, present, fold=fold)
        y = self.norms[0](self.dropout(x + self.value(context)))
        return self.output(self.norms[1](self.dropout(F.relu(self.inner(y)))))[..., 0]
