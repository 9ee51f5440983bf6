"""Networks that answer several questions about one picture: a trunk that all tasks share, and a head for each.

Letters: B pictures, T tasks, K outputs of a task, C channels, H height, W width, P patches, D features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.picture_classifiers import (
    FINEST,
    PATCHES,
    Gated,
    GatedConvolutionsSettings,
    GatedEncoder,
    PatchEncoder,
    PatchTransformerSettings,
    Sight,
)
from attentionflow.nn.dot_product import CrossAttention
from attentionflow.nn.task import TaskAttention

TASKS = "tasks"  # stream of the attention record, a position a task


class PictureTasks(nn.Module, ABC):
    """gated: levels whose channels and places are gated. log_variances: (T,) of the weighting of the losses by
    uncertainty (Kendall et al. 2018), learned with the rest where the task asks for it."""

    gated: tuple[Gated, ...] = ()

    def __init__(self, tasks: int, weighted: bool) -> None:
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(tasks)) if weighted else None

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, C, H, W) to the outputs of each task, (B, K)."""


class TaskTokens(PictureTasks):
    """Convolutions and self-attention between patches for all; a learned token a task attends to the patches.

    The token brings the question and no more: what a task knows of a picture has come through its row of the attention.
    Each task has two layers of its own behind it.
    """

    def __init__(
        self, settings: PatchTransformerSettings, sight: Sight, outputs: Sequence[int], weighted: bool
    ) -> None:
        """outputs: how many each task has."""
        super().__init__(len(outputs), weighted)
        self.trunk, width = PatchEncoder(settings, sight), FINEST * settings.channels
        self.tokens = nn.Parameter(torch.randn(len(outputs), width))
        self.attention = CrossAttention(width, settings.heads, Place("cross", TASKS, PATCHES, residual=False))
        self.heads = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, count))
            for count in outputs
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        memory = self.attention.remember(self.trunk.encode(images))
        found = self.attention(self.tokens.expand(len(images), -1, -1), memory)  # (B, T, D)
        return [head(found[:, task]) for task, head in enumerate(self.heads)]


class GatedTasks(PictureTasks):
    """Convolutions that gate channels and places for all (CBAM); each task gates the places once more for itself, and
    has a line behind their mean. Hard sharing of parameters (Caruana 1997): all but the gates and the lines."""

    def __init__(
        self, settings: GatedConvolutionsSettings, sight: Sight, outputs: Sequence[int], weighted: bool
    ) -> None:
        """outputs: how many each task has."""
        super().__init__(len(outputs), weighted)
        self.trunk = GatedEncoder(settings, sight)
        self.gated = self.trunk.gated
        width = self.gated[-1].width
        self.attention = TaskAttention(width, len(outputs), Place("gate", TASKS, PATCHES, residual=False))
        self.heads = nn.ModuleList(nn.Linear(width, count) for count in outputs)

    def forward(self, images: Tensor) -> list[Tensor]:
        places = self.trunk.encode(images).flatten(2).transpose(1, 2)  # (B, P, D)
        found = self.attention(places)  # (B, T, D)
        return [head(found[:, task]) for task, head in enumerate(self.heads)]
