"""Score a model on a split, every example once."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from torch import nn

from attentionflow import _checkpoint
from attentionflow._predict import Run, load, predict_batches
from attentionflow.errors import UserError, nearest
from attentionflow.task import Prediction, Score, Task


def evaluate(
    run: Run | str | Path,
    split: str = "test",
    *,
    data: str | None = None,
    device: str = "auto",
    baselines: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Metrics of a split, beside what guessing and the strongest simple method score; also kept in metrics.json.

    data: another data set or files than those of the training. options: the task's prediction options.
    Returns {"metrics": {name: Score}, "baselines": {name: {name: Score}}, "examples": N, "seconds": s, "notes": [...],
    "pictures": [paths]}.
    """
    run = run if isinstance(run, Run) else load(run, device=device)
    splits, notes = run.task.read(data or run.page["data"], run.page["seed"])
    if split not in splits:
        raise UserError(f"there is no split {split!r}; {nearest(split, splits)}")
    examples = splits[split]
    started = time.perf_counter()
    prepared, cut = run.task.prepare(examples, training=False)
    chosen = run.options(options)
    predictions = predict_all(run.task, run.model, prepared, examples, chosen)
    seconds = time.perf_counter() - started
    found: dict[str, Any] = {
        "metrics": run.task.metrics(predictions, examples, cheap=False),
        "baselines": run.task.baselines(splits["train"], examples) if baselines else {},
        "examples": len(examples),
        "seconds": seconds,
        "notes": [*notes, *cut, *run.task.remarks],
        "pictures": [],
    }
    name = split if data is None else f"{split} of {data}"
    _keep(run, name, found, options)
    for kind, svg in run.task.pictures(predictions, examples).items():
        path = run.folder / f"{kind}-{re.sub(r'[^-_.0-9A-Za-z]+', '-', name)}.svg"
        _checkpoint.write(path, partial(Path.write_text, data=svg, encoding="utf-8"))
        found["pictures"].append(str(path))
    return found


def predict_all(
    task: Task[Any, Any], model: nn.Module, prepared: Any, examples: Sequence[Any], options: Any
) -> list[Prediction]:
    """One prediction an example, in order; several processes share the batches and all get the whole."""
    state = PartialState()
    share = state.process_index, state.num_processes
    found = list(predict_batches(task, model, prepared, examples, options, share))
    if state.num_processes > 1:
        found = gather_object(found)
    in_order = dict(found)
    return [in_order[index] for index in range(len(examples))]


def agree(value: Any) -> Any:
    """The main process's value, in every process."""
    return broadcast_object_list([value])[0] if PartialState().num_processes > 1 else value


def score_page(scores: dict[str, Score]) -> dict[str, Any]:
    """Scores as JSON."""
    return {name: {k: v for k, v in asdict(score).items() if v not in (None, "", {})} for name, score in scores.items()}


def _keep(run: Run, split: str, found: dict[str, Any], options: dict[str, Any]) -> None:
    path = run.folder / _checkpoint.METRICS
    page = _checkpoint.read_json(path) if path.exists() else {}
    page[split] = page.get(split, {}) | {  # what training said of val, such as which step was chosen, stays
        "metrics": score_page(found["metrics"]),
        "baselines": {name: score_page(scores) for name, scores in found["baselines"].items()},
        "examples": found["examples"],
        "seconds": round(found["seconds"], 2),
        "options": options,
    }
    _checkpoint.write_json(path, page)
