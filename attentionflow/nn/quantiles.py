"""Quantiles of a forecast: rising by construction, learned by the pinball loss.

Letters: F rows, T steps, D features, K quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FIRST_SPREAD = 0.7  # standard deviations of the normal distribution from which training starts
LEAST_RISE = 1e-3  # from a quantile to the next at the start of training


class Spread(nn.Module):
    """Distances of K quantiles from a point forecast: o_1 = a_1, o_k = o_{k-1} + softplus(a_k), a = W x + b.

    They never cross, whatever is learned. x is taken out of the graph, so quantiles are learned beside the point
    forecast and leave it as it would be without them.
    """

    def __init__(self, width: int, steps: int, levels: Sequence[float], first: Tensor | None = None) -> None:
        """first: (steps, K) distances from which training starts; by default those of a normal distribution."""
        super().__init__()
        self.steps, self.count = steps, len(levels)
        self.offsets = nn.Linear(width, steps * len(levels))
        if first is None:
            first = torch.tensor([FIRST_SPREAD * NormalDist().inv_cdf(level) for level in levels]).expand(steps, -1)
        rises = first.diff(dim=1).clamp_min(LEAST_RISE).expm1().log()
        with torch.no_grad():
            self.offsets.weight.mul_(0.1)
            self.offsets.bias.copy_(torch.cat((first[:, :1], rises), dim=1).flatten())

    def forward(self, x: Tensor) -> Tensor:
        """x (..., D): (..., T, K)"""
        raw = self.offsets(x.detach()).unflatten(-1, (self.steps, self.count))
        return torch.cat((raw[..., :1], F.softplus(raw[..., 1:])), dim=-1).cumsum(-1)


def pinball(quantiles: Tensor, answers: Tensor, levels: Tensor) -> Tensor:
    """max(q e, (q - 1) e) with e = answer - forecast, for quantile level q (Koenker and Bassett 1978).

    quantiles (..., K), answers (...), levels (K,): (..., K).
    """
    error = answers[..., None] - quantiles
    return torch.maximum(levels * error, (levels - 1) * error)
