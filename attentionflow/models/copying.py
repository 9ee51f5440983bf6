"""Encoder-decoders that may copy: what comes next is a mixture of the vocabulary and of the tokens of the source.

p(w) = g · softmax(output h)(w) + (1 - g) · Σ a over the places of w in the source (See et al. 2017, eq. 9)

Both sides are in the same sub-words, so a word that was never seen is copied piece by piece, and there is no word
outside the vocabulary.
Letters: B batch, S source, T target, N open hypotheses, D features, V vocabulary, a weights of copying, g chance of
writing.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.models.seq2seq import Seq2Seq, State, there, topk
from attentionflow.nn.loss import linear_cross_entropy

RARE = 1e-20  # chance of a copy below which its logarithm is not followed


@dataclass(frozen=True)
class Written:
    """Of each step: features (B, T, D), weights of copying (B, T, S), logit of writing (B, T), and further losses by
    name, each (B, T)."""

    features: Tensor
    copied: Tensor
    writing: Tensor
    losses: dict[str, Tensor]


class Copying(Seq2Seq):
    """A `Seq2Seq` whose states hold the source first of what is shared, and the weights of copying and the logit of
    writing of the last step last of what is a hypothesis's own."""

    @abstractmethod
    def write(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Written:
        """Every step, teacher-forced; arguments as of `forward`."""

    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        return self.write(source, source_mask, target).features

    def losses(
        self,
        source: Tensor,
        source_mask: Tensor | None,
        target: Tensor,
        answers: Tensor,
        present: Tensor | None,
        smoothing: float,
    ) -> dict[str, Tensor]:
        """smoothing: the share of the vocabulary's part that is spread evenly; what is copied is not smoothed."""
        found = self.write(source, source_mask, target)
        mass = _copied(found.copied, source, answers)
        features, copied, writing, answers = there(present, found.features, mass, found.writing, answers)
        logs = F.logsigmoid(writing), F.logsigmoid(-writing) + copied.clamp_min(RARE).log()
        more = {name: there(present, loss)[0].sum() for name, loss in found.losses.items()}
        return {"nats": linear_cross_entropy(features, self.output, answers, smoothing, logs), **more}

    def answered(self, source: Tensor, source_mask: Tensor | None, target: Tensor, answers: Tensor) -> Tensor:
        found = self.write(source, source_mask, target)
        written = (found.features @ self.output.T).log_softmax(-1).gather(-1, answers[..., None])[..., 0]
        return _mixed(written, _copied(found.copied, source, answers), found.writing)

    def following(self, features: Tensor, owners: Tensor, state: State) -> Tensor:
        copied, writing = state.own[-2:]
        chance = writing.sigmoid()[:, None]
        mixture = (features @ self.output.T).softmax(-1) * chance
        return mixture.scatter_add(1, state.shared[0][owners], copied * (1 - chance)).log()

    def likeliest(self, features: Tensor, owners: Tensor, state: State, count: int) -> tuple[Tensor, Tensor]:
        return topk(self.following(features, owners, state), min(count, len(self.output)))


def _copied(weights: Tensor, source: Tensor, answers: Tensor) -> Tensor:
    """Weight (B, T) of all places where the answer (B, T) stands in the source (B, S)."""
    return (weights * (source[:, None] == answers[..., None])).sum(-1)


def _mixed(written: Tensor, copied: Tensor, writing: Tensor) -> Tensor:
    """Log-probability of an answer, from its logarithm in the vocabulary and its weight in the source."""
    return torch.logaddexp(F.logsigmoid(writing) + written, F.logsigmoid(-writing) + copied.clamp_min(RARE).log())
