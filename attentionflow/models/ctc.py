"""Decoding of connectionist temporal classification: prefix beam search (Graves 2012; Hannun et al. 2014).

Letters: S positions, V units, N nodes of the tree of prefixes, A states of a grammar.
"""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np

from attentionflow.models.grammar import Grammar, any_text

BLANK = 0


def least_positions(units: list[int] | tuple[int, ...]) -> int:
    """Positions that writing these units needs: one each, and a blank between two that are the same."""
    return len(units) + sum(a == b for a, b in pairwise(units))


def prefix_beams(
    logs: np.ndarray, beams: int, candidates: int, grammar: Grammar | None = None
) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest texts over all their alignments, best first: units and log-probability.

    logs (S, V): log-probabilities of each unit at each position, the blank at 0. At every position only the
    `candidates` likeliest units may continue a text, and the `beams` likeliest texts go on. grammar: of the texts that
    may be written; where all that is left at the end is broken off, it is cut back to what may be.
    """
    logs = np.ascontiguousarray(logs, dtype=np.float64)
    grammar = grammar or any_text(logs.shape[1])
    nodes, scores, parents, units, states = _search(
        logs, beams, min(candidates, logs.shape[1]), grammar.follow, grammar.whole
    )
    found = []
    for node, score in zip(nodes.tolist(), scores.tolist(), strict=True):
        if score == -np.inf:  # too few positions for this text
            continue
        while not grammar.whole[states[node]]:
            node = int(parents[node])
        text = []
        while node:
            text.append(int(units[node]))
            node = int(parents[node])
        found.append((tuple(reversed(text)), score))
    return found


@numba.njit(nogil=True, cache=True)
def _add(a: float, b: float) -> float:
    """log(e^a + e^b)"""
    if a == -np.inf:
        return b
    if b == -np.inf:
        return a
    return max(a, b) + np.log1p(np.exp(-abs(a - b)))


@numba.njit(nogil=True, cache=True)
def _search(
    logs: np.ndarray, beams: int, candidates: int, follow: np.ndarray, whole: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Nodes of the last beam, best first, with their scores, and the tree: parent, unit and state of each; node 0 is
    the empty text. follow (A, V), whole (A,): of the grammar."""
    steps = len(logs)
    room = 1 + steps * beams * candidates
    parents, units, states = np.zeros(room, np.int32), np.zeros(room, np.int32), np.zeros(room, np.int32)
    child, sibling = np.zeros(room, np.int32), np.zeros(room, np.int32)  # the first child of a node, and its next one
    # Log-probabilities of the alignments of a node's text that end in a blank, and in its last unit; of this position
    # and of the one before.
    blank, last = np.full(room, -np.inf), np.full(room, -np.inf)
    blank_before, last_before = np.full(room, -np.inf), np.full(room, -np.inf)
    blank[0] = 0.0
    count = 1
    beam, scores = np.zeros(1, np.int32), np.zeros(1)
    for step in range(steps):
        order = np.argsort(-logs[step])[:candidates]
        for node in beam:
            blank_before[node], last_before[node] = blank[node], last[node]
            blank[node], last[node] = -np.inf, -np.inf
        touched = np.empty(len(beam) * (candidates + 1), np.int32)
        size = 0
        for node in beam:
            touched[size] = node
            size += 1
            both = _add(blank_before[node], last_before[node])
            blank[node] = _add(blank[node], both + logs[step, BLANK])
            if node:  # the last unit goes on
                last[node] = _add(last[node], last_before[node] + logs[step, units[node]])
            for unit in order:
                if unit == BLANK or follow[states[node], unit] < 0:
                    continue
                next_node = child[node]
                while next_node and units[next_node] != unit:
                    next_node = sibling[next_node]
                if not next_node:
                    next_node = count
                    count += 1
                    parents[next_node], units[next_node] = node, unit
                    states[next_node] = follow[states[node], unit]
                    sibling[next_node], child[node] = child[node], next_node
                # After the same unit, only a blank between makes it a new one.
                before = blank_before[node] if node and unit == units[node] else both
                last[next_node] = _add(last[next_node], before + logs[step, unit])
                touched[size] = next_node
                size += 1
        reached = np.unique(touched[:size])
        ranked = np.empty(len(reached))
        for i, node in enumerate(reached):
            ranked[i] = _add(blank[node], last[node])
        allowed = whole[states[reached]]
        if step == steps - 1 and allowed.any():
            ranked[~allowed] = -np.inf
        best = np.argsort(-ranked)
        for i in best[beams:]:
            blank[reached[i]], last[reached[i]] = -np.inf, -np.inf
        beam, scores = reached[best[:beams]], ranked[best[:beams]]
    return beam, scores, parents[:count], units[:count], states[:count]
