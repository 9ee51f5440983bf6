"""Target attention: how much each thing of a history matters for one candidate (Zhou et al. 2018, DIN, section 4.3).

Letters: B batch, Q queries (candidates), K keys (the history), D features, A attention width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, gate


class TargetAttention(nn.Module):
    """Gates g(q, k) = σ(wᵀ PReLU(U q + V k + W (q ∘ k) + b) + c); what comes out is Σ_k g(q, k) k, which is no average.

    As in the paper the gates of a history do not sum to one, so that a history full of what resembles the candidate
    gives a longer vector than one with a single such thing. Different here: q ∘ k in place of the outer product, PReLU
    in place of Dice, and a sigmoid, which keeps a gate between 0 and 1. One head.
    """

    def __init__(self, width: int, hidden: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.query = nn.Linear(width, hidden, bias=False)
        self.key = nn.Linear(width, hidden)
        self.product = nn.Parameter(torch.randn(hidden, width) * width**-0.5)
        self.slope = nn.Parameter(torch.full((hidden,), 0.25))
        self.score = nn.Linear(hidden, 1)

    def forward(self, query: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """query (B, Q, D) or (1, Q, D) for all alike, memory (B, K, D): (B, Q, D).

        mask: (B, K), or (1 or B, Q, K), True where a candidate may look; elsewhere the gate is 0.
        """
        # W (q ∘ k) for all pairs is one matrix product: q with the keys scaled by each row of W.
        scaled = (memory[:, :, None] * self.product).flatten(1, 2)  # (B, K·A, D)
        both = (query @ scaled.transpose(1, 2)).unflatten(-1, (memory.shape[1], -1))  # (B, Q, K, A)
        energy = both + self.query(query)[:, :, None] + self.key(memory)[:, None]
        energy = torch.where(energy > 0, energy, energy * self.slope)
        gates = self.score(energy).squeeze(-1).sigmoid()  # (B, Q, K)
        if mask is not None:
            mask = mask[:, None] if mask.dim() == 3 else mask[:, None, None]
        return gate(self, gates[:, None], mask=mask)[:, 0] @ memory
