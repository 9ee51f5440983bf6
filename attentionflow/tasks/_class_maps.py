"""Logits of the pixels of a canvas: which class each is of, how likely that is, and the same of a picture turned round.

Letters: B pictures, C channels, K classes, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.readers.masks import IGNORED


def turned(maps: Tensor, widths: Sequence[int]) -> Tensor:
    """Maps (B, C, H, W) turned round, left for right, as far as their pictures reach; what lies beside stays there."""
    columns = torch.arange(maps.shape[-1]).repeat(len(maps), 1)
    for row, width in zip(columns, widths, strict=True):
        row[:width] = row[:width].flip(0)
    return maps.gather(3, columns[:, None, None].to(maps.device).expand_as(maps))


def mean_log(logits: Tensor, regions: Tensor) -> Tensor:
    """(B, K): of the pixels that regions (B, H, W) give to each class, the mean log-probability of that class."""
    regions = regions.long().to(logits.device)
    there = regions != IGNORED
    numbers = regions.masked_fill(~there, 0)
    own = logits.log_softmax(1).gather(1, numbers[:, None])[:, 0] * there
    zeros = logits.new_zeros(logits.shape[:2])
    totals = zeros.scatter_add(1, numbers.flatten(1), own.flatten(1))
    counts = zeros.scatter_add(1, numbers.flatten(1), there.flatten(1).to(own.dtype))
    return totals / counts.clamp_min(1)


def likeliest(logits: Tensor, size: tuple[int, int]) -> np.ndarray:
    """(H, W) bytes in the size (W, H): the likeliest class of every pixel of logits (K, h, w), which are interpolated a
    class at a time, so that a large picture takes no more memory for its many classes."""
    best = number = None
    for at, own in enumerate(logits):
        blown = F.interpolate(own[None, None], size[::-1], mode="bilinear", align_corners=False)[0, 0]
        if best is None or number is None:
            best, number = blown, torch.zeros_like(blown, dtype=torch.uint8)
        else:
            number = torch.where(blown > best, at, number).to(torch.uint8)
            best = torch.maximum(best, blown)
    assert number is not None
    return number.cpu().numpy()
