"""Synthetic attention graphs: the families that max-flow is timed on and whose saturation is told.

Every layer is the mean of 12 heads with a residual of one half, as in Abnar and Zuidema 2020.
"""

from __future__ import annotations

import numpy as np

HEADS = 12
FAMILIES = ("diffuse", "peaked", "sink-heavy", "causal", "local")


def one_layer(family: str, n: int, random: np.random.Generator) -> np.ndarray:
    """(n, n), rows summing to one."""
    scores, near = random.normal(size=(HEADS, n, n)), np.abs(np.arange(n)[:, None] - np.arange(n))
    if family == "peaked":
        scores *= 4
    elif family == "sink-heavy":  # two columns draw most of the weight, as [CLS] and [SEP] do
        scores[:, :, [0, -1]] += 5
    elif family == "causal":
        scores = np.where(np.tri(n, dtype=bool), 2 * scores, -np.inf)
    elif family == "local":
        scores = np.where(near <= 2, scores, -np.inf)
    elif family == "one sharp head":
        scores = scores[:1] * 6
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return (shares / shares.sum(-1, keepdims=True)).mean(0)


def capacities(family: str, n: int, layers: int, seed: int = 0) -> np.ndarray:
    """(L, n, n), lowest first."""
    random = np.random.default_rng(seed)
    return np.stack([0.5 * np.eye(n) + 0.5 * one_layer(family, n, random) for _ in range(layers)])
