"""What an encoder-decoder answers, so that decoding, scoring and recording need not know which one it is.

Letters: B batch, S source, T target, N open hypotheses of all sentences, D features, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attentionflow.nn.loss import linear_cross_entropy

BLOCK = 64  # columns of the logits that are looked at together in the search for the largest
CACHED_LOGITS = 1 << 20  # of a block of hypotheses, so that a CPU still has them in its cache when it reads them


@dataclass(frozen=True)
class State:
    """What a decoder carries from step to step.

    shared: tensors of all sentences, such as the keys and values of the source.
    own:    tensors (N, ...), one entry a hypothesis, such as the state of a recurrent decoder.
    taken:  how many cells of a pool of keys and values are filled, where there is one.
    """

    shared: tuple[Tensor, ...]
    own: tuple[Tensor, ...]
    taken: int = 0

    def select(self, parents: Tensor) -> State:
        """Hypothesis i continues `parents[i]`, (N,); there may be more or fewer than before."""
        return State(self.shared, tuple(t.index_select(0, parents) for t in self.own), self.taken)


class Seq2Seq(nn.Module, ABC):
    """An encoder and an autoregressive decoder. `output` (V, D) is the matrix that turns features into logits.

    What comes next is a softmax of the logits; a network that has more to say of it, such as one that copies, answers
    the last four methods itself.
    """

    output: nn.Parameter

    @abstractmethod
    def forward(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Tensor:
        """Features (B, T, D) before `output`, teacher-forced.

        source (B, S) ids; source_mask (B, S), True where present, or None without padding; target (B, T) ids shifted
        right, beginning with the start token.
        """

    @abstractmethod
    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        """Encode once and prepare B empty hypotheses, one a sentence."""

    @abstractmethod
    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        """Feed one token a hypothesis, (N,), at this position from 0; features (N, D) before `output`, and the next
        state. owners (N,): which sentence of `start` each hypothesis is of.

        The state given is used up: the next one may be written over it.
        """

    def losses(
        self,
        source: Tensor,
        source_mask: Tensor | None,
        target: Tensor,
        answers: Tensor,
        present: Tensor | None,
        smoothing: float,
    ) -> dict[str, Tensor]:
        """What training minimises, by name, each summed over the tokens to be answered (B, T), those `present`."""
        features, answers = there(present, self(source, source_mask, target), answers)
        return {"nats": linear_cross_entropy(features, self.output, answers, smoothing)}

    def answered(self, source: Tensor, source_mask: Tensor | None, target: Tensor, answers: Tensor) -> Tensor:
        """Log-probability of each answer, (B, T), teacher-forced."""
        logits = self(source, source_mask, target) @ self.output.T
        return logits.log_softmax(-1).gather(-1, answers[..., None])[..., 0]

    def following(self, features: Tensor, owners: Tensor, state: State) -> Tensor:
        """Log-probability of every token after each hypothesis, (N, V), from what `step` returned."""
        return (features @ self.output.T).log_softmax(-1)

    def likeliest(self, features: Tensor, owners: Tensor, state: State, count: int) -> tuple[Tensor, Tensor]:
        """The `count` likeliest tokens after each hypothesis: log-probabilities and ids, each (N, K)."""
        size = max(1, CACHED_LOGITS // len(self.output)) if features.device.type == "cpu" else len(features)
        buffer = features.new_empty(min(size, len(features)), len(self.output))
        logs, tokens = [], []
        for part in features.split(size):
            logits = torch.mm(part, self.output.T, out=buffer[: len(part)])
            top, at = topk(logits, min(count, len(self.output)))
            largest = top[:, :1]
            logs.append(top - largest - logits.sub_(largest).exp_().sum(-1, keepdim=True).log_())
            tokens.append(at)
        return torch.cat(logs), torch.cat(tokens)


def there(present: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Of tensors (B, T, ...), the rows (N, ...) of what is there; all of them where nothing is padding."""
    flat = tuple(t.flatten(0, 1) for t in tensors)
    if present is None:
        return flat
    at = present.flatten().nonzero()[:, 0]
    return tuple(t[at] for t in flat)


def topk(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`x.topk(count)`; a long row is cut into blocks, and only the `count` blocks with the largest maxima are searched,
    since no other can hold one of the largest."""
    blocks = x.shape[-1] // BLOCK
    if blocks < 2 * count:
        return x.topk(count)
    whole, rest = x[..., : blocks * BLOCK].unflatten(-1, (blocks, BLOCK)), x[..., blocks * BLOCK :]
    best = whole.amax(-1).topk(count).indices[..., None]
    inside = whole.gather(-2, best.expand(*best.shape[:-1], BLOCK)).flatten(-2)
    columns = (best * BLOCK + torch.arange(BLOCK, device=x.device)).flatten(-2)
    last = torch.arange(blocks * BLOCK, x.shape[-1], device=x.device).expand_as(rest)
    values, at = torch.cat((inside, rest), -1).topk(count)
    return values, torch.cat((columns, last), -1).gather(-1, at)
