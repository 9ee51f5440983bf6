"""Layered graphs of every kind, and slow independent solvers."""

from __future__ import annotations

import networkx as nx
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_flow

FAMILIES = ("diffuse", "peaked", "sink-heavy", "local", "causal", "encoder-decoder", "one-hot", "zero columns")


def weights(family: str, n: int, random: np.random.Generator) -> np.ndarray:
    """One layer of attention (n, n), rows summing to one."""
    scores, near = random.normal(size=(n, n)), np.abs(np.arange(n)[:, None] - np.arange(n))
    if family == "peaked":
        scores *= 4
    if family == "sink-heavy":
        scores[:, [0, -1]] += 5
    if family == "local":
        scores = np.where(near <= 2, scores - near, -np.inf)
    if family == "causal":
        scores = np.where(np.tri(n, dtype=bool), 2 * scores, -np.inf)
    if family == "zero columns" and n > 1:
        scores[:, random.random(n) < 0.4] = -np.inf
        scores[:, 0] = 0.0
    if family == "one-hot":
        return np.eye(n)[random.integers(n, size=n)]
    shares = np.exp(scores - scores.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def layers(family: str, n: int, depth: int, seed: int = 0, residual: float = 0.5) -> np.ndarray:
    """Capacities (L, N, N), lowest first."""
    random = np.random.default_rng(seed)
    if family != "encoder-decoder":
        levels = [weights(family, n, random) for _ in range(depth)]
        return np.stack([residual * np.eye(n) + (1 - residual) * level for level in levels])
    # Source nodes first; the lower half of the levels reads the source, the upper half the target and the source.
    s = max(1, n // 2)
    levels = []
    for depth_at in range(depth):
        level = np.eye(n)
        if depth_at < depth // 2:
            level[:s, :s] = residual * np.eye(s) + (1 - residual) * weights("diffuse", s, random)
        elif n > s:
            t = n - s
            own, across = weights("causal", t, random), weights("diffuse", max(s, t), random)[:t, :s]
            level[s:] *= residual
            if depth_at % 2:
                level[s:, :s] += (1 - residual) * across / across.sum(1, keepdims=True)
            else:
                level[s:, s:] += (1 - residual) * own
        levels.append(level)
    return np.stack(levels)


def by_networkx(capacities: np.ndarray, source: int, sink: int) -> float:
    graph = nx.DiGraph()
    graph.add_nodes_from([(len(capacities), source), (0, sink)])
    for level, k, i in np.argwhere(capacities > 0):
        graph.add_edge((level + 1, k), (level, i), capacity=capacities[level, k, i])
    return float(nx.maximum_flow_value(graph, (len(capacities), source), (0, sink)))


def by_scipy(capacities: np.ndarray, source: int, sink: int, unit: float = 1e-7) -> float:
    """scipy takes whole numbers alone: capacities in units, so its error is at most the arcs of a cut times a unit."""
    depth, n = capacities.shape[:2]
    level, k, i = np.nonzero(capacities)
    whole = np.round(capacities[level, k, i] / unit).astype(np.int32)
    graph = coo_array((whole, ((level + 1) * n + k, level * n + i)), shape=((depth + 1) * n,) * 2).tocsr()
    return maximum_flow(graph, depth * n + source, sink).flow_value * unit
