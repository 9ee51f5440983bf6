"""Tell a trained model of a new thing by examples of it, without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attentionflow import _checkpoint
from attentionflow._predict import Run, load
from attentionflow.errors import UserError


def enroll(run: Run | str | Path, name: str, examples: Sequence[Any] | Any, *, device: str = "auto") -> list[str]:
    """Add examples of a thing to what a run knows, under a name that its answers then give; returns notes.

    examples: one or several inputs as `Run.predict` takes them. A name that is there already gets more examples. The
    run folder keeps them, and later predictions know the thing; the model itself stays as it is.
    """
    run = run if isinstance(run, Run) else load(run, device=device)
    check_able(run)
    given = [run.task.example(one) for one in (examples if isinstance(examples, list | tuple) else [examples])]
    return enroll_examples(run, name, given)


def enroll_examples(run: Run, name: str, examples: Sequence[Any]) -> list[str]:
    """The same of examples of the task."""
    check_able(run)
    if not examples:
        raise UserError(f"no example of {name} was given")
    before = dict(run.task.enrolled_counts)
    notes = run.task.enroll(name, examples)
    _keep(run)
    added = run.task.enrolled_counts.get(name, 0) - before.get(name, 0)
    return [f"{name}: {added:,} examples added, {run.task.enrolled_counts.get(name, 0):,} in all", *notes]


def forget(run: Run | str | Path, name: str) -> None:
    """Take out of a run what was added to it under a name."""
    run = run if isinstance(run, Run) else load(run)
    check_able(run)
    run.task.forget(name)
    _keep(run)


def check_able(run: Run) -> None:
    """UserError where the task of a run takes nothing in."""
    if not run.task.enrolled_file:
        raise UserError(f"{run.task.name} takes in nothing new once it is trained; train it on examples of it")


def _keep(run: Run) -> None:
    _checkpoint.write(run.folder / run.task.enrolled_file, run.task.save_enrolled)
