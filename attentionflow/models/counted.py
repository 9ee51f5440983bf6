"""A language model that begins with the counts of n-grams, and learns when to go by them.

Letters: B batch, T time, D features, V vocabulary.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.models.language_model import Cache, LanguageModel, put_back
from attentionflow.models.ngrams import NgramModel
from attentionflow.models.seq2seq import there
from attentionflow.records import Fold

Foreseen = tuple[Tensor, Tensor]  # by the counts: (B, T) probability of each answer, and how long its known context is


class Counted(LanguageModel):
    """p = (1 - g) p_network + g p_counts, with the gate g = σ(w · features + b[length of the longest known context]).

    Counts know what often follows a short run of units, the network what lies further back; each is right where the
    other has seen little. The network learns as it would alone, and the gate beside it: where both learned from the
    mixture, the network would be left with nothing to do. In training the counts leave out the unit that is to be
    foreseen, or they would always be right (deleted interpolation, Jelinek and Mercer 1980). A learned gate between a
    softmax and another distribution is that of pointer sentinels (Merity et al. 2017), here with counts for a pointer.

    What attention shows is the network's part; the counts look at nothing else than the last few units.
    """

    def __init__(self, network: LanguageModel, counts: NgramModel) -> None:
        """counts: of all tokens but 0, with which every text begins."""
        super().__init__()
        self.network, self.counts = network, counts
        self.gate = nn.Linear(network.output.shape[1], 1)
        self.reach = nn.Parameter(torch.zeros(len(counts.lengths)))

    @property
    def output(self) -> nn.Parameter:  # type: ignore[override]
        return self.network.output

    def forward(self, tokens: Tensor, fold: Fold | None = None) -> Tensor:
        return self.network(tokens, fold)

    def losses(
        self, tokens: Tensor, answers: Tensor, present: Tensor | None = None, foreseen: Foreseen | None = None
    ) -> dict[str, Tensor]:
        """foreseen: what `NgramModel.learned` has of training answers; for others it is found here."""
        features, answers, chances, reach = there(
            present, self(tokens), answers, *(foreseen or self.foreseen(tokens, answers))
        )
        logs = self.network.chosen(features, answers)
        mixed = self._mixed(features.detach(), logs.detach(), chances, reach)
        return {"nats": -mixed.sum(), "network": -logs.sum()}

    def answered(
        self, tokens: Tensor, answers: Tensor, present: Tensor | None = None, fold: Fold | None = None
    ) -> Tensor:
        features, targets, chances, reach = there(present, self(tokens, fold), answers, *self.foreseen(tokens, answers))
        mixed = self._mixed(features, self.network.chosen(features, targets), chances, reach)
        return put_back(present, mixed, answers.shape)

    def foreseen(self, tokens: Tensor, answers: Tensor) -> Foreseen:
        """What the counts say of each answer (B, T)."""
        chances, reach = self.counts.foreseen(tokens.cpu().numpy(), answers.cpu().numpy())
        return torch.from_numpy(chances).float().to(tokens.device), torch.from_numpy(reach).to(tokens.device)

    def start(self, tokens: Tensor, room: int) -> tuple[Tensor, Cache]:
        features, cache = self.network.start(tokens, room)
        return features, replace(cache, own=(tokens, *cache.own))

    def hasten(self, cache: Cache) -> Cache:
        return self.network.hasten(cache)

    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        seen = torch.cat((cache.own[0], tokens[:, None]), 1)[:, -len(self.counts.lengths) :]
        inner = replace(cache, own=cache.own[1:])
        features = self.network.step(tokens, inner)
        cache.own, cache.filled = (seen, *inner.own), inner.filled
        return features

    def following(self, features: Tensor, cache: Cache | None = None) -> Tensor:
        if cache is None:
            raise ValueError("the counts need the last tokens, which are in the cache")
        logs = self.network.following(features)
        found, reach = self.counts.after(cache.own[0].cpu().numpy(), np.arange(1, logs.shape[1]))
        chances = F.pad(torch.from_numpy(found).to(logs), (1, 0))
        return self._mixed(features, logs, chances, torch.from_numpy(reach).to(logs.device))

    def _mixed(self, features: Tensor, logs: Tensor, chances: Tensor, reach: Tensor) -> Tensor:
        """Logarithm of the mixture: features (N, D), reach (N,); logs and chances (N,) or (N, V)."""
        gate = self.gate(features)[:, 0].float() + self.reach[reach]
        gate = gate if logs.dim() == 1 else gate[:, None]
        return torch.logaddexp(logs + F.logsigmoid(-gate), chances.clamp_min(1e-30).log() + F.logsigmoid(gate))
