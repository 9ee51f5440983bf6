"""What a language model answers, so that scoring, writing and recording need not know which one it is.

Letters: B batch, T time, L layers, G groups of heads, D features, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from attentionflow.models.seq2seq import there
from attentionflow.nn.clusters import Clusters, log_probability
from attentionflow.nn.loss import linear_cross_entropy
from attentionflow.records import Fold
from attentionflow.settings import Settings

MANY_STEPS = 512  # from which a quicker way is worth its start


@dataclass
class Cache:
    """What a language model carries from token to token of B texts of one length.

    past:   of each attention layer its keys and values, (B, 2G, room, D of a head); of the room, `filled` are there.
    own:    tensors (B, ...), one entry a text, such as the state of a recurrent layer.
    turns:  of rotary positions, see `SelfAttention.turns`.
    quick:  whatever a model needs to go on by a quicker way, see `LanguageModel.hasten`.
    """

    past: tuple[Tensor, ...]
    own: tuple[Tensor, ...]
    filled: int
    turns: Tensor | None = None
    quick: Any = None

    def keep(self, rows: Tensor) -> Cache:
        """Of these texts alone, (b,)."""
        past, own = (tuple(t.index_select(0, rows) for t in kept) for kept in (self.past, self.own))
        return replace(self, past=past, own=own)


class LanguageModelSettings(Settings):
    cutoffs: str = Field(
        "", description="where clusters of rare units begin, foreseen in two steps, such as 2000,10000; for many words"
    )

    @field_validator("cutoffs")
    @classmethod
    def _rising(cls, value: str) -> str:
        edges = [int(edge) if edge.strip().isdecimal() else 0 for edge in value.split(",")] if value else [1]
        if edges[0] < 1 or any(a >= b for a, b in pairwise(edges)):
            raise ValueError(f"whole numbers from 1 on, rising, comma-separated, got {value!r}")
        return value

    def clusters(self, vocabulary: int, width: int) -> Clusters | None:
        """None without clusters; those that a small vocabulary does not reach are not made."""
        cutoffs = tuple(edge for edge in map(int, self.cutoffs.split(",")) if edge < vocabulary) if self.cutoffs else ()
        return Clusters(cutoffs, vocabulary, width) if cutoffs else None


class LanguageModel(nn.Module, ABC):
    """Foresees each token from those before it. `output` (V, D) is the matrix that turns features into logits, of all
    tokens at once, or first of the frequent ones where there are `clusters`."""

    output: nn.Parameter

    def __init__(self) -> None:
        super().__init__()
        self.clusters: Clusters | None = None

    @abstractmethod
    def forward(self, tokens: Tensor, fold: Fold | None = None) -> Tensor:
        """Features (B, T, D) before `output`: those at a position foresee the token after it.

        tokens (B, T), padded on the right with anything, as nothing looks ahead. fold: as in `attend`.
        """

    @abstractmethod
    def start(self, tokens: Tensor, room: int) -> tuple[Tensor, Cache]:
        """Read texts of one length, (B, T): the features (B, D) of the last position, and a cache with room for so many
        positions in all."""

    @abstractmethod
    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Read one more token of each text, (B,), into the cache: features (B, D)."""

    def hasten(self, cache: Cache) -> Cache:
        """The cache, so that many more steps are quicker, at a cost now; here as it was."""
        return cache

    def losses(self, tokens: Tensor, answers: Tensor, present: Tensor | None = None) -> dict[str, Tensor]:
        """What training minimises, by name, each summed over the answers (B, T), those `present` where not all are to
        be counted. "nats" is the cross-entropy."""
        features, answers = there(present, self(tokens), answers)
        foreseen = linear_cross_entropy if self.clusters is None else self.clusters.loss
        return {"nats": foreseen(features, self.output, answers)}

    def answered(
        self, tokens: Tensor, answers: Tensor, present: Tensor | None = None, fold: Fold | None = None
    ) -> Tensor:
        """Log-probability of each answer, (B, T), 0 where it is not present."""
        features, targets = there(present, self(tokens, fold), answers)
        return put_back(present, self.chosen(features, targets), answers.shape)

    def chosen(self, features: Tensor, answers: Tensor) -> Tensor:
        """Log-probability of one token a row, (N,), from features (N, D)."""
        chosen = log_probability if self.clusters is None else self.clusters.chosen
        return chosen(features, self.output, answers)

    def following(self, features: Tensor, cache: Cache | None = None) -> Tensor:
        """Log-probability of every token, (..., V), from features (..., D); cache: the one that they came with, which
        models need that look at the last tokens themselves."""
        if self.clusters is not None:
            return self.clusters.following(features, self.output)
        return (features @ self.output.T).float().log_softmax(-1)


