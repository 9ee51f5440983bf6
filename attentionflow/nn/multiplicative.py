"""Multiplicative attention (Luong, Pham, Manning 2015, section 3.1, score "general").

Letters: B batch, Q queries, K keys, D features.
"""

from __future__ import annotations

from torch import Tensor, nn

from attentionflow.attend import Place, weigh
from attentionflow.records import Fold


class MultiplicativeAttention(nn.Module):
    """score(q, k) = qᵀ W k; the context is the keys averaged by softmax of the scores. One head.

    With W fixed to the identity this is Luong's "dot". Both are unscaled, unlike `SelfAttention`.
    """

    def __init__(self, query_width: int, key_width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.key = nn.Linear(key_width, query_width, bias=False)

    def remember(self, memory: Tensor) -> Tensor:
        """W k (B, K, D) of a memory (B, K, D), to be computed once a sequence."""
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
        scores = (query @ keys.transpose(1, 2))[:, None]  # (B, 1, Q, K)
        weights = weigh(self, scores, mask=None if mask is None else mask[:, None, None], step=step, fold=fold)
        return weights[:, 0] @ memory
