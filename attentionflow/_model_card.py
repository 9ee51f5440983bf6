"""The model card of a run folder: what a stranger needs to know before using the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attentionflow.task import Task


def model_card(
    page: Mapping[str, Any],
    task: Task[Any, Any],
    metrics: Mapping[str, Any],
    notes: Sequence[str],
    step: int,
    steps: int,
    seconds: float,
) -> str:
    """Markdown from the settings page, the scores on the validation split and what happened."""
    scores = metrics["val"]["metrics"]
    rows = "\n".join(f"| {name} | {_score(score)} |" for name, score in scores.items())
    chosen = "\n".join(
        f"| {name} | {value} | {page['origins'].get(name, '')} |"
        for part in page["settings"].values()
        for name, value in part.items()
    )
    ended = "" if step >= steps else f" It was stopped early, at step {step:,} of {steps:,}."
    noted = "".join(f"\n- {note}" for note in notes)
    return f"""# {page["task"]}: {page["architecture"]}

{task.summary}.
Trained on `{page["data"]}` with seed {page["seed"]} for {step:,} steps, {seconds / 60:.1f} minutes.{ended}

Use it: `attentionflow predict FOLDER INPUT`; look into it: `attentionflow look FOLDER INPUT --out look.html`.

## Scores on the validation split ({metrics["val"]["examples"]:,} examples)

The checkpoint was chosen on this split, so these flatter; `attentionflow evaluate FOLDER --split test` measures.

| metric | value |
|---|---|
{rows}

## Settings

| name | value | from |
|---|---|---|
{chosen}

## Data

Learned from the training split alone.{noted}

## Limits

The model knows what its training data showed and nothing else. Attention shows where it looked, not why it answered.
"""


def _score(score: Mapping[str, Any]) -> str:
    interval = score.get("interval")
    spread = f" ({interval[0]:.4g} to {interval[1]:.4g})" if interval else ""
    return f"{score['value']:.4g}{spread} {score.get('signature', '')}".strip()
