"""What comes after a history of items: a causal transformer (SASRec) and target attention over the history (DIN).

Histories are padded on the right. Letters: B batch, T time, V catalogue, N positions with an answer, C candidates,
D features.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place, unheard
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.loss import linear_cross_entropy
from attentionflow.nn.target import TargetAttention
from attentionflow.settings import Settings

HISTORY, CANDIDATE = "items", "candidate"  # streams of the attention record


class NextItem(nn.Module, ABC):
    """What a network that recommends answers. items (B, T): codes, anything on padding; lengths (B,): of each, >= 1."""

    output: nn.Parameter  # (V, D), the embedding of every item

    @abstractmethod
    def loss(self, items: Tensor, answers: Tensor) -> Tensor:
        """Sum over the positions with an answer of how badly it was foreseen, in nats.

        answers (B, T): the item that came after each position, -1 where none is to be learned.
        """

    @abstractmethod
    def scores(self, items: Tensor, lengths: Tensor) -> Tensor:
        """How likely each item of the catalogue comes next, (B, V); higher is likelier."""

    @abstractmethod
    def log_probabilities(self, scores: Tensor, at: Tensor) -> Tensor:
        """(B, k) of the items at (B, k), from the scores (B, V)."""

    @abstractmethod
    def log_probability(self, items: Tensor, lengths: Tensor, answers: Tensor, scores: Tensor | None = None) -> Tensor:
        """(B,) of one answer (B,) to each history, in a pass that a recording hears.

        scores: of the same histories, where they are known; a network in which all items share one pass takes them.
        """


class TransformerSettings(Settings):
    width: int = Field(64, ge=8, description="features of an item and of a position")
    heads: int = Field(2, ge=1, description="attention heads; divides width")
    layers: int = Field(2, ge=1, description="layers that read the history")
    feedforward: int = Field(128, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.5, ge=0, lt=1, description="on embeddings and on every residual branch")
    negatives: int = Field(
        0, ge=0, description="items drawn a batch to be told from the answer in training; 0: the whole catalogue"
    )


class SequentialTransformer(NextItem):
    """Self-attentive sequential recommendation (Kang and McAuley 2018, SASRec).

    Causal layers over the history; the score of an item is the product of its embedding, which the input shares, with
    the features of the last position. Different here: the softmax over the whole catalogue, or over the answer and many
    drawn items, in place of one drawn item and a sigmoid (Klenitskiy and Vasilev 2023); rotary positions, which know
    distances and no longest history; the norm before each part.
    """

    def __init__(self, settings: TransformerSettings, catalogue: int) -> None:
        super().__init__()
        width = settings.width
        self.output = nn.Parameter(torch.randn(catalogue, width) * width**-0.5)
        self.scale, self.negatives = math.sqrt(width), settings.negatives
        self.dropout = Dropout(settings.dropout)
        place = Place("self", HISTORY, HISTORY)
        self.layers = nn.ModuleList(
            EncoderLayer(
                SelfAttention(width, settings.heads, place, causal=True, rotary=True),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def features(self, items: Tensor) -> Tensor:
        """(B, T, D). No mask: what is causal never looks at padding on the right."""
        x = self.dropout(F.embedding(items, self.output) * self.scale)
        for layer in self.layers:
            x = cast(EncoderLayer, layer)(x)
        return self.norm(x)

    def loss(self, items: Tensor, answers: Tensor) -> Tensor:
        at = (answers.flatten() >= 0).nonzero()[:, 0]
        features, answers = self.features(items).flatten(0, 1)[at], answers.flatten()[at]
        if self.training and 0 < self.negatives < len(self.output):
            return self._sampled(features, answers)
        return linear_cross_entropy(features, self.output, answers)

    def _sampled(self, features: Tensor, answers: Tensor) -> Tensor:
        """Cross-entropy with the drawn items standing for the whole catalogue (Jean et al. 2015, uniform draws).

        Each stands for V / negatives items, so that the sum over them estimates the one over all items but the answer.
        """
        drawn = torch.randint(len(self.output), (self.negatives,), device=features.device)
        others = features @ self.output[drawn].T + math.log(len(self.output) / self.negatives)
        others = others.masked_fill(drawn == answers[:, None], -math.inf)
        right = (features * F.embedding(answers, self.output)).sum(-1)
        return (torch.logaddexp(right, others.logsumexp(-1)) - right).sum()

    def scores(self, items: Tensor, lengths: Tensor) -> Tensor:
        return self._last(items, lengths) @ self.output.T

    def log_probabilities(self, scores: Tensor, at: Tensor) -> Tensor:
        return scores.gather(1, at) - scores.logsumexp(1, keepdim=True)

    def log_probability(self, items: Tensor, lengths: Tensor, answers: Tensor, scores: Tensor | None = None) -> Tensor:
        scores = self.scores(items, lengths) if scores is None else scores
        return self.log_probabilities(scores, answers[:, None])[:, 0]

    def _last(self, items: Tensor, lengths: Tensor) -> Tensor:
        return self.features(items)[torch.arange(len(items), device=items.device), lengths - 1]


class TargetSettings(Settings):
    width: int = Field(64, ge=8, description="features of an item")
    attention: int = Field(8, ge=1, description="features inside the gate's score")
    dropout: float = Field(0.2, ge=0, lt=1, description="on the embeddings of the history")
    negatives: int = Field(4, ge=1, description="items drawn for each answer, to be told from it")


# Floats of the largest tensor inside the gates, where a catalogue is scored.
BLOCK = 1 << 23
SPACED = 256  # items that stand for all draws in evaluation, at most


class TargetRecommender(NextItem):
    """Deep interest network (Zhou et al. 2018): the history is weighed anew for every candidate.

    score(c) = v(c)ᵀ e_c + b_c, with v(c) the history gated by target attention for the candidate c; trained by the log
    loss of the answer against drawn items (eq. 5). Different here: an inner product and a bias in place of the layers
    above, so that a whole catalogue can be ranked. The order of the history is of no effect.
    """

    def __init__(self, settings: TargetSettings, catalogue: int) -> None:
        super().__init__()
        width = settings.width
        self.output = nn.Parameter(torch.randn(catalogue, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(catalogue))
        self.attention = TargetAttention(width, settings.attention, Place("gate", CANDIDATE, HISTORY, residual=False))
        self.dropout, self.negatives = Dropout(settings.dropout), settings.negatives

    def loss(self, items: Tensor, answers: Tensor) -> Tensor:
        """In evaluation the mean over all draws, by items evenly spaced over the catalogue instead of drawn ones."""
        if not self.training:
            return self._expected(items, answers)
        shape = (*answers.shape, self.negatives)
        drawn = torch.randint(len(self.output), shape, device=items.device)
        candidates = torch.cat((answers.clamp_min(0)[..., None], drawn), -1)  # (B, T, 1 + negatives)
        past = torch.ones(items.shape[1], items.shape[1], dtype=torch.bool, device=items.device).tril()
        mask = past.repeat_interleave(candidates.shape[2], 0)[None]
        scores = self._score(items, mask, candidates.flatten(1)).view_as(candidates)
        wrong = F.softplus(scores[..., 1:]) * (drawn != answers[..., None])
        return ((F.softplus(-scores[..., 0]) + wrong.sum(-1)) * (answers >= 0)).sum()

    def _expected(self, items: Tensor, answers: Tensor) -> Tensor:
        rows, at = (answers >= 0).nonzero(as_tuple=True)
        spaced = torch.arange(0, len(self.output), math.ceil(len(self.output) / SPACED), device=items.device)
        right = answers[rows, at][:, None]
        candidates = torch.cat((right, spaced.expand(len(rows), -1)), 1)
        past = torch.arange(items.shape[1], device=items.device) <= at[:, None]
        scores = self._score(items[rows], past, candidates)
        wrong = F.softplus(scores[:, 1:]) * (spaced != right)
        return F.softplus(-scores[:, 0]).sum() + wrong.sum() * self.negatives / len(spaced)

    def scores(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Block by block, since every pair of a candidate and an item of the history has a gate.

        Unheard: what is recorded are the gates of the answer, in `log_probability`.
        """
        mask = torch.arange(items.shape[1], device=items.device) < lengths[:, None]
        hidden = len(self.attention.product)
        size = max(1, BLOCK // (len(items) * items.shape[1] * hidden))
        everything = torch.arange(len(self.output), device=items.device)[None]
        with unheard():
            blocks = [self._score(items, mask, codes) for codes in everything.split(size, dim=1)]
        return torch.cat(blocks, dim=1)

    def log_probabilities(self, scores: Tensor, at: Tensor) -> Tensor:
        """Of an item being taken rather than not, log σ(score)."""
        return F.logsigmoid(scores.gather(1, at))

    def log_probability(self, items: Tensor, lengths: Tensor, answers: Tensor, scores: Tensor | None = None) -> Tensor:
        mask = torch.arange(items.shape[1], device=items.device) < lengths[:, None]
        return F.logsigmoid(self._score(items, mask, answers[:, None])[:, 0])

    def _score(self, items: Tensor, mask: Tensor, candidates: Tensor) -> Tensor:
        """(B, C) of candidates (B, C) or (1, C)."""
        memory, wanted = self.dropout(F.embedding(items, self.output)), F.embedding(candidates, self.output)
        return (self.attention(wanted, memory, mask) * wanted).sum(-1) + self.bias[candidates]
