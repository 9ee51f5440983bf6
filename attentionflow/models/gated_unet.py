"""U-Net whose skip connections are gated by attention (Ronneberger et al. 2015; Oktay et al. 2018).

Letters: B pictures, K classes, C channels, H height, W width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.convolutions import BatchedConvolution
from attentionflow.models.segmenters import PATCH, PATCHES, PICTURE, Gated, Segmenter
from attentionflow.nn.attention_gate import AttentionGate
from attentionflow.settings import Settings

LEVELS = 4  # places of 2, 4, 8 and 16 pixels


class GatedUNetSettings(Settings):
    channels: int = Field(16, ge=4, description="channels of the finest level; each of the three others doubles")


class GatedUNet(Segmenter):
    """Two convolutions a level, down and up again; what a level hands over is gated by the coarser level below.

    Unlike theirs, the finest level has places of two pixels, for speed, and borders are kept.
    """

    def __init__(self, settings: GatedUNetSettings, classes: int) -> None:
        super().__init__()
        widths = [settings.channels * 2**level for level in range(LEVELS)]
        finer = list(zip(widths[-2::-1], widths[:0:-1], strict=True))  # from the coarsest: a level and that below
        self.gated = tuple(
            Gated(PATCHES if level == 0 else f"places of {PATCH >> level} pixels", PATCH >> level)
            for level in range(LEVELS - 1)
        )

        def pair(before: int, after: int, stride: int = 1) -> nn.Sequential:
            return nn.Sequential(BatchedConvolution(before, after, stride=stride), BatchedConvolution(after, after))

        self.down = nn.ModuleList(pair(a, b, 2) for a, b in zip([3, *widths], widths, strict=False))
        self.gates = nn.ModuleList(
            AttentionGate(fine, coarse, fine, Place("gate", PICTURE, level.places))
            for (fine, coarse), level in zip(finer, self.gated, strict=True)
        )
        self.up = nn.ModuleList(pair(fine + coarse, fine) for fine, coarse in finer)
        self.classify = nn.Conv2d(widths[0], classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        levels, x = [], images.contiguous(memory_format=torch.channels_last)
        for down in self.down:
            x = down(x)
            levels.append(x)
        for fine, gate, up in zip(levels[-2::-1], self.gates, self.up, strict=True):
            x = up(torch.cat((gate(fine, x), F.interpolate(x, fine.shape[-2:], mode="bilinear")), dim=1))
        return F.interpolate(self.classify(x), images.shape[-2:], mode="bilinear")
