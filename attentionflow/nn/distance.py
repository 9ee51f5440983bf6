"""Attention by likeness of sound: frames of a spectrogram look at the letters that they are nearest to.

Letters: B batch, T frames, N letters, F features of a frame, E features of a letter, A attention width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.attend import Place, weigh


class DistanceAttention(nn.Module):
    """w_tn = softmax over n of -|q_t - k_n|² / sqrt(A) + prior_tn (Badlani et al. 2022, section 3.1). One head.

    q and k are what convolutions make of the frames and of the letters, so that both lie in one space. Different here:
    the distance is divided by the root of the width in place of a temperature.
    """

    def __init__(self, frame_width: int, letter_width: int, width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.query = nn.ModuleList((nn.Conv1d(frame_width, width, 3, padding=1), nn.Conv1d(width, width, 3, padding=1)))
        self.key = nn.ModuleList((nn.Conv1d(letter_width, width, 3, padding=1), nn.Conv1d(width, width, 1)))

    def forward(
        self, frames: Tensor, letters: Tensor, mask: Tensor | None = None, prior: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """frames (B, T, F), letters (B, N, E), both zero on padding; mask (B, N) True where present; prior (B, T, N),
        logarithms: weights (B, T, N) and their logarithms."""
        q, k = _over(self.query, frames), _over(self.key, letters)
        kind = torch.promote_types(q.dtype, torch.float32)  # half precision is too coarse for differences of squares
        q, k = q.to(kind), k.to(kind)
        distance = q.square().sum(-1)[..., None] - 2 * q @ k.transpose(1, 2) + k.square().sum(-1)[:, None]
        scores = -distance * q.shape[-1] ** -0.5
        scores = scores if prior is None else scores + prior
        seen = None if mask is None else mask[:, None]
        weights = weigh(self, scores[:, None], mask=None if seen is None else seen[:, None])[:, 0]
        return weights, (scores if seen is None else scores.masked_fill(~seen, -1e4)).log_softmax(-1)


def _over(convolutions: nn.ModuleList, x: Tensor) -> Tensor:
    """Along time, with a ReLU between."""
    first, second = convolutions
    return second(F.relu(first(x.transpose(1, 2)))).transpose(1, 2)
