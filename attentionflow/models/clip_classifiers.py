"""Networks that look at a clip: films and motions are made into tubes, which are places during a few frames, and both
are then read alike.

Letters: B clips, K outputs, T frames, M moments of T/M frames, S places of a moment, D features, C channels, H height,
W width, J joints, A axes of space, F features of a joint.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.convolutions import BatchedConvolution
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.pooling import AttentionPooling
from attentionflow.nn.space_time import DividedLayer
from attentionflow.settings import Settings

LABEL, TUBES, MOMENTS = "label", "tubes", "moments"  # streams of the attention record
FAST = (1, 2, 4)  # frames between which what changes is taken


class Sight(Protocol):
    """What a network looks at: so many places at so many moments. stem: makes tubes (B, M, S, D) of a clip."""

    @property
    def moments(self) -> int: ...
    @property
    def places(self) -> int: ...
    def stem(self, channels: int, width: int) -> nn.Module: ...


class FilmSight(NamedTuple):
    """Frames of so many channels and pixels; a tube is a patch during some frames, both powers of two."""

    frames: int
    channels: int
    height: int
    width: int
    tube: int
    patch: int

    @property
    def moments(self) -> int:
        return self.frames // self.tube

    @property
    def places(self) -> int:
        return (self.height // self.patch) * (self.width // self.patch)

    def stem(self, channels: int, width: int) -> nn.Module:
        return FilmStem(self, channels, width)


class MotionSight(NamedTuple):
    """Frames of so many joints in so many axes of space; a tube is a joint during some frames, a power of two."""

    frames: int
    joints: int
    axes: int
    tube: int

    @property
    def moments(self) -> int:
        return self.frames // self.tube

    @property
    def places(self) -> int:
        return self.joints

    def stem(self, channels: int, width: int) -> nn.Module:
        return MotionStem(self, channels, width)


class OverTime(nn.Sequential):
    """Convolutions of three frames, (B, C, T, S) to (B, D, M, S), that halve the frames until a moment is a tube."""

    def __init__(self, widths: Sequence[int], tube: int) -> None:
        halvings = int(math.log2(tube))
        strides = [1] * (len(widths) - 1 - halvings) + [2] * halvings
        super().__init__(
            *(self._convolution(a, b, stride) for (a, b), stride in zip(pairwise(widths), strides, strict=True))
        )

    @staticmethod
    def layers(tube: int) -> int:
        """How many are needed, and one at least."""
        return max(1, int(math.log2(tube)))

    @staticmethod
    def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
        over_time = nn.Conv2d(before, after, (3, 1), (stride, 1), (1, 0), bias=False)
        return nn.Sequential(over_time, nn.BatchNorm2d(after), nn.SiLU())


def changes(clips: Tensor) -> list[Tensor]:
    """What changes within some frames, at several speeds; each like the clips (B, T, ...), 0 where the clip ends."""
    ends = [0] * (2 * (clips.dim() - 2))
    return [F.pad(clips[:, step:] - clips[:, :-step], [*ends, 0, step]) for step in FAST]


class FilmStem(nn.Module):
    """Each frame and what changes after it at three speeds, through convolutions that halve the sides until a place is
    a patch; then through convolutions over time.

    What is known of a tube also comes from around it, by the convolutions.
    """

    def __init__(self, sight: FilmSight, channels: int, width: int) -> None:
        super().__init__()
        halvings = int(math.log2(sight.patch))
        seen = (1 + len(FAST)) * sight.channels
        widths = [seen, *(min(channels * 2**level, width) for level in range(halvings))]
        self.convolutions = nn.Sequential(*(BatchedConvolution(a, b, stride=2) for a, b in pairwise(widths)))
        self.over_time = OverTime([widths[-1], *[width] * OverTime.layers(sight.tube)], sight.tube)

    def forward(self, clips: Tensor) -> Tensor:
        """(B, T, C, H, W) to (B, M, S, D)."""
        frames = torch.cat((clips, *changes(clips)), dim=2).flatten(0, 1)
        seen = self.convolutions(frames.contiguous(memory_format=torch.channels_last)).flatten(2)  # (B·T, C, S)
        return self.over_time(seen.unflatten(0, clips.shape[:2]).transpose(1, 2)).permute(0, 2, 3, 1)


class MotionStem(nn.Module):
    """What a joint does, through convolutions over time.

    Of each joint and frame: where it is, in the clip and in the body; how it moves at three speeds; how far it is from
    every joint. Distances do not change with the view, and speeds tell hasty actions from slow ones: these are the
    features of Yang et al. 2019 (DD-Net), which go into one vector a frame there and to each joint its own here.
    """

    def __init__(self, sight: MotionSight, channels: int, width: int) -> None:
        super().__init__()
        features = (2 + len(FAST)) * sight.axes + sight.joints
        self.scale = nn.BatchNorm2d(features)
        self.convolutions = OverTime([features, *[channels] * OverTime.layers(sight.tube), width], sight.tube)

    def forward(self, clips: Tensor) -> Tensor:
        """(B, T, J, A) to (B, M, J, D)."""
        within = clips - clips.mean(2, keepdim=True)
        features = torch.cat((clips, within, *changes(clips), torch.cdist(clips, clips)), dim=-1)  # (B, T, J, F)
        return self.convolutions(self.scale(features.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)


class ClipClassifier(nn.Module, ABC):
    """stream: what the label is read from, tubes or moments."""

    stream: str

    @abstractmethod
    def forward(self, clips: Tensor) -> Tensor:
        """Films (B, T, C, H, W) or motions (B, T, J, A) to logits (B, K)."""


class SpaceTimeTransformerSettings(Settings):
    channels: int = Field(48, ge=4, description="channels of the first convolution")
    width: int = Field(64, ge=8, description="features of a tube")
    layers: int = Field(2, ge=0, description="layers of attention over time and then over space")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    feedforward: int = Field(128, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.2, ge=0, lt=1, description="on every residual branch and before the output")


class SpaceTimeTransformer(ClipClassifier):
    """Tubes (Arnab et al. 2021, ViViT), divided space-time attention, and attention pooling by a learned query a head.

    The label is read from what the pooling attends to, which says when and where.
    """

    stream = TUBES

    def __init__(self, settings: SpaceTimeTransformerSettings, sight: Sight, outputs: int) -> None:
        super().__init__()
        width, place = settings.width, Place("self", TUBES, TUBES)
        self.stem = sight.stem(settings.channels, width)
        self.moment = nn.Parameter(torch.randn(sight.moments, 1, width) * 0.02)
        self.place = nn.Parameter(torch.randn(sight.places, width) * 0.02)
        self.layers = nn.ModuleList(
            DividedLayer(
                SelfAttention(width, settings.heads, place),
                SelfAttention(width, settings.heads, place),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.pooling = AttentionPooling(width, settings.heads, Place("pool", LABEL, TUBES, residual=False))
        self.dropout = Dropout(settings.dropout)
        self.output = nn.Linear(width, outputs)

    def forward(self, clips: Tensor) -> Tensor:
        x = self.stem(clips) + self.moment + self.place
        for layer in self.layers:
            x = layer(x)
        return self.output(self.dropout(self.pooling(self.norm(x).flatten(1, 2))))


class RecurrentMomentsSettings(Settings):
    channels: int = Field(24, ge=4, description="channels of the first convolution")
    width: int = Field(32, ge=8, description="features of a tube")
    hidden: int = Field(64, ge=8, description="features of a moment")
    dropout: float = Field(0.3, ge=0, lt=1, description="on the moments and before the output")


class RecurrentMoments(ClipClassifier):
    """Convolutions a frame, the places of a moment side by side through a line, a GRU in both directions over the
    moments, and attention pooling over them by one learned query."""

    stream = MOMENTS

    def __init__(self, settings: RecurrentMomentsSettings, sight: Sight, outputs: int) -> None:
        super().__init__()
        hidden = settings.hidden
        self.stem = sight.stem(settings.channels, settings.width)
        self.gather = nn.Linear(sight.places * settings.width, hidden)
        self.recurrent = nn.GRU(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.pooling = AttentionPooling(2 * (hidden // 2), 1, Place("pool", LABEL, MOMENTS, residual=False))
        self.dropout = Dropout(settings.dropout)
        self.output = nn.Linear(2 * (hidden // 2), outputs)

    def forward(self, clips: Tensor) -> Tensor:
        moments = self.dropout(F.relu(self.gather(self.stem(clips).flatten(2))))  # (B, M, D)
        return self.output(self.dropout(self.pooling(self.recurrent(moments)[0])))
