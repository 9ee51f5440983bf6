"""Flow methods: from an attention record to the relevance of its inputs.

    relevance = af.flow(record, "maxflow", target=3)

Every method takes a record of one example and answers for target positions of the stream on top, such as output words,
how much each position of the input stream stands behind them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from attentionflow.errors import UserError, nearest
from attentionflow.records import AttentionRecord, Relevance

# name -> function; its file is named after it and holds formula and source
FLOWS = {
    "raw": "attentionflow.flows.raw.raw",
    "rollout": "attentionflow.flows.rollout.rollout",
    "maxflow": "attentionflow.flows.maxflow.maxflow",
    "gradient": "attentionflow.flows.gradient.gradient",
    "agf": "attentionflow.flows.agf.agf",
}

# What the methods share, and the files that hold it.
PARTS = {
    "certificate": "flows written down without a search",
    "checks": "a record made fit for flow",
    "graph": "the layered graph of a record",
    "network": "exact maximum flow",
    "paths": "the ways that flow takes",
    "search": "Dinic's algorithm for what the bounds leave open",
}


def load_flow(method: str) -> Callable[..., Relevance]:
    if method not in FLOWS:
        raise UserError(f"unknown flow method {method!r}; {nearest(method, FLOWS)}")
    module, _, name = FLOWS[method].rpartition(".")
    found: Callable[..., Relevance] = getattr(import_module(module), name)
    return found


def flow(
    record: AttentionRecord,
    method: str = "maxflow",
    *,
    target: int | Sequence[int] | None = None,
    onto: str | None = None,
    example: int | None = None,
    **options: Any,
) -> Relevance:
    """Relevance of the positions of an input stream for target positions, by one of `FLOWS`.

    target: positions of the topmost stream (negative ones count from its end); all of them unless given.
    onto: the input stream; unless given, the one that cross attention reads, or else the only one.
    example: which example of a record that holds several. options: the method's own.
    """
    function = load_flow(method)
    known = [name for name, p in inspect.signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for name in options.keys() - {*known}:
        raise UserError(f"{method} has no option {name!r}; {nearest(name, known) if known else 'it has none'}")
    from attentionflow.flows.checks import one_example

    return function(one_example(record, example), target, onto, **options)
