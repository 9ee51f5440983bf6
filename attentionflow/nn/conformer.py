"""A layer of the conformer (Gulati et al. 2020).

Letters: B batch, S positions, D features.
"""

from __future__ import annotations

from torch import Tensor, nn

from attentionflow.nn.convolution import ConvolutionModule
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout


def _feedforward(width: int, inner: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, inner), nn.SiLU(), Dropout(dropout), nn.Linear(inner, width)
    )


class ConformerLayer(nn.Module):
    """x + ½ feedforward, x + attention, x + convolution, x + ½ feedforward, norm; the norm before each part."""

    def __init__(self, attention: SelfAttention, width: int, inner: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.convolution = attention, ConvolutionModule(width, kernel)
        self.first, self.second = _feedforward(width, inner, dropout), _feedforward(width, inner, dropout)
        self.attention_norm, self.convolution_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, S, D); mask (B, S), True where present."""
        seen = None if mask is None else mask[:, None, None]
        x = x + 0.5 * self.dropout(self.first(x))
        x = x + self.dropout(self.attention(self.attention_norm(x), seen))
        x = x + self.dropout(self.convolution(self.convolution_norm(x), mask))
        return self.norm(x + 0.5 * self.dropout(self.second(x)))
