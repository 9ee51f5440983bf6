"""Is it one of these? Attention from what is known to what is seen, and from the answer to what is known.

Letters: B batch, Q queries, K keys, W width, F features, V values.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.attend import Place, attend, weigh

SHARPNESS, NAMING = 10.0, 20.0  # of the two softmaxes at the beginning; of cosines, or of distances a feature


class Counterparts(nn.Module):
    """Every part q of one thing looks for its counterpart among the parts k of another: Σ_k softmax_k(τ a_q · a_k) v_k.

    a and v are linear in the part and of length 1, τ > 0 is learned. After the CrossTransformers of Doersch et al.
    2020, section 3.2; different here: parts of known things are the queries, so that each known thing has a row of its
    own; unit vectors and τ in place of 1/√F; and one projection of queries and keys, so that the same parts match.
    """

    def __init__(self, width: int, features: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.project = nn.Linear(width, 2 * features)
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(SHARPNESS)))

    def describe(self, parts: Tensor) -> Tensor:
        """parts (B, K, W): a and v of each, beside each other (B, K, 2F)."""
        return F.normalize(self.project(parts).unflatten(-1, (2, -1)), dim=-1).flatten(-2)

    def forward(self, known: Tensor, seen: Tensor, mask: Tensor | None = None) -> Tensor:
        """known (B, Q, 2F), seen (B, K, 2F), as `describe` made them: (B, Q, F). mask as in `attend`."""
        query, (key, value) = known.chunk(2, -1)[0], seen.chunk(2, -1)
        query = query * self.log_sharpness.exp()
        return attend(self, query[:, None], key[:, None], value[:, None], mask=mask, scale=1.0)[:, 0]


class GalleryAttention(nn.Module):
    """What known examples say of a thing, each by how similar it is: Σ_k softmax_k(τ s_k) v_k, with τ > 0 learned.

    Matching networks (Vinyals et al. 2016, eq. 1), where v_k is 1 at the name of example k: the probability of each
    name. With s the negative squared distance to the mean of a name's examples: prototypical networks (Snell et al.
    2017, eq. 2).
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(NAMING)))

    def logits(self, similarity: Tensor) -> Tensor:
        """τ s, what the softmax is of."""
        return similarity * self.log_sharpness.exp()

    def forward(self, similarity: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """similarity (B, Q, K), values (B, K, V): (B, Q, V). mask (B, Q or 1, K), True for a known example."""
        weights = weigh(self, self.logits(similarity)[:, None], mask=None if mask is None else mask[:, None])
        return weights[:, 0] @ values
