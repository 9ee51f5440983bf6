"""The contract: what a task must answer so that one loop, one command line and one record serve all tasks.

A task is a class in one file of `tasks/`. Nothing here, and nothing that calls it, knows a task by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from attentionflow.readers.finding import Finding
from attentionflow.records import AttentionRecord, Axis
from attentionflow.settings import Settings


class Example(Protocol):
    """One input with or without its answer; `where` is the file and row that it came from."""

    @property
    def where(self) -> str: ...


@dataclass(frozen=True)
class Batch:
    """Tensors of a few examples. indices: which examples; size: how much work it is, in the task's unit."""

    indices: np.ndarray
    size: int
    tensors: Mapping[str, Tensor | None]

    def __getitem__(self, name: str) -> Tensor:
        tensor = self.tensors[name]
        if tensor is None:
            raise KeyError(f"this batch has no {name}")
        return tensor

    def get(self, name: str) -> Tensor | None:
        """A tensor that a batch need not have, such as the mask of a batch without padding."""
        return self.tensors[name]

    def to(self, device: torch.device) -> Batch:
        moved = {name: None if t is None else t.to(device, non_blocking=True) for name, t in self.tensors.items()}
        return replace(self, tensors=moved)


@dataclass(frozen=True)
class Loss:
    """A named loss of a batch as a total and what it is a total of, so that batches and processes add up exactly."""

    total: Tensor
    count: int


@dataclass(frozen=True)
class Score:
    """A metric over a whole set: its value, a 95 % interval where one was computed, and what exactly was measured.

    parts: the same figure part by part, such as by class or by step of a forecast.
    """

    value: float
    unit: str = ""
    interval: tuple[float, float] | None = None
    signature: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """What the model says about one input, in the input's own terms.

    output: text, label, boxes ...: something JSON can hold, or an object with `to_json` that is printed by `str`, so
    that a large answer stays an array until it is written. score: log-probability or confidence.
    details: whatever else the task reports. raw: the answer as the model made it, which `Task.replay` scores again.
    """

    input: Any
    output: Any
    score: float = 0.0
    where: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    raw: Any = field(default=None, repr=False, compare=False)
    recorder: Callable[[Prediction], AttentionRecord] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def attention(self) -> AttentionRecord:
        """The attention of this very answer: the model scores it once more, recorded."""
        if self.recorder is None:
            raise ValueError("this prediction was read from a file; predict again with a model to see its attention")
        return self.recorder(self)

    def to_json(self) -> dict[str, Any]:
        output = self.output.to_json() if hasattr(self.output, "to_json") else self.output
        return {"input": self.input, "output": output, "score": self.score, **self.details}


@dataclass(frozen=True)
class Architecture:
    """A network of a task: how it is built from its settings, and the training settings that suit it.

    needs: a setting without which it cannot be built; given, it chooses this architecture.
    """

    build: Callable[..., nn.Module]
    settings: type[Settings]
    training: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    needs: str = ""


E = TypeVar("E", bound=Example)
P = TypeVar("P")


