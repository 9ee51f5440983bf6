"""Exact maximum flow between many pairs of a layered graph, with proven bounds.

Three facts make it fast. Let F(u, v) be the flow from node u of the highest level to node v of the lowest.

1. Upper bounds for all pairs at once. T_l(k, v) = min(out(k), sum_i min(A_l[k, i], T_(l-1)(i, v))) bounds what node k
   of level l can send to v, R_l(u, k) what u can send down to it, and for every level
   F(u, v) <= sum_k min(R_l(u, k), T_l(k, v)).
2. Flows as large as the bound that are written down without a search, see `certificate`.
3. Elsewhere, Dinic's algorithm (1970) on arcs sorted by capacity, which stops as soon as the bound is reached, most
   often within its first phase; or else at a minimum cut, whose capacity is the proven upper bound.

Letters: L layers of arcs, N nodes of a level, P sources, V sinks.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from attentionflow.flows.certificate import certified

EPSILON = 1e-13  # a capacity below this, whole or left over, carries nothing
SLACK = 1e-11  # bounds this near to each other have met


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
        order, counts = _sorted_arcs(capacities)
        shares = [part for part in np.array_split(np.arange(len(sinks)), _threads() * 4) if len(part)]
        with ThreadPoolExecutor(_threads()) as pool:
            for done in [
                pool.submit(_search, capacities, order, counts, sources, sinks, part, proven, lower, upper)
                for part in shares
            ]:
                done.result()
    return Flows(lower, upper, ~proven)


def one_flow(capacities: np.ndarray, source: int, sink: int) -> tuple[np.ndarray, np.ndarray]:
    """A maximum flow (L, N, N) of one pair, and a minimum cut of the same shape: True on the arcs that limit it."""
    capacities = np.ascontiguousarray(capacities, np.float64)
    order, counts = _sorted_arcs(capacities)
    flow, reached = _follow(capacities, order, counts, source, sink)
    cut = reached[1:, :, None] & ~reached[:-1, None, :] & (capacities > EPSILON)
    cut[0, :, np.arange(len(capacities[0])) != sink] = False  # the other inputs lead nowhere
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


def _sorted_arcs(capacities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every node the nodes below it, widest arc first, and how many arcs are above zero."""
    order = np.argsort(-capacities, axis=2, kind="stable").astype(np.int32)
    return order, (capacities > EPSILON).sum(2).astype(np.int32)


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


