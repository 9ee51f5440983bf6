"""Attention pooling: one vector of a sequence, by what learned queries attend to.

Letters: B batch, T time, H heads, D features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, attend


class AttentionPooling(nn.Module):
    """softmax(q_h K_hᵀ / √d) V_h for a learned query q_h a head, the heads side by side (Lin et al. 2017 in the form of
    Vaswani et al. 2017). Training begins with the mean of the sequence: queries are zero, values what is given."""

    def __init__(self, width: int, heads: int, place: Place) -> None:
        super().__init__()
        self.place, self.heads = place, heads
        self.query = nn.Parameter(torch.zeros(heads, width // heads))
        self.memory = nn.Linear(width, 2 * width)
        with torch.no_grad():
            nn.init.zeros_(self.memory.bias)
            nn.init.eye_(self.memory.weight[width:])

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, T, D), mask (B, T) True where present: (B, D)."""
        k, v = self.memory(x).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)  # (B, H, T, d)
        q = self.query[None, :, None].expand(len(x), -1, -1, -1)
        return attend(self, q, k, v, mask=None if mask is None else mask[:, None, None]).flatten(1)
