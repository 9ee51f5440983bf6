"""Flows that are written down without a search: where one is as large as the upper bound, it is the maximum.

From u on top, a share can be sent down in proportion to the capacities; from v at the foot, it can be pulled up in
proportion to them. Both chains are known for all pairs after L matrix products. What is left is to join them.

Letters: L layers of arcs, N nodes of a level, P sources, V sinks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

HUGE = 1e300  # in place of infinity, which times zero is no number
TINY = 1e-280  # a divisor below it counts as zero, so that no quotient is beyond HUGE; what it divides is not certified
ROUNDING = 1 + 1e-12
ROUNDS = 4  # of scaling, when chains are joined over several layers
PROBE = 4  # sinks that are tried before all are


@dataclass(frozen=True)
class Chains:
    """above[l]: (P, N) shares of each source on the level above layer l; below[l]: (N, V) those of each sink below it.
    above_load[l]: (P,), below_load[l]: (V,) how far a chain that carries one unit overloads an arc on its way."""

    above: list[np.ndarray]
    below: list[np.ndarray]
    above_load: list[np.ndarray]
    below_load: list[np.ndarray]


def certified(
    capacities: np.ndarray, sources: np.ndarray, sinks: np.ndarray, bound: np.ndarray, proven: np.ndarray
) -> np.ndarray:
    """(P, V), True where a flow as large as the bound was found. proven: pairs that need no proof any more."""
    if proven.all():
        return proven
    chains = _chains(capacities, sources, sinks)
    proven = _joined_in_a_layer(capacities, chains, bound, proven)
    return proven if proven.all() or len(capacities) < 4 else _joined_over_layers(capacities, chains, bound, proven)


def _chains(capacities: np.ndarray, sources: np.ndarray, sinks: np.ndarray) -> Chains:
    layers, size = capacities.shape[:2]
    out, into = capacities.sum(2), capacities.sum(1)  # of level l + 1, into level l
    above, above_load = [np.eye(size)[sources]], [np.zeros(len(sources))]
    for layer in range(layers - 1, 0, -1):
        scaled, load = _per_unit(above[-1], out[layer])
        above_load.append(np.maximum(above_load[-1], load.max(1)))
        above.append(scaled @ capacities[layer])
    below, below_load = [np.eye(size)[:, sinks]], [np.zeros(len(sinks))]
    for layer in range(layers - 1):
        scaled, load = _per_unit(below[-1], into[layer][:, None])
        below_load.append(np.maximum(below_load[-1], load.max(0)))
        below.append(capacities[layer] @ scaled)
    return Chains(above[::-1], below, above_load[::-1], below_load)


def _joined_in_a_layer(capacities: np.ndarray, chains: Chains, bound: np.ndarray, proven: np.ndarray) -> np.ndarray:
    """Each node above a layer shares out what it has as the sink wants it: an arc (k, i) carries x above(k) below(i),
    whatever its capacity. Quick, and enough where attention is diffuse."""
    proven, layers, size = proven.copy(), *capacities.shape[:2]
    for layer in sorted(range(layers), key=lambda layer: abs(layer - layers // 2)):
        inverse = np.divide(1.0, capacities[layer], out=np.full((size, size), HUGE), where=capacities[layer] > TINY)
        load = _max_times(chains.above[layer], _max_times(inverse, chains.below[layer]))
        load = np.maximum(load, np.maximum(chains.above_load[layer][:, None], chains.below_load[layer]))
        more = (load * bound <= ROUNDING) & ~proven
        proven |= more
        if proven.all() or not more.any():  # nor will a layer farther from the middle
            break
    return proven


@np.errstate(over="ignore", invalid="ignore")  # what is not finite does not fit
def _joined_over_layers(capacities: np.ndarray, chains: Chains, bound: np.ndarray, proven: np.ndarray) -> np.ndarray:
    """The middle layers carry a(k) A(k, i) b(i), with a and b scaled in turn (Sinkhorn 1967) until the chains fit.

    The end with room to spare need not fit exactly: a chain can carry less than its share to any node.
    """
    layers = len(capacities)
    low, high = layers // 4, layers - 1 - layers // 4
    middle = capacities[low : high + 1]
    through = np.linalg.multi_dot(middle[::-1]) if len(middle) > 1 else middle[0]
    most_above, most_below = _inverse(chains.above_load[high]), _inverse(chains.below_load[low])
    proven = proven.copy()
    open_sinks = np.flatnonzero(~proven.all(0))
    open_sinks = np.roll(open_sinks, -len(open_sinks) // 2)  # those in the middle first: the ends are often special
    asked = found = 0
    for tried, sink in enumerate(open_sinks):
        if tried == PROBE and found < asked / 2:  # a search would be quicker
            break
        rows = np.flatnonzero(~proven[:, sink])
        x, above, below = bound[rows, sink], chains.above[high][rows], chains.below[low][:, sink]
        wanted, given = x[:, None] * below, x[:, None] * above
        a = given
        b = _ratio(wanted, a @ through)
        for _ in range(ROUNDS):
            a = _ratio(given, b @ through.T)
            b = _ratio(wanted, a @ through)
        if most_below[sink] > most_above.max():  # room below: let the upper end fit exactly
            a = _ratio(given, b @ through.T)
        sent, taken = a * (b @ through.T), b * (a @ through)
        fits = (sent <= most_above[rows, None] * above * ROUNDING).all(1)
        fits &= (taken <= most_below[sink] * below * ROUNDING).all(1)
        fits &= np.abs(sent.sum(1) - x) <= 1e-12
        down, up = a, [b]
        for level in middle[:-1]:
            up.append(up[-1] @ level.T)
        for level, met in zip(middle[::-1], up[::-1], strict=True):
            fits &= down.max(1) * met.max(1) <= 1
            down = down @ level
        proven[rows[fits], sink] = True
        asked, found = asked + len(rows), found + int(fits.sum())
    return proven


def _ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.divide(x, y, out=np.zeros_like(x), where=y > 0)


def _inverse(load: np.ndarray) -> np.ndarray:
    return np.divide(1.0, load, out=np.full(load.shape, HUGE), where=load > TINY)


def _per_unit(shares: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares divided by the capacity of all arcs that carry them on: scales of these arcs, which must not exceed 1."""
    sums = np.broadcast_to(sums, shares.shape)
    scaled = np.divide(shares, sums, out=np.where(shares > 0, HUGE, 0.0), where=sums > TINY)
    return np.where(scaled < HUGE, scaled, 0.0), scaled


@numba.njit(nogil=True, cache=True)
def _max_times(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """out[a, c] = max_b x[a, b] y[b, c] for numbers that are not negative."""
    out = np.zeros((x.shape[0], y.shape[1]))
    for a in range(x.shape[0]):
        for b in range(x.shape[1]):
            factor = x[a, b]
            if factor > 0:
                for c in range(y.shape[1]):
                    out[a, c] = max(out[a, c], factor * y[b, c])
    return out
