"""Spatial attention: how much each place of a feature map counts (Woo et al. 2018).

Letters: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, gate


class SpatialAttention(nn.Module):
    """Gates g = σ(conv [mean x; max x]), both over the channels, conv of 7 x 7; out is g ∘ x.

    Woo et al. 2018 (CBAM), eq. 3. One gate a place for all channels: one query, a key a place, row after row.
    """

    def __init__(self, place: Place, kernel: int = 7) -> None:
        super().__init__()
        self.place = place
        self.score = nn.Conv2d(2, 1, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W)."""
        gates = self.score(torch.stack((x.mean(1), x.amax(1)), dim=1)).sigmoid()
        return x * gate(self, gates.flatten(2)[:, None]).view_as(gates)  # of (B, 1, 1, H·W)
