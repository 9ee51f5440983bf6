"""A convolutional detector whose blocks gate channels and places (Woo et al. 2018, CBAM).

Letters: B pictures, C classes, A cells, P patches, D features.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.convolutions import Convolution, Residual
from attentionflow.models.detector import CHANNELS, PATCH, PATCHES, PICTURE, DenseHead, Detector, Proposals
from attentionflow.nn.channel import ChannelAttention
from attentionflow.nn.spatial import SpatialAttention
from attentionflow.settings import Settings


class AttendedConvolutionsSettings(Settings):
    channels: int = Field(16, ge=4, description="channels of the first convolution; each level of the pyramid doubles")
    blocks: int = Field(2, ge=1, description="residual blocks a level of the pyramid")


class AttendedConvolutions(Detector):
    """Residual blocks, in the last level with channel and spatial attention, a pyramid of two levels, a dense head.

    The one query of a gate is the picture as a whole.
    """

    def __init__(self, settings: AttendedConvolutionsSettings, classes: int) -> None:
        super().__init__()
        first = settings.channels
        self.gates = width = 8 * first

        def attention() -> nn.Sequential:
            return nn.Sequential(
                ChannelAttention(width, Place("gate", PICTURE, CHANNELS)),
                SpatialAttention(Place("gate", PICTURE, PATCHES)),
            )

        def level(before: int, after: int, blocks: int) -> nn.Sequential:
            return nn.Sequential(Convolution(before, after, stride=2), *(Residual(after) for _ in range(blocks)))

        self.stem = nn.Sequential(Convolution(3, first, stride=2), level(first, 2 * first, 1))
        self.fine = level(2 * first, 4 * first, settings.blocks)
        self.coarse = nn.Sequential(
            Convolution(4 * first, width, stride=2), *(Residual(width, attention()) for _ in range(settings.blocks))
        )
        self.from_fine, self.join = Convolution(4 * first, width, kernel=1), Convolution(width, width)
        self.head = DenseHead(width, classes, (PATCH // 2, PATCH))

    def forward(self, images: Tensor) -> Proposals:
        fine = self.fine(self.stem(images))
        coarse = self.coarse(fine)
        joined = self.join(self.from_fine(fine) + F.interpolate(coarse, scale_factor=2.0, mode="nearest"))
        return self.head([joined, coarse], coarse.flatten(2).transpose(1, 2))
