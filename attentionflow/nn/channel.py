"""Channel attention: how much each channel of a feature map counts (Hu et al. 2018; Woo et al. 2018).

Letters: B batch, C channels, H height, W width.
"""

from __future__ import annotations

from torch import Tensor, nn

from attentionflow.attend import Place, gate


class ChannelAttention(nn.Module):
    """Gates g = σ(f(mean x) + f(max x)), both over all places, f two linear layers with a ReLU between; out is g ∘ x.

    Woo et al. 2018 (CBAM), eq. 2; without the maximum it is squeeze and excitation (Hu et al. 2018). One gate a channel
    for the whole picture: one query, a key a channel.
    """

    def __init__(self, channels: int, place: Place, reduction: int = 8) -> None:
        super().__init__()
        self.place = place
        inner = max(4, channels // reduction)
        self.score = nn.Sequential(nn.Linear(channels, inner), nn.ReLU(), nn.Linear(inner, channels))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W)."""
        gates = (self.score(x.mean((2, 3))) + self.score(x.amax((2, 3)))).sigmoid()
        return x * gate(self, gates[:, None, None])[:, 0, 0, :, None, None]  # of (B, 1, 1, C)
