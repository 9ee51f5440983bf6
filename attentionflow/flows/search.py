"""Dinic's algorithm (1970) in a layered graph, pair by pair, for what the bounds leave open.

All flow to one sink shares its arcs: those that lead nowhere else are taken out once, and the rest are sorted, widest
first. A pair is done as soon as its flow reaches the upper bound, most often within the first phase, in which flow only
runs down; else when the sink is out of reach, which shows a minimum cut.

Letters: L layers of arcs, N nodes of a level.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

EPSILON = 1e-13  # a capacity below this, whole or left over, carries nothing
SLACK = 1e-11  # bounds this near to each other have met


class Arcs(NamedTuple):
    """capacities (L, N, N); order (L, N, N), counts (L, N): the nodes below each node, widest arc first."""

    capacities: np.ndarray
    order: np.ndarray
    counts: np.ndarray


class Work(NamedTuple):
    """What a search writes. flow (L, N, N); distance and pointer (L + 1, N); path and queue hold (level, node).

    entering (L, N, N), entered (L, N): the nodes above from which flow came, and how many; touched: the first number
    tells how many arcs have ever carried flow, the others which, so that no more than these need be reset.
    """

    flow: np.ndarray
    carries: np.ndarray
    entering: np.ndarray
    entered: np.ndarray
    touched: np.ndarray
    distance: np.ndarray
    pointer: np.ndarray
    path: np.ndarray
    queue: np.ndarray


def sorted_arcs(capacities: np.ndarray) -> Arcs:
    order = np.argsort(-capacities, axis=2, kind="stable").astype(np.int32)
    return Arcs(capacities, order, (capacities > EPSILON).sum(2).astype(np.int32))


@numba.njit(nogil=True, cache=True)
def search(
    arcs: Arcs,
    sources: np.ndarray,
    sinks: np.ndarray,
    chosen: np.ndarray,
    proven: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> None:
    """Open pairs in the chosen columns: writes lower, and upper where a cut proves less than the bound."""
    layers, size = arcs.capacities.shape[:2]
    work = _workspace(layers, size)
    for column in chosen:
        leading, reaches = _leading_to(arcs, sinks[column])
        for row in range(len(sources)):
            if proven[row, column]:
                continue
            source, bound = sources[row], upper[row, column]
            for level in range(layers + 1):
                for k in range(size):
                    work.pointer[level, k] = 0
                    work.distance[level, k] = layers - level if reaches[level, k] else -1
            total = _push(leading, work, source, bound, False)
            while bound - total > SLACK:
                if not _measure(leading, work, source):
                    upper[row, column] = min(bound, _cut(leading, work))
                    break
                total += _push(leading, work, source, bound - total, True)
            lower[row, column] = min(total, upper[row, column])
            _reset(work)


@numba.njit(nogil=True, cache=True)
def follow(arcs: Arcs, source: int, sink: int) -> tuple[np.ndarray, np.ndarray]:
    """A maximum flow of one pair (L, N, N), and which arcs a minimum cut goes through, of the same shape."""
    layers, size = arcs.capacities.shape[:2]
    work = _workspace(layers, size)
    leading, _ = _leading_to(arcs, sink)
    while _measure(leading, work, source):
        _push(leading, work, source, np.inf, True)
    cut = np.zeros(arcs.capacities.shape, np.bool_)
    for layer in range(layers):
        for k in range(size):
            if work.distance[layer + 1, k] >= 0:
                for a in range(leading.counts[layer, k]):
                    i = leading.order[layer, k, a]
                    cut[layer, k, i] = work.distance[layer, i] < 0
    return work.flow, cut


@numba.njit(nogil=True, cache=True)
def _workspace(layers: int, size: int) -> Work:
    shape, levels = (layers, size, size), (layers + 1, size)
    nodes = (layers + 1) * size
    return Work(
        np.zeros(shape),
        np.zeros(shape, np.bool_),
        np.empty(shape, np.int32),
        np.zeros((layers, size), np.int32),
        np.zeros(layers * size * size + 1, np.int64),
        np.empty(levels, np.int32),
        np.empty(levels, np.int32),
        np.empty((nodes + 1, 2), np.int32),
        np.empty((nodes, 2), np.int32),
    )


@numba.njit(nogil=True, cache=True)
def _reset(work: Work) -> None:
    size = work.flow.shape[1]
    for a in range(1, work.touched[0] + 1):
        rest, i = divmod(work.touched[a], size)
        layer, k = divmod(rest, size)
        work.flow[layer, k, i] = 0.0
        work.carries[layer, k, i] = False
        work.entered[layer, i] = 0
    work.touched[0] = 0


@numba.njit(nogil=True, cache=True)
def _leading_to(arcs: Arcs, sink: int) -> tuple[Arcs, np.ndarray]:
    """The arcs over which the sink can be reached, and (L + 1, N) the nodes from which it can."""
    layers, size = arcs.capacities.shape[:2]
    order, counts = np.empty(arcs.order.shape, np.int32), np.zeros(arcs.counts.shape, np.int32)
    reaches = np.zeros((layers + 1, size), np.bool_)
    reaches[0, sink] = True
    for layer in range(layers):
        for k in range(size):
            count = 0
            for a in range(arcs.counts[layer, k]):
                i = arcs.order[layer, k, a]
                if reaches[layer, i]:
                    order[layer, k, count] = i
                    count += 1
            counts[layer, k] = count
            reaches[layer + 1, k] = count > 0
    return Arcs(arcs.capacities, order, counts), reaches


@numba.njit(nogil=True, cache=True)
def _push(arcs: Arcs, work: Work, source: int, most: float, upwards: bool) -> float:
    """A blocking flow of at most so much along arcs that lead one step farther from the source; how much it is.

    upwards: whether flow may also be taken back, over an arc from a lower to a higher level.
    """
    capacities, order, counts = arcs
    flow, distance, pointer, path = work.flow, work.distance, work.pointer, work.path
    layers = capacities.shape[0]
    total, steps = 0.0, 0
    path[0, 0], path[0, 1] = layers, source
    while True:
        level, k = path[steps, 0], path[steps, 1]
        if level == 0:
            push = most - total
            for s in range(steps):
                push = min(push, _left(capacities, flow, path, s))
            first = steps
            for s in range(steps):
                _carry(work, s, push)
                if first == steps and _left(capacities, flow, path, s) <= EPSILON:
                    first = s
            total += push
            if most - total <= SLACK:
                return total
            steps = first  # the first full arc: what lies before it can carry more
            continue
        downs, wanted, found = counts[level - 1, k], distance[level, k] + 1, False
        every = downs + (work.entered[level, k] if upwards and level < layers else 0)
        while pointer[level, k] < every:
            a = pointer[level, k]
            if a < downs:
                i = order[level - 1, k, a]
                if distance[level - 1, i] == wanted and capacities[level - 1, k, i] - flow[level - 1, k, i] > EPSILON:
                    found, steps = True, steps + 1
                    path[steps, 0], path[steps, 1] = level - 1, i
                    break
            else:
                j = work.entering[level, k, a - downs]
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
def _carry(work: Work, s: int, push: float) -> None:
    """Let step s of the path carry so much more."""
    size = work.flow.shape[1]
    level, here, next_level, there = work.path[s, 0], work.path[s, 1], work.path[s + 1, 0], work.path[s + 1, 1]
    if level < next_level:
        work.flow[level, there, here] -= push
        return
    if not work.carries[next_level, here, there]:
        work.carries[next_level, here, there] = True
        work.entering[next_level, there, work.entered[next_level, there]] = here
        work.entered[next_level, there] += 1
        work.touched[0] += 1
        work.touched[work.touched[0]] = (next_level * size + here) * size + there
    work.flow[next_level, here, there] += push


@numba.njit(nogil=True, cache=True)
def _left(capacities: np.ndarray, flow: np.ndarray, path: np.ndarray, s: int) -> float:
    """What step s of a path can still carry."""
    level, here, next_level, there = path[s, 0], path[s, 1], path[s + 1, 0], path[s + 1, 1]
    if level > next_level:
        return capacities[next_level, here, there] - flow[next_level, here, there]
    return flow[level, there, here]


@numba.njit(nogil=True, cache=True)
def _measure(arcs: Arcs, work: Work, source: int) -> bool:
    """Steps from the source over arcs that can carry more, -1 where there is no way; whether the sink is reached."""
    capacities, order, counts = arcs
    flow, distance, queue = work.flow, work.distance, work.queue
    layers = capacities.shape[0]
    work.pointer[:] = 0
    distance[:] = -1
    distance[layers, source] = 0
    queue[0, 0], queue[0, 1] = layers, source
    head, tail = 0, 1
    while head < tail:
        level, k = queue[head, 0], queue[head, 1]
        head += 1
        farther = distance[level, k] + 1
        for a in range(counts[level - 1, k]):
            i = order[level - 1, k, a]
            if distance[level - 1, i] < 0 and capacities[level - 1, k, i] - flow[level - 1, k, i] > EPSILON:
                distance[level - 1, i] = farther
                if level == 1:
                    return True
                queue[tail, 0], queue[tail, 1] = level - 1, i
                tail += 1
        if level < layers:
            for a in range(work.entered[level, k]):
                j = work.entering[level, k, a]
                if distance[level + 1, j] < 0 and flow[level, j, k] > EPSILON:
                    distance[level + 1, j] = farther
                    queue[tail, 0], queue[tail, 1] = level + 1, j
                    tail += 1
    return False


@numba.njit(nogil=True, cache=True)
def _cut(arcs: Arcs, work: Work) -> float:
    """Capacity of the arcs that leave what the source still reaches."""
    total = 0.0
    for layer in range(arcs.capacities.shape[0]):
        for k in range(arcs.capacities.shape[1]):
            if work.distance[layer + 1, k] >= 0:
                for a in range(arcs.counts[layer, k]):
                    i = arcs.order[layer, k, a]
                    if work.distance[layer, i] < 0:
                        total += arcs.capacities[layer, k, i]
    return total