def put_back(present: Tensor | None, values: Tensor, shape: torch.Size) -> Tensor:
    """Values (N,) of what is present, where they belong in (B, T); elsewhere 0."""
    if present is None:
        return values.view(shape)
    return torch.zeros(shape, dtype=values.dtype, device=values.device).masked_scatter(present, values)


def draw(
    logs: Tensor,
    temperature: float,
    top_k: int | None,
    top_p: float,
    generators: list[torch.Generator],
) -> Tensor:
    """One token a row, (B,), from log-probabilities (B, V); temperature 0 takes the likeliest.

    What is drawn from is softmax(logs / temperature) over the top_k likeliest tokens, and of these over the fewest
    whose probabilities reach top_p together (Holtzman et al. 2020, nucleus sampling; the temperature goes before).
    generators: one a row, so that a draw does not depend on what shares the batch.
    """
    if temperature == 0:
        return logs.argmax(-1)
    order = None
    if top_k is not None or top_p < 1:
        logs, order = logs.topk(min(top_k or logs.shape[-1], logs.shape[-1]), dim=-1)
    chances = (logs / temperature).softmax(-1)
    if top_p < 1:
        before = chances.cumsum(-1) - chances
        chances = chances.masked_fill(before >= top_p, 0)
    # Drawn on the CPU, where every generator is, by turning each row's cumulated chances round.
    levels = torch.stack([torch.rand((), generator=generator, dtype=torch.float64) for generator in generators])
    sums = chances.double().cumsum(-1)
    at = torch.searchsorted(sums, levels.to(sums.device)[:, None] * sums[:, -1:], right=True)
    at = at.clamp_max((chances > 0).sum(-1, keepdim=True) - 1 if order is not None else chances.shape[-1] - 1)
    return (at if order is None else order.gather(-1, at))[:, 0]


class Writer:
    """Writes on, token by token, after texts of one length; each text as it would be alone.

    A model looks at most at `context` positions: when they are full, the last half of them is read anew and the rest is
    forgotten, so that every token has at least half a context behind it, in positions that training knew. A text
    longer than the context is begun like that. Position 0 of whatever is read holds the token `first`.
    """

    def __init__(self, model: LanguageModel, texts: Tensor, first: int, context: int, most: int) -> None:
        """texts (B, T); most: tokens that will be written at most, which bounds the room of the cache."""
        if context < 2:
            raise ValueError(f"a context has at least two positions, got {context}")
        self.model, self.first, self.context, self.many = model, first, context, most >= MANY_STEPS
        self.room = min(context, 1 + texts.shape[1] + most)
        self.texts = texts
        self._read(begins(texts.shape[1], context))

    def _read(self, begin: int) -> None:
        seen = torch.nn.functional.pad(self.texts[:, begin:], (1, 0), value=self.first)
        self.features, self.cache = self.model.start(seen, self.room)
        if self.many:
            self.cache = self.model.hasten(self.cache)

    def following(self) -> Tensor:
        """Log-probability of every token that may come now, (B, V)."""
        return self.model.following(self.features, self.cache)

    def write(self, tokens: Tensor) -> None:
        """These come next, (B,)."""
        self.texts = torch.cat((self.texts, tokens[:, None]), 1)
        if self.cache.filled == self.context:
            self._read(self.texts.shape[1] - self.context // 2)
        else:
            self.features = self.model.step(tokens, self.cache)

    def keep(self, rows: Tensor) -> None:
        """Go on with these texts alone, (b,)."""
        self.texts, self.features, self.cache = self.texts[rows], self.features[rows], self.cache.keep(rows)


def begins(length: int, context: int) -> int:
    """Where a model begins to read a text of this length, in order to write its next token."""
    return 0 if length < context else length - context // 2
