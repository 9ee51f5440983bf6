"""Whether what a network adds to the line that it began with is shown to help.

Letters: N windows, H horizon, C series.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.windows import Windows

LEFT_TO_LINE = (
    "on validation the network was not better than its line by more than a standard error, so point forecasts are the "
    "line's alone; what the network attends to is in the quantiles"
)


@torch.no_grad()
def gains(model: Any, past: Tensor, future: Tensor) -> np.ndarray:
    """(N,): by how much the mean squared error over H and C is smaller than that of the line alone."""
    whole, line = ((model(past, corrected=corrected)[0] - future).square().mean((1, 2)) for corrected in (True, False))
    return (line - whole).double().cpu().numpy()


def correction_helps(found: np.ndarray, windows: Windows) -> bool:
    """The rule of one standard error (Breiman et al. 1984, section 3.4.3): of two models the simpler one stands, unless
    the other is better by more than the standard error of the difference.

    found: gains (N,) of the windows. Those with futures that overlap err alike, so they are averaged over stretches of
    one horizon, whose means are taken as independent; of a single stretch there is no standard error, and its mean
    decides.
    """
    stretches = np.stack([windows.which, windows.starts // windows.horizon])
    _, at = np.unique(stretches, axis=1, return_inverse=True)
    means = np.bincount(at, found) / np.bincount(at)
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
    return bool(means.mean() > error)