@numba.njit(nogil=True, cache=True)
def _search(
    capacities: np.ndarray,
    order: np.ndarray,
    counts: np.ndarray,
    sources: np.ndarray,
    sinks: np.ndarray,
    chosen: np.ndarray,
    proven: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> None:
    """Fact 3 for the chosen columns: writes lower, and upper where a cut proves less than the bound."""
    layers, size = capacities.shape[:2]
    flow = np.zeros(capacities.shape)
    distance = np.empty((layers + 1, size), np.int32)
    pointer = np.empty((layers + 1, size), np.int32)
    reaches = np.empty((layers + 1, size), np.bool_)
    queue = np.empty(((layers + 1) * size, 2), np.int32)
    path = np.empty((2 * (layers + 1) * size, 2), np.int32)
    touched = np.zeros(flow.size + 1, np.int64)  # how many arcs have carried flow, and which: all that must be reset
    every = flow.reshape(-1)
    for column in chosen:
        sink = sinks[column]
        _mark_reaching(capacities, order, counts, sink, reaches)
        for row in range(len(sources)):
            if proven[row, column]:
                continue
            source, bound = sources[row], upper[row, column]
            for level in range(layers + 1):
                for k in range(size):
                    pointer[level, k] = 0
                    distance[level, k] = layers - level if reaches[level, k] else -1
            total = _block(
                capacities, order, counts, flow, distance, pointer, path, touched, source, sink, bound, False
            )
            while bound - total > SLACK:
                pointer[:] = 0
                if not _measure(capacities, order, counts, flow, distance, queue, source, sink):
                    upper[row, column] = min(bound, _cut(capacities, order, counts, distance, sink))
                    break
                total += _block(
                    capacities, order, counts, flow, distance, pointer, path, touched, source, sink, bound - total, True
                )
            lower[row, column] = min(total, upper[row, column])
            for a in range(1, touched[0] + 1):
                every[touched[a]] = 0.0
            touched[0] = 0


@numba.njit(nogil=True, cache=True)
def _follow(
    capacities: np.ndarray, order: np.ndarray, counts: np.ndarray, source: int, sink: int
) -> tuple[np.ndarray, np.ndarray]:
    """A maximum flow, and (L + 1, N) the nodes that the source still reaches in the end."""
    layers, size = capacities.shape[:2]
    flow = np.zeros(capacities.shape)
    distance = np.empty((layers + 1, size), np.int32)
    pointer = np.empty((layers + 1, size), np.int32)
    queue = np.empty(((layers + 1) * size, 2), np.int32)
    path = np.empty((2 * (layers + 1) * size, 2), np.int32)
    touched = np.zeros(flow.size + 1, np.int64)
    while _measure(capacities, order, counts, flow, distance, queue, source, sink):
        pointer[:] = 0
        _block(capacities, order, counts, flow, distance, pointer, path, touched, source, sink, np.inf, True)
    return flow, distance >= 0


@numba.njit(nogil=True, cache=True)
def _mark_reaching(
    capacities: np.ndarray, order: np.ndarray, counts: np.ndarray, sink: int, reaches: np.ndarray
) -> None:
    """Which nodes have any path down to the sink."""
    reaches[0] = False
    reaches[0, sink] = True
    for level in range(1, reaches.shape[0]):
        for k in range(reaches.shape[1]):
            reaches[level, k] = False
            for a in range(counts[level - 1, k]):
                if reaches[level - 1, order[level - 1, k, a]]:
                    reaches[level, k] = True
                    break


@numba.njit(nogil=True, cache=True)
def _block(
    capacities: np.ndarray,
    order: np.ndarray,
    counts: np.ndarray,
    flow: np.ndarray,
    distance: np.ndarray,
    pointer: np.ndarray,
    path: np.ndarray,
    touched: np.ndarray,
    source: int,
    sink: int,
    most: float,
    upwards: bool,
) -> float:
    """A blocking flow of at most so much along arcs that lead one step farther from the source.

    upwards: whether flow may also be taken back, over an arc from a lower to a higher level.
    """
    layers, size = capacities.shape[:2]
    total, steps = 0.0, 0
    path[0, 0], path[0, 1] = layers, source
    while True:
        level, k = path[steps, 0], path[steps, 1]
        if level == 0 and k == sink:
            push = most - total
            for s in range(steps):
                push = min(push, _left(capacities, flow, path, s))
            first = steps
            for s in range(steps):
                upper, lower = path[s, 0], path[s + 1, 0]
                if upper > lower:
                    if flow[lower, path[s, 1], path[s + 1, 1]] == 0 and touched[0] < flow.size:
                        touched[0] += 1
                        touched[touched[0]] = (lower * size + path[s, 1]) * size + path[s + 1, 1]
                    flow[lower, path[s, 1], path[s + 1, 1]] += push
                else:
                    flow[upper, path[s + 1, 1], path[s, 1]] -= push
                if first == steps and _left(capacities, flow, path, s) <= EPSILON:
                    first = s
            total += push
            if most - total <= SLACK:
                return total
            steps = first
            continue
        downs = 0 if level == 0 else 1 if level == 1 else counts[level - 1, k]
        arcs = downs + (size if upwards and level < layers else 0)
        wanted, found = distance[level, k] + 1, False
        while pointer[level, k] < arcs:
            a = pointer[level, k]
            if a < downs:
                i = sink if level == 1 else order[level - 1, k, a]
                if distance[level - 1, i] == wanted and capacities[level - 1, k, i] - flow[level - 1, k, i] > EPSILON:
                    found, steps = True, steps + 1
                    path[steps, 0], path[steps, 1] = level - 1, i
                    break
            else:
                j = a - downs
                if distance[level + 1, j] == wanted and flow[level, j, k] > EPSILON:
                    found, steps = True, steps + 1
                    path[steps, 0], path[steps, 1] = level + 1, j
                    break
            pointer[level, k] += 1
        if not found:
            if steps == 0:
                return total
            distance[level, k] = -1
            steps -= 1
            pointer[path[steps, 0], path[steps, 1]] += 1


@numba.njit(nogil=True, cache=True)
def _left(capacities: np.ndarray, flow: np.ndarray, path: np.ndarray, s: int) -> float:
    """Residual capacity of step s of a path."""
    upper, lower = path[s, 0], path[s + 1, 0]
    if upper > lower:
        return capacities[lower, path[s, 1], path[s + 1, 1]] - flow[lower, path[s, 1], path[s + 1, 1]]
    return flow[upper, path[s + 1, 1], path[s, 1]]


@numba.njit(nogil=True, cache=True)
def _measure(
    capacities: np.ndarray,
    order: np.ndarray,
    counts: np.ndarray,
    flow: np.ndarray,
    distance: np.ndarray,
    queue: np.ndarray,
    source: int,
    sink: int,
) -> bool:
    """Steps from the source over residual arcs, -1 where there is no way; whether the sink can be reached."""
    layers, size = capacities.shape[:2]
    distance[:] = -1
    distance[layers, source] = 0
    queue[0, 0], queue[0, 1] = layers, source
    head, tail = 0, 1
    while head < tail:
        level, k = queue[head, 0], queue[head, 1]
        head += 1
        next_one = distance[level, k] + 1
        if level >= 1:
            for a in range(1 if level == 1 else counts[level - 1, k]):
                i = sink if level == 1 else order[level - 1, k, a]
                if distance[level - 1, i] < 0 and capacities[level - 1, k, i] - flow[level - 1, k, i] > EPSILON:
                    distance[level - 1, i] = next_one
                    if level == 1:
                        return True
                    queue[tail, 0], queue[tail, 1] = level - 1, i
                    tail += 1
        if 0 < level < layers:
            for j in range(size):
                if distance[level + 1, j] < 0 and flow[level, j, k] > EPSILON:
                    distance[level + 1, j] = next_one
                    queue[tail, 0], queue[tail, 1] = level + 1, j
                    tail += 1
    return False


@numba.njit(nogil=True, cache=True)
def _cut(capacities: np.ndarray, order: np.ndarray, counts: np.ndarray, distance: np.ndarray, sink: int) -> float:
    """Capacity of the arcs that leave what the source still reaches."""
    total = 0.0
    for level in range(1, distance.shape[0]):
        for k in range(distance.shape[1]):
            if distance[level, k] >= 0:
                for a in range(1 if level == 1 else counts[level - 1, k]):
                    i = sink if level == 1 else order[level - 1, k, a]
                    if distance[level - 1, i] < 0:
                        total += capacities[level - 1, k, i]
    return total
