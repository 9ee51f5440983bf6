"""Convolutions over spectrograms: what shortens them, and the convolution module of the conformer.

Padding is zero before every convolution, so that an utterance is read alike whatever shares its batch.
Letters: B batch, T frames, S positions after shortening, F bands, C channels, D features.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def halved(mask: Tensor | None, times: int = 1) -> Tensor | None:
    """Mask (B, S) of the positions that `times` halvings leave of one (B, T): every other, beginning with the first."""
    return None if mask is None else mask[:, :: 2**times]


class Subsampling(nn.Module):
    """Strided 3 x 3 convolutions, each of which halves frames and bands, then a linear layer (Dong et al. 2018).

    T frames become ceil(T / 2^halvings) positions; position s is centred on frame s · 2^halvings.
    """

    def __init__(self, bands: int, channels: int, width: int, halvings: int) -> None:
        super().__init__()
        self.halvings = halvings
        counts = [1] + [channels] * halvings
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(counts))
        self.project = nn.Linear(channels * -(-bands // 2**halvings), width)

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """frames (B, T, F), zero on padding; mask (B, T), True where present: (B, S, D)."""
        x = frames[:, None]
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
            mask = halved(mask)
            x = x if mask is None else x * mask[:, None, :, None]
        return self.project(x.transpose(1, 2).flatten(2))


class ConvolutionModule(nn.Module):
    """Gated linear unit, convolution over time of each channel, norm, SiLU, linear (Gulati et al. 2020, section 2.2).

    Different here: layer norm where the paper has batch norm, so that training does not depend on what shares a batch.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.expand, self.contract = nn.Linear(width, 2 * width), nn.Linear(width, width)
        # As pictures one row high: PyTorch's CPU kernel for these is four times as fast as that for sequences.
        self.depthwise = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, S, D); mask (B, S), True where present."""
        x = F.glu(self.expand(x), dim=-1)
        x = x if mask is None else x * mask[..., None]
        x = self.depthwise(x.transpose(1, 2)[:, :, None])[:, :, 0].transpose(1, 2)
        return self.contract(F.silu(self.norm(x)))


def stacked(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Each two neighbours (B, S, D) side by side, (B, ceil(S / 2), 2D), as in a pyramid (Chan et al. 2016)."""
    x = F.pad(x, (0, 0, 0, x.shape[1] % 2))
    return torch.cat((x[:, ::2], x[:, 1::2]), dim=-1), halved(mask)
