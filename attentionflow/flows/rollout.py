"""Attention rollout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.flows.checks import HeadRule, relevance
from attentionflow.flows.graph import build_graph
from attentionflow.records import AttentionRecord, Relevance


def rollout(
    record: AttentionRecord,
    target: int | Sequence[int] | None,
    onto: str | None,
    *,
    residual: float = 0.5,
    heads: HeadRule = "mean",
) -> Relevance:
    """A_L ... A_1: every position passes what it holds to those below it in proportion (Abnar and Zuidema 2020, eq. 1).

    A row sums to one over all input streams together, so in an encoder-decoder the source receives what the target's
    own earlier words do not.
    """
    graph = build_graph(record, target, onto, residual=residual, heads=heads)
    shares = graph.capacities[-1][graph.sources]
    for level in graph.capacities[-2::-1]:
        shares = shares @ level
    settings = {"residual": residual, "heads": heads}
    values = np.ascontiguousarray(shares[:, graph.sinks])
    return relevance(record, "rollout", values, graph.onto, graph.top, graph.targets, settings=settings)
