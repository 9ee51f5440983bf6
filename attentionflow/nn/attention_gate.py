"""Attention gates: which places of a fine map matter, told by a coarser one (Oktay et al. 2018, Attention U-Net).

Letters: B batch, C channels, D features, H height, W width of the coarse map, whose places are twice as large.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.attend import Place, gate


class AttentionGate(nn.Module):
    """Gates g = σ(ψ ReLU(W x + V c + b)) of a fine map x under a coarse one c, additive attention; out is g ∘ x.

    Oktay et al. 2018, eq. 1: W looks at 2 x 2 places of x at a time, so that both maps are alike, and the gates are
    blown up again, bilinearly. One gate a coarse place for all channels: one query, a key a place, row after row.
    """

    def __init__(self, fine: int, coarse: int, features: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.of_fine = nn.Conv2d(fine, features, 2, stride=2, bias=False)
        self.of_coarse = nn.Conv2d(coarse, features, 1)
        self.score = nn.Conv2d(features, 1, 1)

    def forward(self, x: Tensor, coarse: Tensor) -> Tensor:
        """x (B, C, 2H, 2W), coarse (B, C', H, W)."""
        gates = self.score((self.of_fine(x) + self.of_coarse(coarse)).relu()).sigmoid()
        gates = gate(self, gates.flatten(2)[:, None]).view_as(gates)  # of (B, 1, 1, H·W)
        return x * F.interpolate(gates, x.shape[-2:], mode="bilinear")
