"""Convolutional parts of networks that look at pictures.

Letters: B batch, C channels, H height, W width, D features, P patches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

TOGETHER = 16  # channels of a group at least, so that what tells one channel from another stays


class Convolution(nn.Sequential):
    """Convolution, normalisation of groups of channels (Wu and He 2018), SiLU; smaller by the stride.

    Not of batches: a picture is then seen in training as it is in prediction, however few share its batch.
    """

    def __init__(self, before: int, after: int, kernel: int = 3, stride: int = 1, active: bool = True) -> None:
        convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        super().__init__(
            convolution, nn.GroupNorm(max(1, after // TOGETHER), after), nn.SiLU() if active else nn.Identity()
        )


class BatchedConvolution(nn.Sequential):
    """Convolution, normalisation of each channel over the batch (Ioffe and Szegedy 2015), ReLU; smaller by the stride.

    For large batches of whole pictures, where it learns fastest and costs least.
    """

    def __init__(self, before: int, after: int, kernel: int = 3, stride: int = 1, active: bool = True) -> None:
        convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(after), nn.ReLU() if active else nn.Identity())


class Residual(nn.Module):
    """f(x + conv conv x) (He et al. 2016), with attention to the branch where some is given (Woo et al. 2018).

    f and the normalisation are those of the kind of convolution.
    """

    def __init__(
        self,
        channels: int,
        attention: nn.Module | None = None,
        kind: type[Convolution] | type[BatchedConvolution] = Convolution,
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(kind(channels, channels), kind(channels, channels, active=False))
        self.attention = nn.Identity() if attention is None else attention
        self.active = nn.SiLU() if kind is Convolution else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.active(x + self.attention(self.branch(x)))


def cell_centres(height: int, width: int, stride: int, device: torch.device | None = None) -> Tensor:
    """(H·W, 2): x and y of the centre of every cell in pixels of the picture, row after row."""
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return (torch.stack((x, y), dim=-1).flatten(0, 1) + 0.5) * stride


def waves(values: Tensor, features: int, longest: float) -> Tensor:
    """Sines and cosines of values (..., n) as (..., n · features), of wave lengths from 2π/longest·... up to `longest`.

    As Vaswani et al. 2017, section 3.5, with lengths between 8 and `longest` pixels.
    """
    count = features // 2
    steps = torch.arange(count, device=values.device) / max(1, count - 1)
    rates = 2 * torch.pi / (8.0 * (longest / 8.0) ** steps)
    angles = values[..., None].float() * rates
    return torch.cat((angles.sin(), angles.cos()), dim=-1).flatten(-2)
