"""Attention over time and over space, one after the other.

Letters: B batch, M moments, S places of a moment, D features.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from torch import Tensor, nn

from attentionflow.nn.blocks import FeedForward
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.records import Fold


class DividedLayer(nn.Module):
    """x + over_time(norm x), then x + over_space(norm x), then x + feedforward(norm x); dropout on each branch.

    Divided space-time attention (Bertasius et al. 2021, TimeSformer): a position attends to its own place at all
    moments, then to all places of its own moment, which costs M + S where joint attention costs M · S. Different here:
    there is no class token, since the label is read by pooling. A position is number m · S + s of its stream.
    """

    def __init__(
        self, over_time: SelfAttention, over_space: SelfAttention, width: int, inner: int, dropout: float
    ) -> None:
        super().__init__()
        self.over_time, self.over_space, self.feedforward = over_time, over_space, FeedForward(width, inner)
        self.time_norm, self.space_norm, self.feedforward_norm = (nn.LayerNorm(width) for _ in range(3))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, M, S, D)."""
        batch, moments, places, _ = x.shape
        rows = self.time_norm(x).transpose(1, 2).flatten(0, 1)  # (B·S, M, D)
        seen = self.over_time(rows, fold=time_fold(batch, moments, places))
        x = x + self.dropout(seen.unflatten(0, (batch, places)).transpose(1, 2))
        seen = self.over_space(self.space_norm(x).flatten(0, 1), fold=space_fold(batch, moments, places))
        x = x + self.dropout(seen.unflatten(0, (batch, moments)))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


@lru_cache(maxsize=64)
def time_fold(batch: int, moments: int, places: int) -> Fold:
    """The map back of rows (B·S, M), each a place at all moments."""
    at = np.tile(np.arange(moments) * places + np.arange(places)[:, None], (batch, 1))
    return Fold(np.repeat(np.arange(batch), places), at, at)


@lru_cache(maxsize=64)
def space_fold(batch: int, moments: int, places: int) -> Fold:
    """The map back of rows (B·M, S), each a moment with all its places."""
    at = np.tile(np.arange(moments)[:, None] * places + np.arange(places), (batch, 1))
    return Fold(np.repeat(np.arange(batch), moments), at, at)
