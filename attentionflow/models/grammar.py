"""Which texts may be written, as an automaton over units.

Letters: A states, V units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

NEVER = -1


@dataclass(frozen=True)
class Grammar:
    """follow: (A, V) int32, the state after a unit, NEVER where it may not come; a text begins in state 0.
    whole: (A,) bool, where a text may end."""

    follow: np.ndarray
    whole: np.ndarray


def any_text(units: int) -> Grammar:
    """Every text of so many units."""
    return Grammar(np.zeros((1, units), np.int32), np.ones(1, bool))


def known_words(spelt: Iterable[Sequence[int]], between: int, units: int) -> Grammar:
    """Texts of these words, spelt in units, with the unit `between` from one to the next; or of none."""
    start, another = 0, 1  # another: behind `between`, where a word must come
    rows: list[dict[int, int]] = [{}, {}]
    whole = [True, False]
    for word in spelt:
        state = another
        for unit in word:
            if unit not in rows[state]:
                rows[state][unit] = len(rows)
                rows.append({})
                whole.append(False)
            state = rows[state][unit]
        if state != another:
            whole[state] = True
            rows[state][between] = another
    rows[start] = rows[another]
    follow = np.full((len(rows), units), NEVER, np.int32)
    for state, row in enumerate(rows):
        follow[state, list(row)] = list(row.values())
    return Grammar(follow, np.array(whole))
