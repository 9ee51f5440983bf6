"""A convolutional pyramid with self-attention between patches, whose proposals look at the whole picture once more.

Letters: B pictures, C classes, A cells of all levels, Q chosen cells, P patches, D features.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.convolutions import Convolution, Residual, cell_centres, waves
from attentionflow.models.detector import BOXES, PATCH, PATCHES, DenseHead, Detector, Proposals, pick
from attentionflow.nn.blocks import EncoderLayer, FeedForward
from attentionflow.nn.dot_product import CrossAttention, SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.settings import Settings

LONGEST = 1024.0  # pixels of the longest wave that tells a position


class ProposalTransformerSettings(Settings):
    channels: int = Field(16, ge=4, description="channels of the first convolution; each level of the pyramid doubles")
    blocks: int = Field(2, ge=1, description="residual blocks a level of the pyramid")
    width: int = Field(64, ge=16, description="features of a patch and of a box; a multiple of 8")
    heads: int = Field(4, ge=1, description="attention heads; divides width")
    encoder_layers: int = Field(2, ge=0, description="layers of self-attention between the patches")
    refinements: int = Field(2, ge=1, description="layers in which every proposal looks at the patches")
    feedforward: int = Field(192, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.0, ge=0, lt=1, description="on every residual branch of the layers with attention")


class ProposalTransformer(Detector):
    """Dense proposals (Tian et al. 2019), each of which then attends to all patches.

    Convolutions bring the picture to a patch of 16 x 16 pixels a token; between the patches runs self-attention, whose
    result is joined to the finer level, as in the hybrid encoder of RT-DETR (Zhao et al. 2024). The best cells become
    queries. Different from it: a query attends to patches alone, not to other queries, so that what is said of a box
    depends on the picture and on nothing else that was found; what was found twice is left to suppression.
    """

    def __init__(self, settings: ProposalTransformerSettings, classes: int) -> None:
        super().__init__()
        first, width, heads = settings.channels, settings.width, settings.heads

        def level(before: int, after: int, blocks: int) -> nn.Sequential:
            return nn.Sequential(Convolution(before, after, stride=2), *(Residual(after) for _ in range(blocks)))

        self.stem = nn.Sequential(Convolution(3, first, stride=2), level(first, 2 * first, 1))  # a quarter
        self.fine = level(2 * first, 4 * first, settings.blocks)  # an eighth
        self.coarse = level(4 * first, 8 * first, settings.blocks)  # a sixteenth
        self.to_patches = Convolution(8 * first, width, kernel=1, active=False)
        own, cross = Place("self", PATCHES, PATCHES), Place("cross", BOXES, PATCHES)
        self.encoder = nn.ModuleList(
            EncoderLayer(SelfAttention(width, heads, own), width, settings.feedforward, settings.dropout)
            for _ in range(settings.encoder_layers)
        )
        self.from_fine = Convolution(4 * first, width, kernel=1)
        self.join = Convolution(width, width)
        self.head = DenseHead(width, classes, (PATCH // 2, PATCH))
        self.query = nn.Linear(width + 4 * _PER_SIDE, width)
        self.memory_norm = nn.LayerNorm(width)
        self.refinements = nn.ModuleList(
            Refinement(CrossAttention(width, heads, cross), width, classes, settings.feedforward, settings.dropout)
            for _ in range(settings.refinements)
        )

    def forward(self, images: Tensor) -> Proposals:
        fine = self.fine(self.stem(images))
        patches = self.to_patches(self.coarse(fine))
        height, width = patches.shape[-2:]
        where = waves(cell_centres(height, width, PATCH, images.device), patches.shape[1] // 2, LONGEST)
        x = patches.flatten(2).transpose(1, 2) + where
        for layer in self.encoder:
            x = layer(x)
        coarse = x.transpose(1, 2).unflatten(2, (height, width))
        joined = self.join(self.from_fine(fine) + F.interpolate(coarse, scale_factor=2.0, mode="nearest"))
        return self.head([joined, coarse], self.memory_norm(x + where))

    def refine(self, proposals: Proposals, at: Tensor) -> list[Tensor]:
        """Each stage adds to the logits of the one before."""
        logits, boxes = pick(proposals.logits, at).detach(), pick(proposals.boxes, at).detach()
        x = self.query(torch.cat((pick(proposals.features, at), _told(boxes)), dim=-1))
        stages = []
        for layer in self.refinements:
            x, more = cast(Refinement, layer)(x, proposals.memory)
            logits = logits + more
            stages.append(logits)
        return stages


_PER_SIDE = 16  # features that tell each of a box's centre and size


def _told(boxes: Tensor) -> Tensor:
    """Centre and size of boxes (B, Q, 4) as waves (B, Q, 4 · _PER_SIDE)."""
    size = boxes[..., 2:] - boxes[..., :2]
    return waves(torch.cat((boxes[..., :2] + size / 2, size), dim=-1), _PER_SIDE, LONGEST)


class Refinement(nn.Module):
    """x + cross(norm x), then x + feed-forward(norm x), and what that adds to the logits."""

    def __init__(self, cross: CrossAttention, width: int, classes: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.cross, self.feedforward = cross, FeedForward(width, inner)
        self.cross_norm, self.feedforward_norm, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.dropout, self.score = Dropout(dropout), nn.Linear(width, classes)
        nn.init.zeros_(self.score.weight)  # at first the proposal stands as it is
        nn.init.zeros_(self.score.bias)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        x = x + self.dropout(self.cross(self.cross_norm(x), self.cross.remember(memory)))
        x = x + self.dropout(self.feedforward(self.feedforward_norm(x)))
        return x, self.score(self.norm(x)).float()
