"""Exact maximum flow between many pairs of a layered graph, with proven bounds.

Three facts make it fast. Let F(u, v) be the flow from node u of the highest level to node v of the lowest.

1. Upper bounds for all pairs at once. T_l(k, v) = min(out(k), sum_i min(A_l[k, i], T_(l-1)(i, v))) bounds what node k
   of level l can send to v, R_l(u, k) what u can send down to it, and for every level
   F(u, v) <= sum_k min(R_l(u, k), T_l(k, v)).
2. Flows as large as the bound that are written down without a search, see `certificate`.
3. Elsewhere, a search that stops as soon as it reaches the bound, see `search`.

Letters: L layers of arcs, N nodes of a level, P sources, V sinks.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from attentionflow.flows.certificate import certified
from attentionflow.flows.search import EPSILON, follow, search, sorted_arcs


@dataclass(frozen=True)
class Flows:
    """lower, upper: (P, V) proven bounds on each maximum flow. searched: (P, V), True where a search was needed."""

    lower: np.ndarray
    upper: np.ndarray
    searched: np.ndarray


def maximum_flows(capacities: np.ndarray, sources: np.ndarray, sinks: np.ndarray) -> Flows:
    """All pairs of sources (nodes of the highest level) and sinks (nodes of the lowest).

    capacities (L, N, N): from node k of level l + 1 to node i of level l, not negative. The bounds differ by rounding
    alone, far less than 1e-9 where no capacity is above 1.
    """
    capacities = np.where(capacities > EPSILON, capacities, 0.0)
    sources, sinks = np.asarray(sources, np.int64), np.asarray(sinks, np.int64)
    upper = upper_bounds(capacities, sources, sinks)
    # Through one or two layers every path has an inner node of its own, so the bound is attained.
    proven = upper <= 0 if len(capacities) > 2 else np.ones(upper.shape, bool)
    proven |= certified(capacities, sources, sinks, upper, proven)
    lower = np.where(proven, upper, 0.0)
    if not proven.all():
        arcs = sorted_arcs(capacities)
        shares = [part for part in np.array_split(np.arange(len(sinks)), _threads() * 4) if len(part)]
        with ThreadPoolExecutor(_threads()) as pool:
            for done in [pool.submit(search, arcs, sources, sinks, part, proven, lower, upper) for part in shares]:
                done.result()
    return Flows(lower, upper, ~proven)


def one_flow(capacities: np.ndarray, source: int, sink: int) -> tuple[np.ndarray, np.ndarray]:
    """A maximum flow (L, N, N) of one pair, and a minimum cut of the same shape: True on the arcs that limit it."""
    capacities = np.where(capacities > EPSILON, capacities, 0.0)
    flow, cut = follow(sorted_arcs(capacities), source, sink)
    return flow, cut


def upper_bounds(capacities: np.ndarray, sources: np.ndarray, sinks: np.ndarray) -> np.ndarray:
    """Fact 1, (P, V): the least over all levels."""
    below = [_endless(capacities.shape[1], sinks).T.copy()]
    for level in capacities:
        below.append(np.minimum(_min_plus(level, below[-1]), level.sum(1)[:, None]))
    above = _endless(capacities.shape[1], sources)
    bound = below[-1][sources]
    for layer in range(len(capacities) - 1, 0, -1):
        above = np.minimum(_min_plus(above, capacities[layer]), capacities[layer - 1].sum(1))
        bound = np.minimum(bound, _min_plus(above, below[layer]))
    return bound


def _endless(size: int, nodes: np.ndarray) -> np.ndarray:
    """(nodes, N): no limit at the node itself, nothing elsewhere."""
    rows = np.zeros((len(nodes), size))
    rows[np.arange(len(nodes)), nodes] = np.inf
    return rows


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@numba.njit(nogil=True, cache=True)
def _min_plus(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """out[a, c] = sum_b min(x[a, b], y[b, c])"""
    out = np.zeros((x.shape[0], y.shape[1]))
    for a in range(x.shape[0]):
        for b in range(x.shape[1]):
            most = x[a, b]
            if most > 0:
                for c in range(y.shape[1]):
                    out[a, c] += min(most, y[b, c])
    return out
