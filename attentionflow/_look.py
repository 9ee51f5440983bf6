"""Record one input and draw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from attentionflow._predict import Run, load
from attentionflow.errors import UserError
from attentionflow.flows import flow, load_flow
from attentionflow.flows.paths import DRAWN, trace
from attentionflow.records import AttentionRecord, Relevance
from attentionflow.view import Page, page

BY_GRADIENT = ("gradient", "agf")


def look(
    run: Run | str | Path,
    given: Any,
    *,
    methods: str | Sequence[str] = (),
    target: int | None = None,
    judge: bool = False,
    device: str = "auto",
    **options: Any,
) -> Page:
    """The attention page of one input: the model answers it and the page shows what the answer attended to.

    run: a run or its folder, or a Hugging Face model as "hf:PATH_OR_NAME", for which the input is a text.
    methods: flow methods whose relevance is shown first, with the paths of those that have paths. target: the position
    of the answer that the diagram starts from, and that gradients are of; unless given, the diagram starts from the
    first and gradients are of all. judge: whether each picture is better than chance, which asks the model some hundred
    times more.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    for method in methods:
        load_flow(method)
    gradients = any(method in BY_GRADIENT for method in methods)
    if isinstance(run, str) and run.startswith("hf:"):
        return _look_at_transformers(run, given, methods, target, gradients, judge, options)
    run = run if isinstance(run, Run) else load(run, device=device)
    prediction = run.predict(given, **options)
    record = run.record_of(given, prediction, gradients=gradients, target=target if gradients else None)
    found = [flow(record, method, target=record.target) for method in methods]
    if judge:
        from attentionflow._faithful import RunCase

        found = _judged(RunCase(run, run.task.example(given), prediction), found)
    return _page(record, found, run.task.rows(prediction, target), f"{run.task.name}: {run.folder.name}")


def _look_at_transformers(
    name: str,
    text: Any,
    methods: Sequence[str],
    target: int | None,
    gradients: bool,
    judge: bool,
    options: dict[str, Any],
) -> Page:
    from attentionflow import hf

    if options:
        raise UserError(f"a Hugging Face model takes no prediction options here, got {', '.join(options)}")
    if not isinstance(text, str):
        raise UserError(f"a Hugging Face model is given a text here, got {type(text).__name__}; see af.record")
    if gradients and target is not None:
        raise UserError("gradients of a Hugging Face model are of its whole answer here, so target= cannot choose one")
    model, tokenizer = hf.load(name)
    if gradients or judge:
        from attentionflow._faithful_hf import TextEncoder

        case = TextEncoder(model, tokenizer).case(text)
        record = case.record(case.subject.model)
    else:
        record = hf.capture(model, text, tokenizer=tokenizer)
    found = [flow(record, method, target=record.target) for method in methods]
    return _page(record, _judged(case, found) if judge else found, target, name)


def _judged(case: Any, found: Sequence[Relevance]) -> list[Relevance]:
    from attentionflow._faithful import verdict

    return [replace(relevance, verdict=verdict(case, relevance).better) for relevance in found]


def _page(record: AttentionRecord, found: Sequence[Relevance], rows: int | tuple[int, ...] | None, title: str) -> Page:
    """rows: of the topmost attention; the diagram starts from the first of them."""
    if not found:
        return page(record, title=title)
    start = found[0].targets[0] if rows is None else rows if isinstance(rows, int) else rows[0]
    start %= len(found[0].target_axis)
    paths = {one.method: trace(record, one.method, start, one.stream) for one in found if one.method in DRAWN}
    return page(record, list(found), paths=paths, title=title)
