"""A convolutional pyramid with self-attention between patches; every class looks at them and is then sought everywhere.

Letters: B pictures, K classes, C channels, H height, W width, P patches, D features.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.convolutions import BatchedConvolution, Residual, cell_centres, waves
from attentionflow.models.segmenters import CLASSES, PATCH, PATCHES, Segmenter
from attentionflow.nn.blocks import EncoderLayer, FeedForward
from attentionflow.nn.dot_product import CrossAttention, SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.settings import Settings

LONGEST = 1024.0  # pixels of the longest wave that tells a position
FINER = 2  # pixels of a side of the places of the finest level
LEVELS = 3  # of the pyramid: a quarter, an eighth and a sixteenth of the sides


class MaskTransformerSettings(Settings):
    channels: int = Field(24, ge=8, description="channels of the first convolution; each level of the pyramid doubles")
    blocks: int = Field(2, ge=1, description="residual blocks a level of the pyramid")
    layers: int = Field(2, ge=0, description="layers of self-attention between the patches")
    heads: int = Field(4, ge=1, description="attention heads; divides eight times channels")
    feedforward: int = Field(384, ge=8, description="inner features of the feed-forward part")
    width: int = Field(64, ge=8, description="features of a place and of a class when they meet; a multiple of heads")
    dropout: float = Field(0.0, ge=0, lt=1, description="on every residual branch of the layers with attention")


class MaskTransformer(Segmenter):
    """Logits x·(w_k + f(c_k)) of places x and classes k (after Strudel et al. 2021, Segmenter, and Cheng et al. 2021,
    MaskFormer).

    c_k is what the query of a class gathers from the patches by cross-attention, so the attention of a class is seen
    class by class; w_k is the same for all pictures, and f begins at zero. Unlike both, the picture comes to patches by
    convolutions, and places are those of a pyramid whose levels are added up (Xie et al. 2021, SegFormer), refined by
    what half of the sides still shows.
    """

    def __init__(self, settings: MaskTransformerSettings, classes: int) -> None:
        super().__init__()
        first, width, fine, heads = settings.channels, settings.width, settings.width // 2, settings.heads
        sides = [first * 2**level for level in range(LEVELS + 1)]
        self.stem = BatchedConvolution(3, first, stride=2)
        self.levels = nn.ModuleList(
            nn.Sequential(
                BatchedConvolution(before, after, stride=2),
                *(Residual(after, kind=BatchedConvolution) for _ in range(settings.blocks)),
            )
            for before, after in pairwise(sides)
        )
        deep = sides[-1]
        self.encoder = nn.ModuleList(
            EncoderLayer(
                SelfAttention(deep, heads, Place("self", PATCHES, PATCHES)),
                deep,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(deep)
        self.laterals = nn.ModuleList(nn.Conv2d(side, width, 1) for side in sides[1:])
        self.join = nn.Sequential(BatchedConvolution(width, width), nn.Conv2d(width, fine, 1))
        self.from_half = nn.Conv2d(first, fine, 1)
        self.refine = BatchedConvolution(fine, fine)
        self.queries = nn.Parameter(torch.randn(classes, width) * width**-0.5)
        self.cross = CrossAttention(width, heads, Place("cross", CLASSES, PATCHES), memory_width=deep)
        self.query_norm, self.class_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feedforward = FeedForward(width, 2 * width)
        self.dropout = Dropout(settings.dropout)
        self.told = nn.Linear(width, fine)
        nn.init.zeros_(self.told.weight)  # at first a class is the same in all pictures
        nn.init.zeros_(self.told.bias)
        self.classify = nn.Conv2d(fine, classes * FINER**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        half = self.stem(images.contiguous(memory_format=torch.channels_last))
        levels, x = [], half
        for level in self.levels:
            x = level(x)
            levels.append(x)
        memory, levels[-1] = self._attended(x)
        quarter = levels[0].shape[-2:]
        summed = sum(
            F.interpolate(lateral(x), quarter, mode="bilinear")
            for lateral, x in zip(self.laterals, levels, strict=True)
        )
        places = F.interpolate(self.join(summed), half.shape[-2:], mode="bilinear")
        places = self.refine(places + self.from_half(half))  # (B, D, H/2, W/2)
        found = self.told(self._classes(memory))  # (B, K, D)
        shared = (found @ places.flatten(2)).unflatten(2, places.shape[-2:])[:, :, None]
        own = self.classify(places).unflatten(1, (-1, FINER**2))  # each pixel of a place has weights of its own
        return F.pixel_shuffle((own + shared).flatten(1, 2), FINER)

    def _attended(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Patches (B, P, D) after they have looked at each other, and the same as a map (B, D, H/16, W/16)."""
        height, width = x.shape[-2:]
        where = waves(cell_centres(height, width, PATCH, x.device), x.shape[1] // 2, LONGEST)
        patches = x.flatten(2).transpose(1, 2) + where
        for layer in self.encoder:
            patches = layer(patches)
        patches = self.norm(patches)
        return patches, patches.transpose(1, 2).unflatten(2, (height, width))

    def _classes(self, memory: Tensor) -> Tensor:
        """(B, K, D) what each class gathers from the patches."""
        x = self.queries.expand(len(memory), -1, -1)
        x = x + self.dropout(self.cross(self.query_norm(x), self.cross.remember(memory)))
        return x + self.dropout(self.feedforward(self.class_norm(x)))
