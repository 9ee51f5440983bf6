"""Attention of single queries to cells of a pool, as decoding asks for it, in one compiled pass over the cells.

Letters: N queries, H heads, G groups of heads that share keys, D features of a head, P cells, T cells of a query.
"""

from __future__ import annotations

import numba
import numpy as np

# Sums in any order, fused products; but infinities and NaN stay what they are.
MATHS = {"contract", "reassoc", "arcp", "nsz"}


@numba.njit(nogil=True, cache=True, fastmath=MATHS)
def attend_to_cells(
    q: np.ndarray, keys: np.ndarray, values: np.ndarray, cells: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """softmax(q k · scale) v over the cells of each query: values (N, H, D) and weights (N, H, T), all float32.

    q (N, H, D); keys, values (P, G, D), each contiguous; cells (N, T), -1 for none. A query without cells gets zeros.
    """
    count, heads, width = q.shape
    shared, most = heads // keys.shape[1], cells.shape[1]
    found = np.zeros((count, heads, width), np.float32)
    weights = np.zeros((count, heads, most), np.float32)
    scores = np.empty(most, np.float32)
    for n in range(count):
        for h in range(heads):
            g, top = h // shared, np.float32(-np.inf)
            for t in range(most):
                cell = cells[n, t]
                if cell >= 0:
                    score = np.float32(0)
                    for d in range(width):
                        score += q[n, h, d] * keys[cell, g, d]
                    scores[t] = score * np.float32(scale)
                    top = max(top, scores[t])
            total = np.float32(0)
            for t in range(most):
                if cells[n, t] >= 0:
                    weights[n, h, t] = np.exp(scores[t] - top)
                    total += weights[n, h, t]
            for t in range(most):
                cell = cells[n, t]
                if cell >= 0:
                    weight = weights[n, h, t] / total
                    weights[n, h, t] = weight
                    for d in range(width):
                        found[n, h, d] += weight * values[cell, g, d]
    return found, weights
