"""What tasks share that put labels on things: answers, scores, and probabilities that can be trusted.

Letters: B batch, C labels, R reduced inputs.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field
from torch import Tensor

from attentionflow.settings import Settings
from attentionflow.task import Batch, Example, Prediction, Score, Task
from attentionflow.tasks._confusion_picture import confusion_picture
from attentionflow.tasks._label_scores import confusion
from attentionflow.tasks._labels import Labelling, Labels

LEARNED = "labels.json"
FEW = 10  # labels up to which a table of predictions has a column for each

E = TypeVar("E", bound=Example)
P = TypeVar("P")


class LabelOptions(Settings):
    k: int = Field(5, ge=1, description="labels whose probability is told, the likeliest first")


class LabelTask(Task[E, P]):
    """A task whose network gives a logit a label. `column` is what the table of predictions calls the inputs."""

    options_type = LabelOptions
    deciding = "accuracy"
    higher_is_better = True
    column: ClassVar[str]

    labels: Labels
    temperature = 1.0  # what logits are divided by, learned after training

    @abstractmethod
    def logits(self, model: Any, batch: Batch) -> Tensor:
        """(B, C), as they are before the temperature."""

    @abstractmethod
    def shown(self, example: E) -> str:
        """How an answer calls its input."""

    @abstractmethod
    def truth(self, example: E) -> tuple[str, ...] | None:
        """The labels of an example, None where they are not known."""

    def strangers(self, examples: Sequence[E], strange: np.ndarray, training: bool, what: str) -> list[str]:
        """A note of those whose labels are none that the task knows; strange (N,) bool. what: examples are called."""
        labels = map(self.truth, examples)
        at = [one.where for one, odd, own in zip(examples, strange, labels, strict=True) if odd and own is not None]
        fate = "left out of training" if training else "always counted as wrong"
        return [f"{len(at):,} {what} without a known label are {fate}: {', '.join(at[:5])}"] if at else []

    # Learning after training

    def calibrate(self, model: Any, predictions: Sequence[Prediction], examples: Sequence[E]) -> bool:
        """Divide logits by what makes the true labels likeliest."""
        logits = np.stack([one.raw.logits for one in predictions]) * self.temperature
        found = self.labels.temperature(logits, self.labels.targets(self.truth(one) for one in examples))
        self.temperature = found or self.temperature
        return found is not None

    def save_labels(self, folder: Path) -> str:
        page = {"labels": self.labels.names, "temperature": self.temperature}
        (folder / LEARNED).write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
        return LEARNED

    def load_labels(self, folder: Path, kind: Callable[[Sequence[str]], Labels]) -> None:
        page = json.loads((folder / LEARNED).read_text(encoding="utf-8"))
        self.labels, self.temperature = kind(page["labels"]), page["temperature"]

    # Answers

    def predict(self, model: Any, batch: Batch, examples: Sequence[E], options: LabelOptions) -> list[Prediction]:
        return self.answers(self.logits(model, batch) / self.temperature, examples, options)

    def answers(self, logits: Tensor, examples: Sequence[E], options: LabelOptions) -> list[Prediction]:
        """Of logits (B, C) after the temperature."""
        probabilities = self.labels.probabilities(logits).cpu().numpy()
        chosen = [self.labels.choose(row) for row in probabilities]
        scores = self.labels.log_probability(logits, chosen).mean(1).tolist()
        kept = logits.cpu().numpy()
        found = []
        for i, example in enumerate(examples):
            best = np.argsort(-probabilities[i], kind="stable")[: options.k]
            told = {self.labels.names[at]: round(float(probabilities[i, at]), 6) for at in best}
            raw = Labelling(chosen[i], probabilities[i], kept[i])
            output = self.labels.output(chosen[i])
            details = {"probabilities": told}
            found.append(Prediction(self.shown(example), output, scores[i], example.where, details, raw=raw))
        return found

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """Input, label and its probability, and of few labels the probability of each."""
        names = self.labels.names
        joined = [one.output if isinstance(one.output, str) else "|".join(one.output) for one in predictions]
        sure = [float(one.raw.probabilities[list(one.raw.chosen)].min(initial=1.0)) for one in predictions]
        inputs = [one.input for one in predictions]
        columns: dict[str, list[Any]] = {self.column: inputs, "label": joined, "probability": sure}
        for i, name in enumerate(names if len(names) <= FEW else ()):
            columns[f"probability of {name}"] = [float(one.raw.probabilities[i]) for one in predictions]
        return columns

    # Judging

    @property
    def validation_options(self) -> LabelOptions:
        return LabelOptions()

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[E], cheap: bool) -> dict[str, Score]:
        return self.labels.scores(predictions, [self.truth(one) or () for one in examples], cheap)

    def pictures(self, predictions: Sequence[Prediction], examples: Sequence[E]) -> dict[str, str]:
        """Which labels are taken for which, where an example has one."""
        if self.labels.several:
            return {}
        names, index = self.labels.names, self.labels.index
        pairs = [
            (index[labels[0]], one.raw.chosen[0])
            for one, example in zip(predictions, examples, strict=True)
            if (labels := self.truth(example)) and labels[0] in index
        ]
        if not pairs:
            return {}
        truth, given = np.array(pairs).T
        return {"confusion": confusion_picture(confusion(given, truth, len(names)), names)}

    # Looking

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...]:
        """All is read from the one row of the pooling."""
        return 0
