"""Networks that look at a whole picture: three levels of residual convolutions, and attention over what they find.

A patch is a place of the last level. The first convolution steps by a quarter of it, and each level after the first
halves both sides. What is known of a patch also comes from around it, by the convolutions.
Letters: B pictures, K outputs, C channels, H height, W width, P patches, D features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.convolutions import BatchedConvolution, Residual
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.channel import ChannelAttention
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.pooling import AttentionPooling
from attentionflow.nn.positions import LearnedPositions
from attentionflow.nn.spatial import SpatialAttention
from attentionflow.settings import Settings

LABEL, PATCHES, PICTURE = "label", "patches", "picture"  # streams of the attention record
LEVELS = 3
FINEST = 2 ** (LEVELS - 1)  # pixels of a patch where the first convolution does not step


class Sight(NamedTuple):
    """What a network looks at: colour channels, sides in pixels, and those of a patch."""

    channels: int
    height: int
    width: int
    patch: int

    @property
    def patches(self) -> int:
        return (self.height // self.patch) * (self.width // self.patch)


class Gated(NamedTuple):
    """Streams that a level gates: its channels, how many they are, and its places, of how many pixels a side."""

    channels: str
    width: int
    places: str
    patch: int


class PictureClassifier(nn.Module, ABC):
    gated: tuple[Gated, ...] = ()  # levels whose channels and places are gated

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) to logits (B, K)."""


def convolutions(
    sight: Sight, channels: int, blocks: tuple[int, ...], attention: Callable[[int, int], nn.Module | None]
) -> nn.Sequential:
    """(B, C, H, W) to (B, D, H/patch, W/patch): the first convolution and the levels, each twice as wide as the last.

    attention: from level and width, what each residual block of it gets.
    """
    step = sight.patch // FINEST
    parts: list[nn.Module] = [BatchedConvolution(sight.channels, channels, kernel=step // 2 * 2 + 3, stride=step)]
    for level, count in enumerate(blocks):
        width = channels * 2**level
        if level:
            parts.append(BatchedConvolution(width // 2, width, stride=2))
        parts += [Residual(width, attention(level, width), BatchedConvolution) for _ in range(count)]
    return nn.Sequential(*parts)


def seen(images: Tensor) -> Tensor:
    """In the layout of memory in which convolutions on a CPU are quickest, channels last."""
    return images.contiguous(memory_format=torch.channels_last)


class PatchTransformerSettings(Settings):
    channels: int = Field(32, ge=4, description="channels of the first level; each of the two others doubles")
    blocks: int = Field(2, ge=1, description="residual blocks of the second and of the third level; the first: half")
    layers: int = Field(1, ge=0, description="layers of self-attention between the patches")
    heads: int = Field(4, ge=1, description="attention heads; divides four times channels")
    feedforward: int = Field(256, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.0, ge=0, lt=1, description="on every residual branch of the layers with attention")


class PatchEncoder(nn.Module):
    """Residual convolutions, then self-attention between the patches (the hybrid of Dosovitskiy et al. 2021)."""

    def __init__(self, settings: PatchTransformerSettings, sight: Sight) -> None:
        super().__init__()
        blocks, width = settings.blocks, FINEST * settings.channels
        self.levels = convolutions(sight, settings.channels, (blocks // 2, blocks, blocks), lambda level, width: None)
        self.positions = LearnedPositions(sight.patches, width)
        self.layers = nn.ModuleList(
            EncoderLayer(
                SelfAttention(width, settings.heads, Place("self", PATCHES, PATCHES)),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)

    def encode(self, images: Tensor) -> Tensor:
        """(B, C, H, W) to (B, P, D)."""
        x = self.positions(self.levels(seen(images)).flatten(2).transpose(1, 2))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class ConvolutionsAndPatches(PatchEncoder, PictureClassifier):
    """The encoder, and attention pooling by a learned query a head.

    After the compact transformers of Hassani et al. 2021, whose pooling has one head and no keys and values of its own.
    The label is read from what the pooling attends to.
    """

    def __init__(self, settings: PatchTransformerSettings, sight: Sight, outputs: int) -> None:
        super().__init__(settings, sight)
        width = FINEST * settings.channels
        self.pooling = AttentionPooling(width, settings.heads, Place("pool", LABEL, PATCHES, residual=False))
        self.output = nn.Linear(width, outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.output(self.pooling(self.encode(images)))


class GatedConvolutionsSettings(Settings):
    channels: int = Field(16, ge=4, description="channels of the first level; each of the two others doubles")
    blocks: int = Field(2, ge=1, description="residual blocks a level")


class GatedEncoder(nn.Module):
    """Residual blocks that gate channels and then places (Woo et al. 2018, CBAM).

    The one query of a gate is the picture as a whole.
    """

    def __init__(self, settings: GatedConvolutionsSettings, sight: Sight) -> None:
        super().__init__()
        self.gated = tuple(
            Gated(
                f"channels of level {level + 1}",
                settings.channels * 2**level,
                PATCHES if level == LEVELS - 1 else f"places of level {level + 1}",
                sight.patch // FINEST * 2**level,
            )
            for level in range(LEVELS)
        )

        def attention(level: int, width: int) -> nn.Module:
            streams = self.gated[level]
            return nn.Sequential(
                ChannelAttention(width, Place("gate", PICTURE, streams.channels)),
                SpatialAttention(Place("gate", PICTURE, streams.places)),
            )

        self.levels = convolutions(sight, settings.channels, (settings.blocks,) * LEVELS, attention)

    def encode(self, images: Tensor) -> Tensor:
        """(B, C, H, W) to (B, D, H/patch, W/patch)."""
        return self.levels(seen(images))


class GatedConvolutions(GatedEncoder, PictureClassifier):
    """The encoder, the mean over all places, a line."""

    def __init__(self, settings: GatedConvolutionsSettings, sight: Sight, outputs: int) -> None:
        super().__init__(settings, sight)
        self.output = nn.Linear(self.gated[-1].width, outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.output(self.encode(images).mean((2, 3)))
