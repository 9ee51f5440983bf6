"""Transformer layers with the norm before each part (Xiong et al. 2020), built from the mechanisms.

Letters: B batch, T time, S source, D features, W hypotheses of a sentence, G groups of heads.
"""

from __future__ import annotations

from torch import Tensor, nn

from attentionflow.nn.dot_product import CrossAttention, KeysValues, SelfAttention
from attentionflow.nn.dropout import Dropout


class FeedForward(nn.Sequential):
    """Linear, ReLU, linear."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))


class EncoderLayer(nn.Module):
    """x + self(norm x), then x + feedforward(norm x)."""

    def __init__(self, attention: SelfAttention, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.feedforward = attention, FeedForward(width, inner)
        self.attention_norm, self.feedforward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), mask))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


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
        return self._after_self(x, memory, memory_mask)

    def step(
        self,
        x: Tensor,
        cells: KeysValues | None,
        position: int,
        seen: Tensor | None,
        memory: KeysValues,
        memory_mask: Tensor | None,
    ) -> tuple[Tensor, KeysValues]:
        """One position x (B, W, D) of the hypotheses of a sentence, which share its memory (B, G, S, D); see
        `SelfAttention.step`."""
        attended, cells = self.attention.step(self.attention_norm(x), cells, position, seen)
        return self._after_self(x + attended, memory, memory_mask), cells

    def _after_self(self, x: Tensor, memory: KeysValues, memory_mask: Tensor | None) -> Tensor:
        x = x + self.dropout(self.cross(self.cross_norm(x), memory, memory_mask))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))
