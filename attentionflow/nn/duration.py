"""Attention by duration: every moment looks at the letters whose time it is.

Letters: B batch, T moments, N letters, D features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.attend import Place, weigh

NARROWEST = 0.3  # frames, of a letter's deviation


class DurationAttention(nn.Module):
    """w_tn ∝ Normal(t; c_n, s_n), c_n = d_1 + ... + d_n - d_n / 2 the middle of letter n, which lasts d_n frames.

    Gaussian upsampling (Shen et al. 2020, Non-Attentive Tacotron, section 3.2). Different here: the deviation is a
    share of the duration, s_n = softplus(w · h_n + b) d_n + 0.3, so that it fits letters of any length. One head.
    """

    def __init__(self, width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.spread = nn.Linear(width, 1)
        nn.init.zeros_(self.spread.weight)
        nn.init.constant_(self.spread.bias, -1.0)  # softplus(-1) = 0.31

    def forward(self, letters: Tensor, durations: Tensor, times: Tensor, mask: Tensor | None = None) -> Tensor:
        """letters (B, N, D), durations (B, N) and times (T,) in frames, mask (B, N) True where present: weights
        (B, T, N)."""
        kind = torch.promote_types(letters.dtype, torch.float32)  # half precision is too coarse for places in time
        durations = durations.to(kind)
        ends = durations.cumsum(1)
        deviation = F.softplus(self.spread(letters)[..., 0].to(kind)) * durations + NARROWEST
        apart = (times[:, None] - (ends - durations / 2)[:, None]) / deviation[:, None]  # (B, T, N)
        scores = -0.5 * apart.square() - deviation.log()[:, None]
        return weigh(self, scores[:, None], mask=None if mask is None else mask[:, None, None])[:, 0]
