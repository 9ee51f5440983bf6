"""Rows of unlike length, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.vocabulary import PAD


def padded(rows: Sequence[Sequence[int] | np.ndarray]) -> tuple[Tensor, Tensor]:
    """Ids (B, longest), padded on the right, and where there are any (B, longest)."""
    lengths = np.fromiter(map(len, rows), int, len(rows))
    ids = np.full((len(rows), lengths.max()), PAD)
    there = np.arange(ids.shape[1]) < lengths[:, None]
    ids[there] = np.concatenate([np.asarray(row, int) for row in rows])
    return torch.from_numpy(ids), torch.from_numpy(there)


def pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor | None]:
    """The same, with None where there is no padding."""
    ids, there = padded(rows)
    return ids, None if there.all() else there
