"""Where a token stands: learned vectors added to it, or a rotation of queries and keys.

Letters: B batch, T time, H heads, D features of a head or of the model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.errors import UserError


class LearnedPositions(nn.Module):
    """Adds a learned vector a position (Gehring et al. 2017); refuses positions past `limit`."""

    def __init__(self, limit: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(limit, width) * width**-0.5)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (B, T, D) at positions start..start+T-1."""
        end = start + x.shape[1]
        if end > len(self.weight):
            raise UserError(f"position {end} is past the {len(self.weight)} learned ones; raise learned_positions")
        return x + self.weight[start:end]


class RotaryPositions(nn.Module):
    """Turns each pair of features by an angle that grows with the position (Su et al. 2021, RoFormer).

    Pair i of D/2 turns by t · base^(-2i/D) at position t, so scores depend on distances alone. Neighbouring features
    form a pair, which lets one complex product do the work.
    """

    angles: Tensor

    def __init__(self, head_width: int, base: float = 10_000.0) -> None:
        super().__init__()
        if head_width % 2:
            raise UserError(f"rotary positions need an even head width, got {head_width}")
        self.register_buffer("angles", base ** (-torch.arange(0, head_width, 2) / head_width), persistent=False)

    def turns(self, start: int, length: int) -> Tensor:
        """(T, 1, D/2) complex: the turn of every pair at positions start..start+length-1."""
        times = torch.arange(start, start + length, device=self.angles.device)
        return torch.polar(torch.ones((), device=times.device), times[:, None, None] * self.angles)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x (B, T, H, D) at positions start..start+T-1."""
        return turned(x, self.turns(start, x.shape[1]))


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """x (..., H, D) with its pairs turned; turns: those of its positions, broadcastable to (..., H, D/2)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], x.shape[-1] // 2, 2))
    return torch.view_as_real(pairs * turns).view(x.shape).to(x.dtype)
