"""Transformer layers with the norm before each part (Xiong et al. 2020), built from the mechanisms.

Letters: B batch, T time, S source, D features, N hypotheses of a search, G groups of heads.
"""

from __future__ import annotations

from torch import Tensor, nn

from attentionflow.nn.dot_product import CrossAttention, KeysValues, SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.records import Fold


class FeedForward(nn.Sequential):
    """Linear, ReLU, linear; dropout after the ReLU where it is given."""

    def __init__(self, width: int, inner: int, dropout: float = 0.0) -> None:
        between = (nn.ReLU(), Dropout(dropout)) if dropout else (nn.ReLU(),)
        super().__init__(nn.Linear(width, inner), *between, nn.Linear(inner, width))


class EncoderLayer(nn.Module):
    """x + self(norm x), then x + feedforward(norm x); dropout on both branches, inner_dropout inside the second."""

    def __init__(
        self, attention: SelfAttention, width: int, inner: int, dropout: float, inner_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.attention, self.feedforward = attention, FeedForward(width, inner, inner_dropout)
        self.attention_norm, self.feedforward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None, fold: Fold | None = None) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), mask, fold))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))

    def read(self, x: Tensor, cache: Tensor) -> Tensor:
        """The first positions of causal layers, x (B, T, D), in inference; see `SelfAttention.read`."""
        x = x + self.attention.read(self.attention_norm(x), cache)
        return x + self.feedforward(self.feedforward_norm(x))

    def extend(self, x: Tensor, cache: Tensor, position: int, turns: Tensor | None) -> Tensor:
        """The next position, x (B, D); see `SelfAttention.extend`."""
        x = x + self.attention.extend(self.attention_norm(x), cache, position, turns)
        return x + self.feedforward(self.feedforward_norm(x))


class DecoderLayer(nn.Module):
    """Causal self attention, then attention to a memory, then feed-forward, each with norm before and residual."""

    def __init__(self, attention: SelfAttention, cross: CrossAttention, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.cross, self.feedforward = attention, cross, FeedForward(width, inner)
        self.attention_norm, self.cross_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, memory: KeysValues, memory_mask: Tensor | None) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        x = x + self.dropout(self.cross(self.cross_norm(x), memory, memory_mask))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))

    def step(
        self,
        x: Tensor,
        pool: KeysValues | None,
        taken: int,
        seen: Tensor,
        memory: KeysValues,
        memory_seen: Tensor,
        position: int,
    ) -> tuple[Tensor, KeysValues]:
        """One position of each of N hypotheses, x (N, D), in inference; see the steps of both mechanisms."""
        attended, pool = self.attention.step(self.attention_norm(x), pool, taken, seen, position)
        x = x + attended
        x = x + self.cross.step(self.cross_norm(x), memory, memory_seen, position)
        return x + self.feedforward(self.feedforward_norm(x)), pool
