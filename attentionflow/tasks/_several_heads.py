"""Several questions about the same input, each with a head: what concerns them all, whatever the input is.

Letters: B batch, N examples, T heads, K outputs of a head.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.readers.tabled_pictures import Kind
from attentionflow.task import Score
from attentionflow.tasks._heads import Answer, Head, learn_head, load_head


class Asked(Protocol):
    """An input with a cell a head, empty where the answer is not known; None where none is."""

    @property
    def where(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...] | None: ...


@dataclass(frozen=True)
class Answers:
    """Column -> answer: a label, a list of labels, or a number."""

    by_column: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return dict(self.by_column)

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{column}: {_written(answer)}" for column, answer in self.by_column.items())

    def __str__(self) -> str:
        return ", ".join(self.lines())


@dataclass(frozen=True)
class Heads:
    heads: tuple[Head, ...] = ()

    @classmethod
    def learn(cls, kinds: Mapping[str, Kind], examples: Sequence[Asked]) -> Self:
        """kinds: of each column, in the order of the cells."""
        places = [one.where for one in examples]
        return cls(
            tuple(
                learn_head(column, kind, cells_of(examples, at), places)
                for at, (column, kind) in enumerate(kinds.items())
            )
        )

    def save(self, path: Path) -> None:
        page = [head.page() for head in self.heads]
        path.write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(tuple(map(load_head, json.loads(path.read_text(encoding="utf-8")))))

    def __iter__(self) -> Iterator[Head]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)

    @property
    def columns(self) -> list[str]:
        return [head.column for head in self.heads]

    @property
    def outputs(self) -> list[int]:
        return [head.outputs for head in self.heads]

    # Learning

    def targets(self, examples: Sequence[Asked]) -> list[np.ndarray]:
        """(N, K) of each head."""
        places = [one.where for one in examples]
        return [head.targets(cells_of(examples, at), places) for at, head in enumerate(self.heads)]

    def gaps(self, examples: Sequence[Asked], targets: Sequence[np.ndarray]) -> list[str]:
        """What is to be said of columns in which answers are missing, or are such as training does not know."""
        notes = []
        for at, head in enumerate(self.heads):
            cells, unknown = cells_of(examples, at), np.isnan(targets[at]).any(1)
            empty = sum(not cell for cell in cells)
            strange = [one.where for one, cell, odd in zip(examples, cells, unknown, strict=True) if odd and cell]
            told = [f"{empty:,} of {len(cells):,} examples have no answer"] * bool(empty)
            if strange:
                places = ", ".join(strange[:5])
                told.append(f"{len(strange):,} have one that training does not know, which counts as wrong: {places}")
            if told:
                notes.append(f"{head.column}: {'; '.join(told)}")
        return notes

    def calibrated(self, answers: Sequence[tuple[Answer, ...]], examples: Sequence[Asked]) -> Self:
        """answers: of all heads to each example."""
        targets = self.targets(examples)
        return type(self)(
            tuple(head.calibrated([one[at] for one in answers], targets[at]) for at, head in enumerate(self.heads))
        )

    # Answers

    def answers(self, outputs: Sequence[Tensor]) -> list[tuple[Answer, ...]]:
        """Of all heads to each example, from the outputs (B, K) of each head."""
        by_head = [head.answers(own.float()) for head, own in zip(self.heads, outputs, strict=True)]
        return list(zip(*by_head, strict=True))

    def log_probabilities(self, outputs: Sequence[Tensor], answers: Sequence[tuple[Answer, ...]]) -> Tensor:
        """(B, T), of answers given before."""
        parts = zip(self.heads, outputs, zip(*answers, strict=True), strict=True)
        return torch.stack([head.log_probability(own.float(), given) for head, own, given in parts], 1)

    def told(self, answers: tuple[Answer, ...], k: int) -> tuple[Answers, dict[str, dict[str, Any]]]:
        """Of an example: the answers by column, and how sure each is."""
        sureness: dict[str, dict[str, Any]] = {}
        for head, answer in zip(self.heads, answers, strict=True):
            called, sure = head.sureness(answer, k)
            sureness.setdefault(called, {})[head.column] = sure
        outputs = {head.column: head.output(answer) for head, answer in zip(self.heads, answers, strict=True)}
        return Answers(outputs), sureness

    def table(self, answers: Sequence[tuple[Answer, ...]]) -> dict[str, list[Any]]:
        """A row an example; of each head its answer, and the probability of that where it has one."""
        columns: dict[str, list[Any]] = {}
        for one in answers:
            for head, answer in zip(self.heads, one, strict=True):
                for name, cell in head.cells(answer).items():
                    columns.setdefault(name, []).append(cell)
        return columns

    # Judging

    def scores(self, answers: Sequence[tuple[Answer, ...]], examples: Sequence[Asked], cheap: bool) -> dict[str, Score]:
        """Those of each head over the examples whose answer is known, after their mean, the quality: of accuracy, of
        the micro F1 of labels, and of r2 where that is above 0. A head without a known answer has no part in it."""
        found: dict[str, Score] = {}
        quality: dict[str, float] = {}
        targets = self.targets(examples)
        for at, head in enumerate(self.heads):
            cells = cells_of(examples, at)
            known = [row for row, cell in enumerate(cells) if cell]
            if not known:
                continue
            given = [answers[row][at] for row in known]
            scores = head.scores(given, targets[at][known], [cells[row] for row in known], cheap)
            quality[head.column] = max(0.0, scores[head.quality].value)
            found |= {f"{name} of {head.column}": score for name, score in scores.items()}
        if not quality:
            columns = ", ".join(self.columns)
            raise UserError(f"none of {len(examples):,} examples has an answer in {columns}: there is nothing to score")
        mean, told = float(np.mean([*quality.values()])), "mean over the columns of accuracy, micro_f1 or r2"
        return {"quality": Score(mean, signature=told, parts=quality), **found}

    def guess(self, examples: Sequence[Asked]) -> tuple[Answer, ...]:
        """The one answer to all of a method that sees nothing: the most frequent, or the mean."""
        cells = [[cell for cell in cells_of(examples, at) if cell] for at in range(len(self.heads))]
        return tuple(head.guess(own) for head, own in zip(self.heads, cells, strict=True))

    def nearest(self, fitted: Sequence[np.ndarray]) -> list[tuple[Answer, ...]]:
        """Answers by least squares, from what was fitted to the targets (N, K) of each head."""
        return list(zip(*(head.nearest(own) for head, own in zip(self.heads, fitted, strict=True)), strict=True))


def cells_of(examples: Sequence[Asked], at: int) -> list[str]:
    """Of a column, "" where the answer is not known."""
    return ["" if one.labels is None else one.labels[at] for one in examples]


def _written(answer: Any) -> str:
    if isinstance(answer, float):
        return f"{answer:.4g}"
    return answer if isinstance(answer, str) else " ".join(answer) or "none"
