"""A trained model: load it, predict with it, record what it attends to."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import torch
from torch import nn

from attentionflow import _checkpoint
from attentionflow._cores import over_cores
from attentionflow._device import choose_device
from attentionflow.attend import listener
from attentionflow.errors import UserError
from attentionflow.recorder import recording
from attentionflow.records import AttentionRecord
from attentionflow.settings import resolve
from attentionflow.task import Batch, Prediction, Task
from attentionflow.tasks import load_task

R = TypeVar("R")


def load(folder: str | Path, *, device: str = "auto") -> Run:
    """The model of a run folder. Runs no code from the folder."""
    folder = Path(folder)
    page = _checkpoint.open_run(folder)
    kind = load_task(page["task"])
    architecture = kind.architectures[page["architecture"]]
    parts = {"task": kind.settings_type, "model": architecture.settings}
    settings = resolve(parts, {str(folder): page["settings"]["task"] | page["settings"]["model"]})
    task = kind.load(settings["task"], folder)
    model = task.build(page["architecture"], settings["model"])
    weights, _ = _checkpoint.read_tensors(folder / _checkpoint.MODEL)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"{folder / _checkpoint.MODEL} does not fit the settings of the run: {error}") from None
    return Run(folder, page, task, model.to(choose_device(device)).eval())


class Run:
    """A trained model with its task. task, model, folder and page (its settings) are there to be looked at."""

    def __init__(self, folder: Path, page: Mapping[str, Any], task: Task[Any, Any], model: nn.Module) -> None:
        self.folder, self.page, self.task, self.model = folder, page, task, model

    @overload
    def predict(self, inputs: list[Any], **options: Any) -> list[Prediction]: ...
    @overload
    def predict(self, inputs: Any, **options: Any) -> Prediction: ...
    def predict(self, inputs: Any, **options: Any) -> Prediction | list[Prediction]:
        """A prediction for an input, or a list of them for a list. options: the task's own, such as beams=1.

        `prediction.attention` holds what the model attended to.
        """
        several = isinstance(inputs, list)
        examples = [self.task.example(given) for given in (inputs if several else [inputs])]
        predictions, notes = self.predict_examples(examples, self.options(options))
        if notes:
            warnings.warn("; ".join(notes), stacklevel=2)
        return predictions if several else predictions[0]

    def options(self, given: Mapping[str, Any]) -> Any:
        """The task's prediction options, checked."""
        return resolve({"options": self.task.options_type}, {"prediction option": given})["options"]

    def predict_examples(self, examples: Sequence[Any], options: Any) -> tuple[list[Prediction], list[str]]:
        """One prediction an example, in their order, and notes on what was cut."""
        prepared, notes = self.task.prepare(examples, training=False)
        found = dict(predict_batches(self.task, self.model, prepared, examples, options))
        record = partial(_record_one, self.task, self.model)
        for index, prediction in found.items():
            object.__setattr__(prediction, "recorder", partial(record, examples[index]))
        return [found[index] for index in range(len(examples))], notes

    def stream(self, example: Any, options: Any) -> tuple[Iterator[str] | None, list[str]]:
        """The answer to an example of the task piece by piece, None where it comes all at once; and notes."""
        pieces = self.task.stream(self.model, example, options)
        return pieces, [] if pieces is None else self.task.prepare([example], training=False)[1]

    def record(self, inputs: Any, *, options: Mapping[str, Any] | None = None, **choices: Any) -> AttentionRecord:
        """The attention over one or several inputs and the answers given to them; choices as in `af.recording`.

        With gradients=True also of the answers' log-probability by every weight; target: only of that position's.
        """
        examples = [self.task.example(given) for given in (inputs if isinstance(inputs, list) else [inputs])]
        predictions, _ = self.predict_examples(examples, self.options(options or {}))
        return record_predictions(self.task, self.model, examples, predictions, **choices)

    def predict_recorded(
        self, inputs: Sequence[Any], *, options: Mapping[str, Any] | None = None, **choices: Any
    ) -> Iterator[tuple[list[int], list[Prediction], AttentionRecord]]:
        """Predictions, and the attention of the very pass that made them: batch by batch, which inputs, their
        predictions, their record. options: the task's own; choices: as in `af.recording`.

        Next to nothing is computed beside predicting, where `record` scores every answer once more; so there are no
        gradients and no value norms.
        """
        refused = [name for name in ("gradients", "value_norms") if choices.get(name)]
        if refused:
            raise UserError(f"{' and '.join(refused)}: not while predicting; Run.record scores the answers once more")
        examples = [self.task.example(given) for given in inputs]
        prepared, notes = self.task.prepare(examples, training=False)
        if notes:
            warnings.warn("; ".join(notes), stacklevel=2)
        chosen = self.options(options or {})

        def work(batch: Batch) -> tuple[list[int], list[Prediction], AttentionRecord]:
            rows = [int(row) for row in batch.indices]
            own = [examples[row] for row in rows]
            with recording(self.model, **choices) as recorder:
                found = self.task.predict(self.model, batch, own, chosen)
            return rows, found, recorder.record(self.task.axes(own, found), model=type(self.model).__name__)

        yield from _over_batches(self.task, self.model, prepared, work)

    def record_of(self, given: Any, prediction: Prediction, **choices: Any) -> AttentionRecord:
        """The attention of an answer already given to an input; choices as in `record`."""
        return record_predictions(self.task, self.model, [self.task.example(given)], [prediction], **choices)

    def evaluate(self, split: str = "test", **choices: Any) -> dict[str, Any]:
        """Score a split, see `af.evaluate`."""
        from attentionflow._evaluate import evaluate

        return evaluate(self, split, **choices)


