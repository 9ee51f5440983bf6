"""Exact max-flow of all pairs of one layer beside scipy's and networkx's, on the same graphs, 12 layers deep.

    python benchmarks/flow_speed.py

Ours computes every pair. The peers take one pair a call, so they are timed on pairs drawn at random, with the graph
built beforehand, and extrapolated to all pairs; their values are compared with ours. scipy knows whole numbers alone:
it is given capacities in units of 1e-7. Growth with positions and with layers is drawn to docs/flow_growth.svg.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import networkx as nx
import numpy as np
from _graphs import FAMILIES, capacities
from _results import claim
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_flow

from attentionflow.flows.network import Flows, maximum_flows

mpl.use("svg")
import matplotlib.pyplot as plt

LAYERS = 12
UNIT = 1e-7
PAIRS = {"scipy": 24, "networkx": 2}
BARS = {"diffuse": 1000.0, "peaked": 25.0, "sink-heavy": 25.0, "causal": 25.0, "local": 25.0}


def ours(graph: np.ndarray) -> tuple[Flows, float]:
    """All pairs, and seconds: the best of three."""
    nodes, times = np.arange(graph.shape[1]), []
    for _ in range(3):
        started = time.perf_counter()
        found = maximum_flows(graph, nodes, nodes)
        times.append(time.perf_counter() - started)
    return found, min(times)


def scipy_pair(graph: np.ndarray) -> Callable[[int, int], float]:
    layers, n = graph.shape[:2]
    level, k, i = np.nonzero(graph)
    whole = np.round(graph[level, k, i] / UNIT).astype(np.int32)
    network = coo_array((whole, ((level + 1) * n + k, level * n + i)), shape=((layers + 1) * n,) * 2).tocsr()
    return lambda u, v: maximum_flow(network, layers * n + u, v).flow_value * UNIT


def networkx_pair(graph: np.ndarray) -> Callable[[int, int], float]:
    network = nx.DiGraph()
    for level, k, i in np.argwhere(graph > 0):
        network.add_edge((level + 1, k), (level, i), capacity=graph[level, k, i])
    return lambda u, v: nx.maximum_flow_value(
        network, (len(graph), u), (0, v), flow_func=nx.algorithms.flow.preflow_push
    )


def timed(pair: Callable[[int, int], float], exact: np.ndarray, count: int, tolerance: float) -> float:
    """Seconds for all pairs that any path joins, extrapolated from some of them."""
    # A pair that no path joins costs a peer next to nothing.
    joined = np.argwhere(exact > 0)
    chosen = joined[np.random.default_rng(0).choice(len(joined), count, replace=False)]
    seconds = 0.0
    for u, v in chosen:
        started = time.perf_counter()
        value = pair(int(u), int(v))
        seconds += time.perf_counter() - started
        assert abs(value - exact[u, v]) < tolerance, (value, exact[u, v])
    return seconds / count * len(joined)


def grow(sizes: list[int], depths: list[int]) -> None:
    """Seconds for all pairs by positions, and by layers."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for family in FAMILIES:
        left.loglog(sizes, [ours(capacities(family, n, LAYERS))[1] for n in sizes], marker="o", label=family)
        right.loglog(depths, [ours(capacities(family, 64, d))[1] for d in depths], marker="o")
    left.set(xlabel=f"positions ({LAYERS} layers)", ylabel="seconds for all pairs")
    right.set(xlabel="layers (64 positions)")
    left.legend(frameon=False)
    for axis in (left, right):
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(Path(__file__).parent.parent / "docs" / "flow_growth.svg", metadata={"Date": None})


def main() -> None:
    ours(capacities("causal", 8, 4))  # compiling
    gaps, by_networkx, by_scipy = [], {}, {}
    for family in FAMILIES:
        for n in (128, 64):
            graph = capacities(family, n, LAYERS)
            found, seconds = ours(graph)
            gaps.append(float((found.upper - found.lower).max()))
            peer = timed(scipy_pair(graph), found.lower, PAIRS["scipy"], UNIT * n * n)
            figures = {"scipy, extrapolated, s": peer, "ours, s": seconds}
            about = {"certified": round(1 - float(found.searched.mean()), 4), "sampled_pairs": PAIRS["scipy"]}
            if n == 128:
                name = f"flow/{family}/n128/speedup_vs_scipy"
                claim(name, peer / seconds, "x", f">= {BARS[family]:g}", peer=figures, **about)
                continue
            claim(f"flow/{family}/n64/speedup_vs_scipy", peer / seconds, "x", ">= 15", peer=figures, **about)
            slow = timed(networkx_pair(graph), found.lower, PAIRS["networkx"], 1e-9)
            by_scipy[family], by_networkx[family] = peer / seconds, slow / seconds
            name, about["sampled_pairs"] = f"flow/{family}/n64/speedup_vs_networkx", PAIRS["networkx"]
            figures = {"networkx preflow-push, extrapolated, s": slow, "ours, s": seconds}
            claim(name, slow / seconds, "x", ">= 2000", peer=figures, **about)
    claim("flow/worst/n64/speedup_vs_networkx", min(by_networkx.values()), "x", ">= 2000", peer=by_networkx)
    claim("flow/worst/n64/speedup_vs_scipy", min(by_scipy.values()), "x", ">= 15", peer=by_scipy)
    found, seconds = ours(capacities("diffuse", 512, LAYERS))
    gaps.append(float((found.upper - found.lower).max()))
    certified = round(1 - float(found.searched.mean()), 6)
    claim("flow/diffuse/n512/seconds", seconds, "s", "<= 20", certified=certified)
    claim("flow/all/max_gap", max(gaps), "flow", "<= 1e-09")
    grow([16, 32, 64, 128], [2, 4, 8, 16, 24])


if __name__ == "__main__":
    main()
