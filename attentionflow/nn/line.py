"""A linear map of the look-back, known before training, that a network corrects.

Letters: F rows, L look-back, H horizon, N positions of the past, K quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class FittedLine:
    """weights: (H, L). errors: (H, K), quantiles of what it errs by on training, in deviations of the look-back."""

    weights: Tensor
    errors: Tensor


class Line(nn.Module):
    """y = W x with W (H, L) as fitted, which training leaves as it is; it is kept with the weights of the network.

    On a few thousand windows the least squares solution of a line is better than what gradient descent makes of it in
    the few passes after which a network overfits; so the network has only to find what a line cannot. No attention
    weight shows what the line carries. Unlike the highway of LSTNet (Lai et al. 2018) it is not learned with the rest.
    """

    def __init__(
        self, fitted: FittedLine | None, look_back: int, horizon: int, spans: Sequence[tuple[int, int]]
    ) -> None:
        """fitted: None where a saved network is about to be loaded. spans: first and one past last step of each
        position that the network reads."""
        super().__init__()
        self.spans = tuple(spans)
        self.weights: Tensor
        self.register_buffer("weights", torch.zeros(horizon, look_back) if fitted is None else fitted.weights.clone())

    def forward(self, rows: Tensor, kept: Tensor | None = None) -> Tensor:
        """rows (F, L): (F, H). kept (F, N), 0 for a position that is taken out: its steps count as zero."""
        return F.linear(rows if kept is None else rows * self._steps(kept), self.weights)

    def _steps(self, kept: Tensor) -> Tensor:
        """(F, L). A step is taken out with the last position that holds it; one that no position holds stays."""
        steps = kept.new_ones(len(kept), self.weights.shape[1])
        steps[:, self.spans[0][0] :] = 0
        for at, (first, stop) in enumerate(self.spans):
            steps[:, first:stop] = torch.maximum(steps[:, first:stop], kept[:, at : at + 1])
        return steps
