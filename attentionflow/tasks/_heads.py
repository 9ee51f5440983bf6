"""One question among several that are asked of the same input: a class, any of some labels, or a number.

A head says how its cells become targets, how it is learned from the outputs of its part of the network, what its answer
is, how likely an answer is, and how good answers are. A target that is not known is a row of NaN.
Letters: B batch, N examples, K outputs of the head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.errors import DataError, UserError
from attentionflow.readers.labelled_texts import SEVERAL, one_label, several_labels
from attentionflow.readers.tabled_pictures import Kind, as_number
from attentionflow.task import Prediction, Score
from attentionflow.tasks._labels import AnyLabels, Labelling, Labels, OneLabel, label_names
from attentionflow.tasks._simple_classifiers import most_frequent

NARROWEST = 1e-3  # least error that a number is taken to have, in training deviations

Answer = Any  # of a head: a Labelling, or a float, as the head itself says


class Head(ABC):
    """column: what is asked."""

    column: str

    @property
    @abstractmethod
    def outputs(self) -> int:
        """K"""

    @property
    @abstractmethod
    def quality(self) -> str:
        """Of the scores, the one that stands for the head, at most 1."""

    @abstractmethod
    def told(self) -> str:
        """The kind and what was learned of it, for people."""

    @abstractmethod
    def targets(self, cells: Sequence[str], places: Sequence[str]) -> np.ndarray:
        """(N, K) float32. places: where each cell stands, for errors."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """Sum over rows (B, K), all of them known; in nats."""

    @abstractmethod
    def answers(self, outputs: Tensor) -> list[Answer]:
        """One a row of (B, K)."""

    @abstractmethod
    def log_probability(self, outputs: Tensor, answers: Sequence[Answer]) -> Tensor:
        """(B,), of answers given before."""

    @abstractmethod
    def output(self, answer: Answer) -> Any:
        """The answer in the terms of the column."""

    @abstractmethod
    def sureness(self, answer: Answer, k: int) -> tuple[str, Any]:
        """What is told beside the answer of how sure it is: what that is called, and the thing itself."""

    @abstractmethod
    def cells(self, answer: Answer) -> dict[str, Any]:
        """Of a table of predictions, by column."""

    @abstractmethod
    def scores(
        self, answers: Sequence[Answer], targets: np.ndarray, cells: Sequence[str], cheap: bool
    ) -> dict[str, Score]:
        """Over examples whose cells are not empty."""

    @abstractmethod
    def calibrated(self, answers: Sequence[Answer], targets: np.ndarray) -> Self:
        """With what can only be learned from answers to examples that were not trained on."""

    @abstractmethod
    def guess(self, cells: Sequence[str]) -> Answer:
        """The answer to all of a method that sees nothing, from training cells, empty ones aside."""

    @abstractmethod
    def nearest(self, fitted: np.ndarray) -> list[Answer]:
        """Answers by least squares: from (N, K) fitted to targets."""

    @abstractmethod
    def page(self) -> dict[str, Any]:
        """As JSON, of which `load_head` makes it again."""


@dataclass(frozen=True)
class LabelHead(Head):
    """temperature: what logits are divided by, learned after training."""

    column: str
    labels: Labels
    temperature: float = 1.0

    @property
    def quality(self) -> str:
        return "micro_f1" if self.labels.several else "accuracy"

    @property
    def outputs(self) -> int:
        return len(self.labels.names)

    def told(self) -> str:
        kind = "any of" if self.labels.several else "one of"
        names = self.labels.names
        return f"{kind} {len(names)} labels ({', '.join(names[:5])}{', ...' * (len(names) > 5)})"

    def targets(self, cells: Sequence[str], places: Sequence[str]) -> np.ndarray:
        return self.labels.targets(self._read(cell) if cell else None for cell in cells)

    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        return self.labels.loss(outputs, targets, smoothing)

    def answers(self, outputs: Tensor) -> list[Answer]:
        logits = outputs / self.temperature
        probabilities, kept = self.labels.probabilities(logits).cpu().numpy(), logits.cpu().numpy()
        return [Labelling(self.labels.choose(row), row, own) for row, own in zip(probabilities, kept, strict=True)]

    def log_probability(self, outputs: Tensor, answers: Sequence[Answer]) -> Tensor:
        logits = outputs / self.temperature
        return self.labels.log_probability(logits, [answer.chosen for answer in answers]).mean(1)

    def output(self, answer: Answer) -> Any:
        return self.labels.output(answer.chosen)

    def sureness(self, answer: Answer, k: int) -> tuple[str, Any]:
        """Label -> probability, the k likeliest."""
        best = np.argsort(-answer.probabilities, kind="stable")[:k]
        return "probabilities", {self.labels.names[at]: round(float(answer.probabilities[at]), 6) for at in best}

    def cells(self, answer: Answer) -> dict[str, Any]:
        given = self.output(answer)
        sure = float(answer.probabilities[list(answer.chosen)].min(initial=1.0))
        named = given if isinstance(given, str) else SEVERAL.join(given) or SEVERAL
        return {self.column: named, f"probability of {self.column}": sure}

    def scores(
        self, answers: Sequence[Answer], targets: np.ndarray, cells: Sequence[str], cheap: bool
    ) -> dict[str, Score]:
        predictions = [Prediction("", "", raw=answer) for answer in answers]
        return self.labels.scores(predictions, [self._read(cell) for cell in cells], cheap)

    def calibrated(self, answers: Sequence[Answer], targets: np.ndarray) -> Self:
        logits = np.stack([answer.logits for answer in answers]) * self.temperature
        return replace(self, temperature=self.labels.temperature(logits, targets) or self.temperature)

    def guess(self, cells: Sequence[str]) -> Answer:
        read = [self._read(cell) for cell in cells]
        usual = most_frequent(read)
        return self.labels.certain(usual, read.count(usual) / len(read)).raw

    def nearest(self, fitted: np.ndarray) -> list[Answer]:
        names = self.labels.names
        return [self.labels.certain([names[at] for at in self.labels.choose(row)]).raw for row in fitted]

    def page(self) -> dict[str, Any]:
        kind = "labels" if self.labels.several else "class"
        return {"column": self.column, "kind": kind, "labels": self.labels.names, "temperature": self.temperature}

    def _read(self, cell: str) -> tuple[str, ...]:
        return several_labels(cell) if self.labels.several else one_label(cell)


@dataclass(frozen=True)
class NumberHead(Head):
    """A number, learned on the scale of its training cells: (number - mean) / deviation, with half the squared error,
    which is -log of a normal distribution but for what does not depend on the network.

    error: root mean square of what answers are off, on that scale, learned after training. An answer is that number.
    """

    column: str
    mean: float
    deviation: float
    error: float = 1.0

    @property
    def outputs(self) -> int:
        return 1

    @property
    def quality(self) -> str:
        return "r2"

    def told(self) -> str:
        return f"a number (mean {self.mean:.4g}, deviation {self.deviation:.4g})"

    def targets(self, cells: Sequence[str], places: Sequence[str]) -> np.ndarray:
        numbers = [as_number(cell) for cell in cells]
        for cell, number, place in zip(cells, numbers, places, strict=True):
            if cell and number is None:
                raise DataError(
                    f"{self.column} is {cell!r}, which is no finite number",
                    file=place,
                    remedy=f"Correct or empty the cell, or read the column as classes: --set kinds={self.column}=class",
                )
        found = np.array([np.nan if number is None else number for number in numbers])
        return ((found - self.mean) / self.deviation).astype(np.float32)[:, None]

    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        return 0.5 * (outputs - targets).square().sum()

    def answers(self, outputs: Tensor) -> list[Answer]:
        return outputs[:, 0].tolist()

    def log_probability(self, outputs: Tensor, answers: Sequence[Answer]) -> Tensor:
        """That the number lies on that side of the training mean where the answer lies: by a normal distribution around
        the output, as wide as `error`. How far an output lies from its own answer says nothing, as it is 0."""
        point = outputs[:, 0]
        side = torch.tensor([1.0 if answer >= 0 else -1.0 for answer in answers], device=point.device)
        return torch.special.log_ndtr(side * point / max(self.error, NARROWEST))

    def output(self, answer: Answer) -> float:
        return answer * self.deviation + self.mean

    def sureness(self, answer: Answer, k: int) -> tuple[str, Any]:
        """By how much such answers are off, root mean square."""
        return "off_by", self.error * self.deviation

    def cells(self, answer: Answer) -> dict[str, Any]:
        return {self.column: self.output(answer)}

    def scores(
        self, answers: Sequence[Answer], targets: np.ndarray, cells: Sequence[str], cheap: bool
    ) -> dict[str, Score]:
        """r2: 1 - Σ (answer - truth)² / Σ (training mean - truth)², so that the mean of training scores 0."""
        truth = targets[:, 0].astype(float)
        off = np.asarray(answers, float) - truth
        spread = float(np.square(truth).sum())
        return {
            "r2": Score(
                1 - float(np.square(off).sum()) / spread if spread else 0.0, signature="beside the training mean"
            ),
            "rmse": Score(float(np.sqrt(np.square(off).mean())) * self.deviation),
            "mae": Score(float(np.abs(off).mean()) * self.deviation),
        }

    def calibrated(self, answers: Sequence[Answer], targets: np.ndarray) -> Self:
        off = np.asarray(answers, float) - targets[:, 0]
        known = off[~np.isnan(off)]
        return replace(self, error=max(NARROWEST, float(np.sqrt(np.square(known).mean())))) if len(known) else self

    def guess(self, cells: Sequence[str]) -> Answer:
        return 0.0

    def nearest(self, fitted: np.ndarray) -> list[Answer]:
        return fitted[:, 0].tolist()

    def page(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "kind": "number",
            "mean": self.mean,
            "deviation": self.deviation,
            "error": self.error,
        }


def learn_head(column: str, kind: Kind, cells: Sequence[str], places: Sequence[str]) -> Head:
    """From the training cells of a column; UserError where there is nothing to learn from them."""
    remedy = "add answers, or name the columns to learn without it: --set columns=..."
    known = [cell for cell in cells if cell]
    if not known:
        raise UserError(f"no training picture has a cell in the column {column!r}; {remedy}")
    if kind == "number":
        blank = NumberHead(column, 0.0, 1.0)
        numbers = blank.targets(cells, places).astype(float)
        mean, deviation = float(np.nanmean(numbers)), float(np.nanstd(numbers))
        if deviation <= 1e-9 * max(1.0, abs(mean)):
            raise UserError(f"the numbers of the column {column!r} are all {mean:g} in training; {remedy}")
        return NumberHead(column, mean, deviation)
    read = [several_labels(cell) if kind == "labels" else one_label(cell) for cell in known]
    different = {name for labels in read for name in labels}
    if len(different) < 2:
        raise UserError(f"the column {column!r} has {len(different)} labels in training; {remedy}")
    return LabelHead(column, AnyLabels(label_names(read)) if kind == "labels" else OneLabel(label_names(read)))


def load_head(page: dict[str, Any]) -> Head:
    """Of what `Head.page` gave."""
    column, kind = page["column"], page["kind"]
    if kind == "number":
        return NumberHead(column, page["mean"], page["deviation"], page["error"])
    labels = AnyLabels(page["labels"]) if kind == "labels" else OneLabel(page["labels"])
    return LabelHead(column, labels, page["temperature"])
