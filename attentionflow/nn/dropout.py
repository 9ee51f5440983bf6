"""Dropout that does not wait for the generator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes each element with probability p in training and scales the rest by 1/(1-p) (Srivastava et al. 2014).

    PyTorch's CPU kernel draws one number an element from a serial generator, which costs more than the matrix product
    beside it. Here eight elements share one 64-bit draw, so on a CPU p is rounded to the nearest 1/256.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout must be in [0, 1), got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        threshold = min(round(self.p * 256), 255)
        if not self.training or threshold == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        keep = words.view(torch.uint8)[: x.numel()].view(x.shape) >= threshold
        return x * keep.to(x.dtype).mul_(256 / (256 - threshold))

    def extra_repr(self) -> str:
        return f"p={self.p}"
