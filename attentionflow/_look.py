"""Record one input and draw it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attentionflow._predict import Run, load
from attentionflow.view import Page, page


def look(run: Run | str | Path, given: Any, *, device: str = "auto", **options: Any) -> Page:
    """The attention page of one input: the model answers it and the page shows what the answer attended to."""
    run = run if isinstance(run, Run) else load(run, device=device)
    prediction = run.predict(given, **options)
    return page(prediction.attention, title=f"{run.task.name}: {run.folder.name}")
