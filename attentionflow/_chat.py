"""A conversation with a model that remembers it, and which turns each answer attended to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from attentionflow._predict import Run
from attentionflow.errors import UserError
from attentionflow.records import AttentionRecord, Axis
from attentionflow.task import Prediction


class Conversation:
    """said: what either side has said, in turn. notes: on what the last answer could not look at."""

    def __init__(self, run: Run, options: Mapping[str, Any]) -> None:
        self.run, self.options = run, run.options(options)
        self.said: list[str] = []
        self.notes: list[str] = []
        self.prediction: Prediction | None = None
        if run.task.conversation([]) is None:
            raise UserError(f"a model of {run.task.name} holds no conversations; give it inputs with `predict`")

    def answer(self, text: str) -> Iterator[str]:
        """The answer piece by piece. When all of it is there, it is part of the conversation."""
        example = self.run.task.conversation([*self.said, text])
        pieces, self.notes = self.run.stream(example, self.options)
        if pieces is not None:
            yield from pieces
        # The same answer as a whole, which its attention is recorded of.
        self.prediction = self.run.predict_examples([example], self.options)[0][0]
        if pieces is None:
            yield str(self.prediction.output)
        self.said += [text, str(self.prediction.output)]

    def attended(self) -> list[tuple[str, float]]:
        """Each earlier turn that the last answer could look at, and its share of the attention to all of them."""
        if self.prediction is None:
            return []
        return shares(self.prediction.attention, self.run.task.rows(self.prediction, None))

    def forget(self) -> None:
        """Begin anew."""
        self.said, self.notes, self.prediction = [], [], None


def shares(record: AttentionRecord, rows: int | tuple[int, ...] | None) -> list[tuple[str, float]]:
    """The coarsest parts of the input, such as turns, and the share of the attention of all rows that each gets.

    Mean over sites, heads and rows of the weights; what is given to no part of the input, such as a mark at its
    beginning or the answer itself, is left out, and the rest adds up to 1.
    """
    site = record.sites[-1]
    axis = record.axes[site.keys][0]
    alike = [one for one in record.unfolded().sites if (one.queries, one.keys) == (site.queries, site.keys)]
    at = slice(None) if rows is None else [rows] if isinstance(rows, int) else list(rows)
    weights = np.mean([one.weights[0, :, at].mean((0, 1)) for one in alike], axis=0)
    labels, members = parts(axis)
    sums = np.array([sum(float(weights[i]) for i in own) for own in members])
    total = float(sums.sum())
    return [(label, float(share) / total if total else 0.0) for label, share in zip(labels, sums, strict=True)]


def parts(axis: Axis) -> tuple[tuple[str, ...], list[list[int]]]:
    """Labels of the coarsest axis below, and the positions that lie on each; a position belongs to the part in which it
    begins."""
    at: list[int | None] = list(range(len(axis)))
    while axis.parent is not None:
        spans = axis.spans or (None,) * len(axis)
        at = [None if i is None or spans[i] is None else int(spans[i][0]) for i in at]  # type: ignore[index]
        axis = axis.parent
    return axis.labels, [[i for i, part in enumerate(at) if part == number] for number in range(len(axis))]