def predict_batches(
    task: Task[Any, Any],
    model: nn.Module,
    prepared: Any,
    examples: Sequence[Any],
    options: Any,
    share: tuple[int, int] = (0, 1),
) -> Iterator[tuple[int, Prediction]]:
    """(index, prediction) of each example, batch by batch; share (rank, processes) takes every processes-th batch."""

    def work(batch: Batch) -> list[tuple[int, Prediction]]:
        chosen = [examples[int(row)] for row in batch.indices]
        return list(zip(map(int, batch.indices), task.predict(model, batch, chosen, options), strict=True))

    for found in _over_batches(task, model, prepared, work, share):
        yield from found


def _over_batches(
    task: Task[Any, Any],
    model: nn.Module,
    prepared: Any,
    work: Callable[[Batch], R],
    share: tuple[int, int] = (0, 1),
) -> Iterator[R]:
    """What `work` makes of each batch, in inference mode, in the order of the batches."""
    device = next(model.parameters()).device
    rank, processes = share
    batches = task.batches(prepared, 0, None)[rank::processes]

    def one(indices: np.ndarray) -> R:
        with torch.inference_mode():
            return work(task.collate(prepared, indices, 0, None).to(device))

    # A recording around this hears what its own thread does.
    apart = device.type == "cpu" and listener.get() is None
    yield from (over_cores if apart else map)(one, batches)


def record_predictions(
    task: Task[Any, Any],
    model: nn.Module,
    examples: Sequence[Any],
    predictions: Sequence[Prediction],
    *,
    target: int | None = None,
    **choices: Any,
) -> AttentionRecord:
    """The attention of answers already given: the model scores them once more, recorded; choices as in `Run.record`."""
    gradients = choices.get("gradients", False)
    if target is not None and not gradients:
        raise UserError("target= says what gradients are of; give gradients=True with it")
    with recording(model, **choices) as recorder, torch.set_grad_enabled(gradients):
        scores = task.replay(model, examples, predictions, scored=gradients)
        if scores is not None:
            if target is not None and not 0 <= target < scores.shape[1]:
                raise UserError(f"no target {target}: the answer has positions 0 to {scores.shape[1] - 1}")
            recorder.differentiate(scores.sum() if target is None else scores[:, target].sum())
    record = recorder.record(task.axes(examples, predictions), model=type(model).__name__)
    rows = {task.rows(prediction, target) for prediction in predictions}
    target_rows = rows.pop() if len(rows) == 1 else None
    return replace(record, target=target_rows, notes=(*record.notes, *task.remarks))


def _record_one(task: Task[Any, Any], model: nn.Module, example: Any, prediction: Prediction) -> AttentionRecord:
    return record_predictions(task, model, [example], [prediction])
