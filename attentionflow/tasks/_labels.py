"""What a label is: one of several names, any of them, or one of some that have an order. Each says how it is learned
from logits, how logits become an answer, how likely an answer is, and how answers are scored.

Letters: B batch, C labels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.task import Prediction, Score
from attentionflow.tasks._label_scores import one_label_scores, ordered_label_scores, several_label_scores


@dataclass(frozen=True, eq=False)
class Labelling:
    """An answer as the model made it: which labels were chosen, the probability (C,) of each, and the logits (C,)."""

    chosen: tuple[int, ...]
    probabilities: np.ndarray
    logits: np.ndarray


class Labels(ABC):
    """The names of all labels, in the order of the model's outputs. several: a text may have any number of them."""

    several = False

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.index = {name: i for i, name in enumerate(names)}

    @abstractmethod
    def targets(self, labels: Iterable[tuple[str, ...] | None]) -> np.ndarray:
        """(B, C) float32: 1 for each label of a text; a row of NaN for a text without a known label."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """Sum over rows, in nats."""

    @abstractmethod
    def probabilities(self, logits: Tensor) -> Tensor:
        """(B, C)"""

    @abstractmethod
    def choose(self, probabilities: np.ndarray) -> tuple[int, ...]:
        """Of (C,) probabilities, the labels that are the answer."""

    @abstractmethod
    def log_probability(self, logits: Tensor, chosen: Sequence[tuple[int, ...]]) -> Tensor:
        """(B, T): of each part of the answers."""

    @abstractmethod
    def output(self, chosen: tuple[int, ...]) -> Any:
        """The answer by name."""

    @abstractmethod
    def scores(
        self, predictions: Sequence[Prediction], labels: Sequence[tuple[str, ...]], cheap: bool
    ) -> dict[str, Score]:
        """Over all texts, whose true labels may be such that the model does not know."""

    def temperature(self, logits: np.ndarray, targets: np.ndarray) -> float | None:
        """What logits (B, C) must be divided by to make the true labels likeliest (Guo et al. 2017); None where none is
        known. An answer does not change by it."""
        known = ~np.isnan(targets).any(1)
        if not known.any():
            return None
        given, truth = torch.from_numpy(logits[known]), torch.from_numpy(targets[known])
        grid = np.geomspace(0.2, 5, 65).tolist()
        return min(grid, key=lambda t: self.loss(given / t, truth, 0.0).item())

    def certain(self, names: Sequence[str], probability: float = 1.0) -> Prediction:
        """The answer of a method that knows no probabilities, or one for all labels."""
        chosen = tuple(self.index[name] for name in names if name in self.index)
        probabilities = np.zeros(len(self.names))
        probabilities[list(chosen)] = probability
        return Prediction("", list(names), raw=Labelling(chosen, probabilities, probabilities))


class OneLabel(Labels):
    """Each text has exactly one label: softmax, cross-entropy with label smoothing (Szegedy et al. 2016)."""

    def targets(self, labels: Iterable[tuple[str, ...] | None]) -> np.ndarray:
        rows = [self.index.get(label[0], -1) if label else -1 for label in labels]
        found = np.eye(len(self.names) + 1, dtype=np.float32)[rows]
        found[found[:, -1] == 1] = np.nan
        return found[:, :-1]

    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        return F.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits.softmax(-1)

    def choose(self, probabilities: np.ndarray) -> tuple[int, ...]:
        return (int(probabilities.argmax()),)

    def log_probability(self, logits: Tensor, chosen: Sequence[tuple[int, ...]]) -> Tensor:
        at = torch.tensor([one[0] for one in chosen], device=logits.device)
        return logits.log_softmax(-1).gather(1, at[:, None])

    def output(self, chosen: tuple[int, ...]) -> str:
        return self.names[chosen[0]]

    def scores(
        self, predictions: Sequence[Prediction], labels: Sequence[tuple[str, ...]], cheap: bool
    ) -> dict[str, Score]:
        given, truth = self._numbers(predictions, labels)
        sure = np.array([one.raw.probabilities.max(initial=0.0) for one in predictions])
        return one_label_scores(given, truth, sure, self.names, cheap)

    def _numbers(
        self, predictions: Sequence[Prediction], labels: Sequence[tuple[str, ...]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """What was given and what is true, (N,) each; -1 for a true label that is not known, -2 for one given."""
        given = [one.raw.chosen[0] if one.raw.chosen else -2 for one in predictions]
        return np.array(given), np.array([self.index.get(label[0], -1) if label else -1 for label in labels])


class OrderedLabel(OneLabel):
    """As one label, but what smoothing takes from the true label goes to its neighbours: the more, the nearer.

    Of the share e that is taken, label c gets in proportion to 2^-|c - y| (Díaz and Marathe 2019 spread all).
    """

    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        place = torch.arange(len(self.names), device=logits.device)
        near = 0.5 ** (place[:, None] - place).abs().float()
        near.fill_diagonal_(0)
        near = near / near.sum(1, keepdim=True).clamp_min(1e-9)
        return F.cross_entropy(logits, (1 - smoothing) * targets + smoothing * targets @ near, reduction="sum")

    def scores(
        self, predictions: Sequence[Prediction], labels: Sequence[tuple[str, ...]], cheap: bool
    ) -> dict[str, Score]:
        given, truth = self._numbers(predictions, labels)
        return super().scores(predictions, labels, cheap) | ordered_label_scores(given, truth, len(self.names))


class AnyLabels(Labels):
    """Each text has any number of labels, also none: a yes or no a label, each with the logistic loss."""

    several = True

    def targets(self, labels: Iterable[tuple[str, ...] | None]) -> np.ndarray:
        labels = list(labels)
        found = np.zeros((len(labels), len(self.names)), np.float32)
        for row, given in enumerate(labels):
            if given is None:
                found[row] = np.nan
            else:
                found[row, [self.index[label] for label in given if label in self.index]] = 1
        return found

    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        targets = targets * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits, targets, reduction="sum")

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits.sigmoid()

    def choose(self, probabilities: np.ndarray) -> tuple[int, ...]:
        return tuple(np.flatnonzero(probabilities > 0.5).tolist())

    def log_probability(self, logits: Tensor, chosen: Sequence[tuple[int, ...]]) -> Tensor:
        signs = torch.full(logits.shape, -1.0, device=logits.device)
        for row, one in enumerate(chosen):
            signs[row, list(one)] = 1
        return F.logsigmoid(logits * signs)

    def output(self, chosen: tuple[int, ...]) -> list[str]:
        return [self.names[i] for i in chosen]

    def scores(
        self, predictions: Sequence[Prediction], labels: Sequence[tuple[str, ...]], cheap: bool
    ) -> dict[str, Score]:
        names = [*self.names, *sorted({label for given in labels for label in given} - set(self.names))]
        place = {name: i for i, name in enumerate(names)}
        given, truth = np.zeros((2, len(labels), len(names)), bool)
        for row, (one, true) in enumerate(zip(predictions, labels, strict=True)):
            given[row, list(one.raw.chosen)] = True
            truth[row, [place[label] for label in true]] = True
        return several_label_scores(given, truth, names, cheap)


def label_names(labels: Iterable[tuple[str, ...] | None]) -> list[str]:
    """All that occur, numbers by size, other names by the alphabet; UserError where there are not two."""
    names = {name for given in labels for name in given or ()}
    if len(names) < 2:
        raise UserError(
            f"the training texts have {len(names)} labels ({', '.join(names)}); there must be two to tell apart"
        )
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)
