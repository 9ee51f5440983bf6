"""Attention over groups and over the members of each group at once, such as turns of a dialogue and their words.

Letters: B batch, Q queries, K keys, M groups, D features, A attention width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, weigh


class HierarchicalAttention(nn.Module):
    """weight(q, k) = softmax_m(s(q, c_m)) · softmax_{k in m}(t(q, h_k)), with m the group of key k.

    s and t are additive scores (Bahdanau et al. 2015) of a group and of a member. Word and turn attention of the
    hierarchical recurrent attention network (Xing et al. 2018, HRAN); different here: the two are multiplied out into
    one distribution over all keys, so that what a group gets is the sum over its members, and no recurrent network
    stands between the levels. One head.
    """

    def __init__(self, query_width: int, key_width: int, group_width: int, width: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.query = nn.Linear(query_width, 2 * width, bias=False)
        self.key, self.group = nn.Linear(key_width, width), nn.Linear(group_width, width)
        self.key_score, self.group_score = (nn.Linear(width, 1, bias=False) for _ in range(2))

    def remember(self, memory: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
        """Keys (B, K, A) of members (B, K, D) and (B, M, A) of groups (B, M, D), to be computed once a sequence."""
        return self.key(memory), self.group(groups)

    def forward(
        self, query: Tensor, values: Tensor, keys: tuple[Tensor, Tensor], group: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """query (B, Q, D), values (B, K, D), keys of `remember`, group (B, K) of each key: context (B, Q, D).

        mask: (B, Q, K) or (B, 1, K), True where a query may look.
        """
        one, other = self.query(query).chunk(2, dim=-1)
        members = self.key_score(torch.tanh(one[:, :, None] + keys[0][:, None])).squeeze(-1)  # (B, Q, K)
        groups = self.group_score(torch.tanh(other[:, :, None] + keys[1][:, None])).squeeze(-1)  # (B, Q, M)
        if mask is not None:
            members = members.masked_fill(~mask, torch.finfo(members.dtype).min)
        at = group[:, None].expand_as(members)
        # softmax over all keys of log-softmax within the group plus the score of the group is the product above.
        scores = members - _log_sums(members, at, groups.shape[2]).gather(2, at) + groups.gather(2, at)
        weights = weigh(self, scores[:, None], mask=None if mask is None else mask[:, None])
        return weights[:, 0] @ values


def _log_sums(scores: Tensor, group: Tensor, count: int) -> Tensor:
    """log Σ exp of the scores (B, Q, K) of each group, (B, Q, M)."""
    shape = *scores.shape[:2], count
    top = scores.new_full(shape, torch.finfo(scores.dtype).min).scatter_reduce(2, group, scores.detach(), "amax")
    sums = scores.new_zeros(shape).scatter_add(2, group, (scores - top.gather(2, group)).exp())
    return sums.clamp_min(torch.finfo(scores.dtype).tiny).log() + top
