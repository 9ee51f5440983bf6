"""Adaptive softmax: what is rare is foreseen in two steps, so that most of a large vocabulary is seldom computed.

Letters: N positions, D features, V vocabulary, K clusters of rare tokens.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from attentionflow.nn.loss import linear_cross_entropy

BLOCK_LOGITS = 1 << 20  # of a block, so that a CPU still has them in its cache when it reads them


def log_probability(features: Tensor, output: Tensor, answers: Tensor) -> Tensor:
    """Logarithm of softmax(features outputᵀ) at the answers, (N,), block by block; features (N, D), output (V, D)."""
    size = max(1, BLOCK_LOGITS // len(output))
    parts = zip(features.split(size), answers[:, None].split(size), strict=True)
    return torch.cat([(part @ output.T).float().log_softmax(-1).gather(-1, at)[:, 0] for part, at in parts])


class Clusters(nn.Module):
    """p(w) = p(w | frequent or which cluster) for the frequent tokens, p(cluster) p(w | cluster) for all others.

    Tokens are numbered from the most frequent to the rarest, and a cluster is a stretch of numbers. With a head of a
    few thousand words, which is nine tenths of running text, a vocabulary of 33,000 costs about a sixth. Grave et al.
    2017, "Efficient softmax approximation for GPUs"; different here: clusters keep all features, so that the matrix of
    logits can be that of the embedding. It is a distribution of its own, no approximation when it is used.
    """

    def __init__(self, cutoffs: tuple[int, ...], vocabulary: int, width: int) -> None:
        """cutoffs: where the clusters begin, rising; what lies before the first is the head."""
        super().__init__()
        self.edges = (*cutoffs, vocabulary)
        if not cutoffs or cutoffs[0] < 1 or any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError(f"clusters begin one after another within a vocabulary of {vocabulary}, got {cutoffs}")
        self.matrix = nn.Parameter(torch.zeros(len(cutoffs), width))

    def loss(self, features: Tensor, output: Tensor, answers: Tensor) -> Tensor:
        """Sum of -log p, as `linear_cross_entropy`: features (N, D), output (V, D), answers (N,)."""
        total = linear_cross_entropy(features, self._head(output), self._first(answers))
        for begin, end in pairwise(self.edges):
            inside = (answers >= begin) & (answers < end)
            total = total + linear_cross_entropy(features[inside], output[begin:end], answers[inside] - begin)
        return total

    def chosen(self, features: Tensor, output: Tensor, answers: Tensor) -> Tensor:
        """log p of each answer, (N,)."""
        found = log_probability(features, self._head(output), self._first(answers))
        for begin, end in pairwise(self.edges):
            at = ((answers >= begin) & (answers < end)).nonzero()[:, 0]
            if len(at):
                found = found.index_add(0, at, log_probability(features[at], output[begin:end], answers[at] - begin))
        return found

    def following(self, features: Tensor, output: Tensor) -> Tensor:
        """log p of every token, (..., V), from features (..., D)."""
        first = (features @ self._head(output).T).float().log_softmax(-1)
        known, clusters = first.split((self.edges[0], len(self.matrix)), -1)
        rare = [
            clusters[..., k : k + 1] + (features @ output[begin:end].T).float().log_softmax(-1)
            for k, (begin, end) in enumerate(pairwise(self.edges))
        ]
        return torch.cat((known, *rare), -1)

    def _head(self, output: Tensor) -> Tensor:
        return torch.cat((output[: self.edges[0]], self.matrix))

    def _first(self, answers: Tensor) -> Tensor:
        """What is to be foreseen first: a frequent token, or in which cluster the answer lies."""
        inner = torch.tensor(self.edges[:-1], device=answers.device)
        cluster = torch.bucketize(answers, inner, right=True)
        return torch.where(cluster == 0, answers, self.edges[0] + cluster - 1)
