"""Which ways flow takes from one target, for the flow diagram.

Letters: L levels of arcs, N nodes of a level, E arcs that are listed.
"""

from __future__ import annotations

import numpy as np

from attentionflow.errors import UserError
from attentionflow.flows.checks import HeadRule, one_example
from attentionflow.flows.graph import Graph, build_graph
from attentionflow.flows.network import one_flow
from attentionflow.records import AttentionRecord, Paths

DRAWN = ("rollout", "maxflow")  # methods that run through the layers arc by arc
LISTED = 400  # arcs of one flow that a diagram shows
INPUTS = 128  # input positions with a diagram of their own


def trace(
    record: AttentionRecord,
    method: str,
    target: int,
    onto: str | None = None,
    *,
    residual: float = 0.5,
    heads: HeadRule = "mean",
) -> Paths:
    """The paths of one target of a record of one example.

    "rollout" has one diagram: the share of the target that each arc passes on. "maxflow" has one an input position,
    with a minimum cut; of very many positions those with the widest flow.
    """
    if method not in DRAWN:
        raise UserError(f"{method} has no paths through the layers to draw; {' and '.join(DRAWN)} have")
    graph = build_graph(one_example(record, None), target, onto, residual=residual, heads=heads)
    found = _shares(graph) if method == "rollout" else _flows(graph)
    edges, flow, cut, hidden = {}, {}, {}, {}
    for key, (carried, limits) in found.items():
        at = np.argwhere(carried > 0)
        sizes = carried[tuple(at.T)]
        widest = np.sort(np.argsort(-sizes, kind="stable")[:LISTED])
        edges[key], flow[key] = at[widest], sizes[widest]
        cut[key] = limits[tuple(at[widest].T)]
        hidden[key] = float(1 - flow[key].sum() / sizes.sum()) if len(sizes) else 0.0
    streams = {name: place.stop - place.start for name, place in graph.streams.items()}
    return Paths(graph.names, streams, int(graph.sources[0]), edges, flow, cut, hidden)


def _shares(graph: Graph) -> dict[int | None, tuple[np.ndarray, np.ndarray]]:
    share = np.zeros(graph.capacities.shape[1])
    share[graph.sources[0]] = 1.0
    carried = np.zeros_like(graph.capacities)
    for level in range(len(carried) - 1, -1, -1):
        carried[level] = share[:, None] * graph.capacities[level]
        share = carried[level].sum(0)
    return {None: (carried, np.zeros(carried.shape, bool))}


def _flows(graph: Graph) -> dict[int | None, tuple[np.ndarray, np.ndarray]]:
    found = {
        position: one_flow(graph.capacities, int(graph.sources[0]), int(sink))
        for position, sink in enumerate(graph.sinks)
    }
    widest = sorted(found, key=lambda position: -found[position][0][-1].sum())[:INPUTS]
    return {position: found[position] for position in sorted(widest)}
