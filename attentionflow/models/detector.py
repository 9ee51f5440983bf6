"""What a network answers that finds objects: proposals at every cell of a pyramid, and perhaps their refinement.

Letters: B pictures, C classes, A cells of all levels, Q chosen cells, P patches, D features.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attentionflow.models.convolutions import Convolution, cell_centres

PATCHES, BOXES, CHANNELS, PICTURE = "patches", "boxes", "channels", "picture"  # streams of the attention record
PATCH = 16  # pixels of a side of the patches that attention runs over
PRIOR = 0.01  # what a class is thought to be worth before anything is learned (Lin et al. 2017, section 4.1)


@dataclass(frozen=True)
class Proposals:
    """logits (B, A, C); boxes (B, A, 4) in pixels of the canvas; centres (A, 2) and strides (A,) of the cells.

    features (B, A, D) and memory (B, P, D) are what a refinement looks at.
    """

    logits: Tensor
    boxes: Tensor
    centres: Tensor
    strides: Tensor
    features: Tensor
    memory: Tensor


class Detector(nn.Module, ABC):
    """A network that finds objects. gates: how many channels it gates."""

    gates: int = 0

    @abstractmethod
    def forward(self, images: Tensor) -> Proposals:
        """images (B, 3, H, W), normalised; H and W are multiples of PATCH."""

    def refine(self, proposals: Proposals, at: Tensor) -> list[Tensor]:
        """Logits (B, Q, C) of the cells `at` (B, Q), better stage by stage; none by default."""
        return []

    def answer(self, proposals: Proposals, at: Tensor) -> Tensor:
        """The last word on the classes of the cells `at` (B, Q)."""
        stages = self.refine(proposals, at)
        return stages[-1] if stages else pick(proposals.logits, at)


def pick(values: Tensor, at: Tensor) -> Tensor:
    """Rows `at` (B, Q) of values (B, A, ...)."""
    return values[torch.arange(len(values), device=values.device)[:, None], at]


class DenseHead(nn.Module):
    """Scores and a box at every cell of every level, by the same two towers of convolutions.

    A box is told by its distances from the centre of the cell to its four sides: exp(t) · stride (Tian et al. 2019,
    FCOS), with a learned scale a level.
    """

    def __init__(self, width: int, classes: int, strides: tuple[int, ...], depth: int = 1) -> None:
        super().__init__()
        self.strides = strides
        self.scores = nn.Sequential(*(Convolution(width, width) for _ in range(depth)), nn.Conv2d(width, classes, 1))
        self.sides = nn.Sequential(*(Convolution(width, width) for _ in range(depth)), nn.Conv2d(width, 4, 1))
        self.scales = nn.Parameter(torch.ones(len(strides)))
        # Scores that begin as good as equal for all classes take long to tell them apart.
        starts = ((self.scores[-1], width**-0.5, -math.log((1 - PRIOR) / PRIOR)), (self.sides[-1], 0.01, 1.0))
        for last, deviation, bias in starts:
            assert isinstance(last, nn.Conv2d)
            assert last.bias is not None
            nn.init.normal_(last.weight, std=deviation)
            nn.init.constant_(last.bias, bias)

    def forward(self, levels: list[Tensor], memory: Tensor) -> Proposals:
        """levels: feature maps (B, D, H, W), one a stride."""
        logits, boxes, centres, strides = [], [], [], []
        for level, stride, scale in zip(levels, self.strides, self.scales, strict=True):
            points = cell_centres(level.shape[-2], level.shape[-1], stride, level.device)
            sides = (self.sides(level).flatten(2).transpose(1, 2).float() * scale).clamp(max=8).exp() * stride
            logits.append(self.scores(level).flatten(2).transpose(1, 2).float())
            boxes.append(torch.cat((points - sides[..., :2], points + sides[..., 2:]), dim=-1))
            centres.append(points)
            strides.append(torch.full((len(points),), float(stride), device=level.device))
        features = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)
        return Proposals(
            torch.cat(logits, 1), torch.cat(boxes, 1), torch.cat(centres), torch.cat(strides), features, memory
        )