class Task(ABC, Generic[E, P]):
    """E is the task's example, P what it keeps of the examples once prepared (token ids, spectrograms, paths ...)."""

    name: ClassVar[str]
    summary: ClassVar[str]
    files: ClassVar[str]  # which files of a user's it reads, for people
    settings_type: ClassVar[type[Settings]]
    options_type: ClassVar[type[Settings]]  # what can be chosen at prediction
    architectures: ClassVar[Mapping[str, Architecture]]  # the first is the default
    embedded: ClassVar[str]  # data set that needs no download
    deciding: ClassVar[str]  # metric that chooses the checkpoint
    higher_is_better: ClassVar[bool]
    unit: ClassVar[str]  # what Batch.size counts
    one_a_line: ClassVar[bool] = True  # whether standard input holds an input a line, or a single one in all
    enrolled_file: ClassVar[str] = ""  # of a run folder: things added by `enroll`; empty where a task takes in none

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    # Reading

    @abstractmethod
    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[E]], list[str]]:
        """Splits of a named data set or of the user's files, with notes on what was held out or left out."""

    @abstractmethod
    def read_inputs(self, path: Path) -> Sequence[E]:
        """Inputs to predict for, from a file."""

    @abstractmethod
    def example(self, given: Any) -> E:
        """An input to predict for, as given on the command line or from Python."""

    def reading(self, text: str) -> E:
        """A text as an example whose whole the model reads, to be compared with people who read it: the input that it
        is, unless a task would only write on from it."""
        return self.example(text)

    @abstractmethod
    def check(self, splits: Mapping[str, Sequence[E]]) -> list[Finding]:
        """What is wrong or remarkable in the data."""

    # Learning before training

    @abstractmethod
    def learn(self, examples: Sequence[E]) -> None:
        """Vocabulary, label names, scaling: from training examples alone."""

    def calibrate(self, model: Any, predictions: Sequence[Prediction], examples: Sequence[E]) -> bool:
        """After training, what can only be learned from answers to examples that were not trained on, such as how far
        probabilities can be trusted; those of the validation split are given. True where later answers differ by it."""
        return False

    def conclude(self, model: Any, examples: Sequence[E]) -> list[str]:
        """Last of all, once the validation split is scored: what its examples, which are given, can be used for too now
        that they have chosen the model; with notes that say so."""
        return []

    @abstractmethod
    def save(self, folder: Path) -> list[str]:
        """Write what was learned; the names of the files."""

    @classmethod
    @abstractmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        """The task with what was learned; runs no code from the folder."""

    # Batches

    @abstractmethod
    def prepare(self, examples: Sequence[E], training: bool) -> tuple[P, list[str]]:
        """What batches are cut from, with notes. In training, examples that cannot be learned from are left out and
        counted in the notes; otherwise each stays, so that everything is scored."""

    @abstractmethod
    def batches(self, prepared: P, seed: int, epoch: int | None) -> list[np.ndarray]:
        """Indices of each batch, every prepared example once, by its arguments alone. epoch None: evaluation."""

    @abstractmethod
    def collate(self, prepared: P, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        """The tensors of a batch; with an epoch, augmented as a pure function of seed, epoch and index."""

    # Model

    @abstractmethod
    def build(self, architecture: str, settings: Settings) -> nn.Module:
        """A new network; the methods below are given it as `model`."""

    @abstractmethod
    def losses(self, model: Any, batch: Batch) -> dict[str, Loss]:
        """The named losses; training minimises the sum of their means."""

    @abstractmethod
    def predict(self, model: Any, batch: Batch, examples: Sequence[E], options: Any) -> list[Prediction]:
        """One prediction an example of the batch, in its order. examples: those of the batch."""

    def stream(self, model: Any, example: E, options: Any) -> Iterator[str] | None:
        """The answer to one input piece by piece as it comes, for a terminal; None where it comes all at once."""
        return None

    def conversation(self, said: Sequence[str]) -> E | None:
        """The input that is all of a conversation so far, its turns said by the user and the model in turn; None where
        a task holds no conversations."""
        return None

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """Columns of the table that `predict --out` writes: a row a prediction, unless a task has several."""
        pages = [prediction.to_json() for prediction in predictions]
        columns = dict.fromkeys(key for page in pages for key in page)
        return {column: [str(page.get(column, "")) for page in pages] for column in columns}

    def answer_files(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Answers that are files, such as masks: a name and the pieces of the content of each, which `predict --out
        FOLDER` writes beside the table. Names are paths below that folder."""
        return iter(())

    # Taking in what training has not seen

    @property
    def enrolled_counts(self) -> Mapping[str, int]:
        """What was added by `enroll`, with how many examples of each."""
        return {}

    def enroll(self, name: str, examples: Sequence[E]) -> list[str]:
        """Another thing that answers may name from now on, or more examples of it; with notes. Nothing is trained."""
        raise NotImplementedError

    def forget(self, name: str) -> None:
        """Take out what was added under a name."""
        raise NotImplementedError

    def save_enrolled(self, path: Path) -> None:
        """Write all that was added, for `load` to find as `enrolled_file`."""
        raise NotImplementedError

    # Judging

    @abstractmethod
    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[E], cheap: bool) -> dict[str, Score]:
        """Over the whole set at once. cheap: without intervals, for validation during training."""

    @property
    @abstractmethod
    def validation_options(self) -> Any:
        """Prediction options that are quick enough for validation during training."""

    @abstractmethod
    def baselines(self, train: Sequence[E], test: Sequence[E]) -> dict[str, dict[str, Score]]:
        """What guessing and the strongest simple method score: name -> metrics."""

    def pictures(self, predictions: Sequence[Prediction], examples: Sequence[E]) -> dict[str, str]:
        """What is better seen than told of a whole set: name -> SVG, which `evaluate` writes into the run folder."""
        return {}

    # Looking

    @abstractmethod
    def replay(
        self, model: Any, examples: Sequence[E], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """One pass over these predictions, for recording: what the model attended to when it gave them.

        scored: also return (B, T), the log-probability of each part of each answer, such as its tokens, T = 1 where it
        has no parts, 0 on padding; gradients run through it. Otherwise the pass may stop short of the scores.
        """

    @property
    def remarks(self) -> tuple[str, ...]:
        """What anyone must know who reads the scores or looks at the attention of this trained model."""
        return ()

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...] | None:
        """Rows of the topmost attention that part `target` of an answer is read from, or the whole of it where that is
        None; None: all rows. Flow starts there. Unless a task says otherwise, each part has the row of its number."""
        return target

    @abstractmethod
    def axes(self, examples: Iterable[E], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """For every stream, the axis of each example as `replay` sees it."""

    @abstractmethod
    def rescore(self, model: Any, example: E, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """How likely this very prediction is when parts of its input are left out: (R,) log-probabilities.

        kept: (R, n) bool, which positions of the input axis each of R reduced inputs keeps. How a position is taken out
        is the task's to say; what is no part of the input, such as an end token, always stays, and all else may go.
        Of several decisions, such as tokens, the mean, so that answers of any length compare.
        """
