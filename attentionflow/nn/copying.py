"""Attention whose weights say what is copied (Vinyals et al. 2015, pointer networks; See et al. 2017, section 2.2).

Letters: B batch, Q queries, S source, D features of a query, M features of the memory, N hypotheses of a search.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, weigh


class CopyAttention(nn.Module):
    """Weights a = softmax(W q · U m / sqrt(D)) over a memory, and how likely the next token is none of them.

    The logit of writing a word of its own, of which the sigmoid is See et al.'s p_gen, is wᵀ [q; Σ a m] + b. One head.
    Different here: scores of a dot product in place of additive ones, and no input of the decoder in the logit.
    """

    def __init__(self, query_width: int, memory_width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.query = nn.Linear(query_width, query_width)
        self.key = nn.Linear(memory_width, query_width, bias=False)
        self.write = nn.Linear(query_width + memory_width, 1)

    def remember(self, memory: Tensor) -> Tensor:
        """U m (B, S, D) of a memory (B, S, M), to be computed once a sequence."""
        return self.key(memory)

    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, mask: Tensor | None = None, step: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Weights (B, Q, S) and logits of writing (B, Q), of queries (B, Q, D), keys of `remember`, mask (B, S)."""
        scores = self.query(query) @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])
        mask = None if mask is None else mask[:, None, None]
        weights = weigh(self, _full(scores[:, None]), mask=mask, step=step)[:, 0]
        return weights, _full(self.write(torch.cat((query, weights @ memory), dim=-1))[..., 0])


def _full(x: Tensor) -> Tensor:
    """Under mixed precision, chances need more digits than features."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
