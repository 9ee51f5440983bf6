"""Additive attention (Bahdanau, Cho, Bengio 2015, section 3.1 and appendix A.1.2).

Letters: B batch, Q queries, K keys, D features, A attention width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, weigh
from attentionflow.records import Fold


class AdditiveAttention(nn.Module):
    """score(q, k) = vᵀ tanh(W q + U k + b); the context is the keys averaged by softmax of the scores. One head."""

    def __init__(self, query_width: int, key_width: int, width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.query = nn.Linear(query_width, width, bias=False)
        self.key = nn.Linear(key_width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def remember(self, memory: Tensor) -> Tensor:
        """U k + b (B, K, A) of a memory (B, K, D), to be computed once a sequence."""
        return self.key(memory)

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        keys: Tensor,
        mask: Tensor | None = None,
        step: int | None = None,
        fold: Fold | None = None,
    ) -> Tensor:
        """query (B, Q, D), memory (B, K, D), keys of `remember`, mask (B, K) True where present: context (B, Q, D)."""
        energy = torch.tanh(self.query(query)[:, :, None] + keys[:, None])  # (B, Q, K, A)
        scores = self.score(energy).squeeze(-1)[:, None]  # (B, 1, Q, K)
        weights = weigh(self, scores, mask=None if mask is None else mask[:, None, None], step=step, fold=fold)
        return weights[:, 0] @ memory
