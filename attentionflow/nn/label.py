"""Attention of labels: each looks for itself at the moments that speak for it.

Letters: B batch, T time, C labels, D features, A attention width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, weigh
from attentionflow.records import Fold


class LabelAttention(nn.Module):
    """logit_c = Σ_t w_ct m_ct, with w_c = softmax_t(q_c · K x_t / √A) and m_ct = v_c · x_t + b_c.

    m_ct is what the moment t alone says of label c, so that labels known of a whole sound teach when each is heard:
    attention pooling at the level of decisions (Kong et al. 2018, "Audio Set classification with attention model"),
    with a query a label (Mullenbach et al. 2018) in place of their normalised sigmoids. Training begins with the mean
    over time: queries are zero. One head.
    """

    def __init__(self, labels: int, width: int, attention: int, place: Place) -> None:
        super().__init__()
        self.place, self.count, self.scale = place, labels, attention**-0.5
        self.query = nn.Parameter(torch.zeros(labels, attention))
        self.key = nn.Linear(width, attention)
        self.moment = nn.Linear(width, labels)

    def forward(self, x: Tensor, mask: Tensor | None = None, fold: Fold | None = None) -> tuple[Tensor, Tensor]:
        """x (B, T, D), mask (B, T) True where present: logits (B, C), and w_ct m_ct (B, T, C), whose sums they are."""
        scores = self.query @ self.key(x).transpose(1, 2) * self.scale  # (B, C, T)
        weights = weigh(self, scores[:, None], mask=None if mask is None else mask[:, None, None], fold=fold)[:, 0]
        shares = weights.transpose(1, 2) * self.moment(x)
        return shares.sum(1), shares
