"""Additive attention that knows what it has attended to (See et al. 2017, section 2.3).

Letters: B batch, S source, D features of a query, M features of the memory, A attention width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, weigh


class CoverageAttention(nn.Module):
    """score(q, m, c) = vᵀ tanh(W q + U m + w c + b), with c the weights that the position has had so far, summed.

    Additive attention (Bahdanau et al. 2015) with the coverage c of eq. 11. One head, one query at a time.
    """

    def __init__(self, query_width: int, memory_width: int, width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.query = nn.Linear(query_width, width, bias=False)
        self.key = nn.Linear(memory_width, width)
        self.covered = nn.Parameter(torch.zeros(width))
        self.score = nn.Linear(width, 1, bias=False)

    def remember(self, memory: Tensor) -> Tensor:
        """U m + b (B, S, A) of a memory (B, S, M), to be computed once a sequence."""
        return self.key(memory)

    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, coverage: Tensor, mask: Tensor | None, step: int
    ) -> tuple[Tensor, Tensor]:
        """Context (B, M) and weights (B, S) of a query (B, D), keys of `remember`, coverage and mask (B, S)."""
        energy = torch.tanh(self.query(query)[:, None] + keys + coverage[..., None] * self.covered)
        scores = self.score(energy)[..., 0]
        mask = None if mask is None else mask[:, None, None]
        weights = weigh(self, scores[:, None, None], mask=mask, step=step)[:, 0, 0]
        return (weights[:, None] @ memory)[:, 0], weights
