"""Attention flow: the maximum flow through the layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.flows.checks import HeadRule, relevance
from attentionflow.flows.graph import Graph, build_graph
from attentionflow.flows.network import maximum_flows
from attentionflow.records import AttentionRecord, Relevance

SAME = 1e-9  # flows this near to the first layer's bound are saturated
MANY = 0.5  # a larger share of saturated pairs is worth a warning


def maxflow(
    record: AttentionRecord,
    target: int | Sequence[int] | None,
    onto: str | None,
    *,
    residual: float = 0.5,
    heads: HeadRule = "mean",
) -> Relevance:
    """The maximum flow from each target to each input position, exact (Abnar and Zuidema 2020, section 3).

    Every weight of the layered graph is the capacity of a pipe. Values stay as they are, while the authors divide a
    target's by their sum; lower and upper are proven bounds, and `gap` is their largest distance.

    `saturation` is the share of pairs whose flow equals min(out(u), S_v), where S_v = sum_i A_1(i, v) is all that the
    first layer lets into v: such a flow depends neither on the target nor on any layer above the first. It is common
    in deep encoders, and the notes then say so.
    """
    graph = build_graph(record, target, onto, residual=residual, heads=heads)
    found = maximum_flows(graph.capacities, graph.sources, graph.sinks)
    share = saturation(graph, found.lower)
    certified = 1 - float(found.searched.mean()) if found.searched.size else 1.0
    return relevance(
        record,
        "maxflow",
        found.lower,
        graph.onto,
        graph.top,
        graph.targets,
        settings={"residual": residual, "heads": heads},
        lower=found.lower,
        upper=found.upper,
        certified=certified,
        saturation=share,
        notes=() if share is None or share <= MANY else (saturated_note(share),),
    )


def saturation(graph: Graph, values: np.ndarray) -> float | None:
    """Share of pairs at the bound of the first layer that reads the input; None for a single layer, which is all."""
    if len(graph.capacities) == 1 or not values.size:
        return None
    sinks = graph.sinks
    # The first level that moves anything into the input positions from elsewhere.
    for level in graph.capacities:
        if not np.array_equal(level[:, sinks], np.eye(len(level))[:, sinks]):
            break
    bound = np.minimum(graph.capacities[-1][graph.sources].sum(1)[:, None], level[:, sinks].sum(0))
    return float((values >= bound - SAME).mean())


def saturated_note(share: float) -> str:
    return (
        f"{share:.0%} of the flows equal what the first layer lets into their input position: they depend neither on "
        "the target nor on the layers above. Rollout, gradient and agf still do, and so may the flow of fewer layers"
    )
