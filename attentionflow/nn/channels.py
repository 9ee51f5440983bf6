"""Series beside each other, each seen alone: folded into the batch, and each brought to its own scale.

Letters: B batch, L look-back, C series (channels), N positions of the past, Q positions of the answer, F = B·C rows.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from attentionflow.records import Fold

EPSILON = 1e-5


def fold_channels(x: Tensor) -> Tensor:
    """(B, L, C) as rows (B·C, L)."""
    return x.transpose(1, 2).flatten(0, 1)


def unfold_channels(x: Tensor, channels: int) -> Tensor:
    """Rows (B·C, L, ...) as (B, L, C, ...)."""
    return x.unflatten(0, (-1, channels)).transpose(1, 2)


@lru_cache(maxsize=64)
def channel_fold(examples: int, channels: int, queries: int, keys: int) -> Fold:
    """The map back: the positions of an example are those of its first series, then those of its second ..."""
    channel = np.tile(np.arange(channels), examples)[:, None]
    return Fold(
        np.repeat(np.arange(examples), channels),
        channel * queries + np.arange(queries),
        channel * keys + np.arange(keys),
    )


def instance_scale(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (F, 1) of each row (F, L).

    Reversible instance normalisation (Kim et al. 2022): the network sees (x - mean) / deviation, and its answer y
    becomes y · deviation + mean, so that a level that wanders from training to test costs nothing. Their learned factor
    and shift a series are left out, so that series which training never saw can be forecast too.
    """
    variance, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
    return mean, torch.sqrt(variance + EPSILON)
