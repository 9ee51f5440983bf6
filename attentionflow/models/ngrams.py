"""N-gram model of running text: the strongest simple method, to compare with, and to begin with.

Letters: U units of a text, B texts, V vocabulary, n length of an n-gram, N the longest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

MOST_UNITS = 5_000_000  # of the training text that are counted, the last ones; more would take gigabytes
LEAST_DISCOUNT = 0.05  # so that what was never seen stays possible, however few the counts
FACTOR, SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)  # of the hash


@dataclass(frozen=True)
class Counts:
    """N-grams of one length. keys: sorted; counts: of each. contexts: what stands before the last unit, sorted; totals:
    counts with each context; classes: (contexts, 3), how many of them were counted once, twice, more often. discounts:
    (4,) of what was counted 0, 1, 2 times, or more often."""

    keys: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    classes: np.ndarray
    discounts: np.ndarray


class NgramModel:
    """Interpolated Kneser-Ney smoothing with three discounts a length (Chen and Goodman 1999, "modified").

    p_n(w | c) = (N(c w) - D(N(c w)) + left_n(c) p_{n-1}(w | c without its first unit)) / N(c), where N counts n-grams
    at the longest length, and below it how many different units stand before them; left_n(c) is the sum of the
    discounts after c. Below length 1 all units are alike. Runs of units are told apart by a 64-bit hash, so that each
    length is a few sorted arrays.
    """

    def __init__(self, lengths: list[Counts], vocabulary: int) -> None:
        self.lengths, self.vocabulary = lengths, vocabulary

    @classmethod
    def learn(cls, ids: np.ndarray, vocabulary: int, longest: int) -> NgramModel:
        """ids (U,) of a training text, of `vocabulary` different units."""
        runs = _runs(_with_start(ids[-MOST_UNITS:]), longest)
        ends = np.arange(2, len(runs[0]))  # of the n-grams that are counted
        lengths = []
        for n in range(longest, 0, -1):
            keys, first, counts = np.unique(runs[n][ends], return_index=True, return_counts=True)
            ends = ends[first]  # each once, so that the next shorter ones are counted by what stands before them
            lengths.append(_counts(keys, counts, runs[n - 1][ends - 1]))
        return cls(lengths[::-1], vocabulary)

    def save(self, path: Path) -> None:
        arrays = {
            f"{n}.{name}": array for n, one in enumerate(self.lengths, start=1) for name, array in vars(one).items()
        }
        save_file(arrays | {"vocabulary": np.array([self.vocabulary])}, path)

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        arrays, names = load_file(path), [field.name for field in fields(Counts)]
        longest = (len(arrays) - 1) // len(names)
        lengths = [Counts(*(arrays[f"{n}.{name}"] for name in names)) for n in range(1, longest + 1)]
        return cls(lengths, int(arrays["vocabulary"][0]))

    def nats(self, ids: np.ndarray) -> float:
        """Sum of -log p(unit | those before it) over a text (U,)."""
        return float(self.surprise(ids).sum())

    def surprise(self, ids: np.ndarray) -> np.ndarray:
        """-log p(unit | those before it) of each unit of a text, (U,)."""
        surprise: np.ndarray = -np.log(self.foreseen(_with_start(ids)[:-1], ids)[0])
        return surprise

    def learned(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`foreseen` over the very text (U,) that was learned from, each unit by the counts of all others: as if it had
        never been counted where it stands."""
        chances, reach = self.foreseen(_with_start(ids)[:-1], ids, counted=True)
        return chances.astype(np.float32), reach.astype(np.int32)

    def foreseen(self, tokens: np.ndarray, units: np.ndarray, counted: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """p of each of the units (..., U) after the tokens (..., U) up to its place, and how many of those are a known
        context, 0 to N - 1. counted: these very units were counted, and each is to be left out."""
        runs, shape = _runs(tokens, len(self.lengths) - 1), units.shape
        left_out = np.zeros(shape, bool)  # whether this n-gram was counted once more for this very unit
        left_out[..., -MOST_UNITS:] = counted
        shares = []
        for n in range(len(self.lengths), 0, -1):
            one, run = self.lengths[n - 1], runs[n - 1][..., 1:]
            known, at = _find(one.contexts, run)
            seen, place = _find(one.keys, _longer(run, units))
            counts = np.where(seen, one.counts[place], 0).astype(np.int64)
            totals, left = one.totals[at], one.classes[at] @ one.discounts[1:]
            if counted:
                left_out &= counts > 0
                fewer = counts - left_out
                left = left + np.where(known, _of(one, fewer) - _of(one, counts), 0)
                totals, known = totals - left_out, known & (totals > left_out)
                left_out, counts = left_out & (fewer == 0), fewer
            shares.append((known, counts - _of(one, counts), left, np.maximum(totals, 1)))
        found, reach = np.full(shape, 1 / self.vocabulary), np.zeros(shape, np.int64)
        for n, (known, own, left, totals) in enumerate(reversed(shares)):
            found = np.where(known, (own + left * found) / totals, found)
            reach = np.where(known, n, reach)
        return found, reach

    def after(self, ids: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p of each of these units after texts (B, U), (B, units), and how many of the last units are a known context,
        (B,). As `foreseen` has it of one unit."""
        ids = ids[:, max(0, ids.shape[1] - len(self.lengths) + 1) :]
        runs = [run[:, -1:] for run in _runs(ids, len(self.lengths) - 1)]
        found = np.full((len(ids), len(units)), 1 / self.vocabulary)
        reach = np.zeros(len(ids), np.int64)
        for n, (one, run) in enumerate(zip(self.lengths, runs, strict=True)):
            known, at = _find(one.contexts, run)  # (B, 1)
            if not known.any():
                break
            seen, place = _find(one.keys, _longer(run, units))
            counts = np.where(seen, one.counts[place], 0)
            left = one.classes[at] @ one.discounts[1:]
            found = np.where(known, (counts - _of(one, counts) + left * found) / np.maximum(one.totals[at], 1), found)
            reach = np.where(known[:, 0], n, reach)
        return found, reach


def _of(one: Counts, counts: np.ndarray) -> np.ndarray:
    """The discounts of these counts."""
    discounts: np.ndarray = one.discounts[np.minimum(counts, 3)]
    return discounts


def _runs(ids: np.ndarray, longest: int) -> list[np.ndarray]:
    """For n = 0 .. longest, (..., U + 1): the hash of the n units that end before each place. What would stand before
    the text is a unit of its own."""
    none = np.zeros((*ids.shape[:-1], 1), np.uint64)
    found = [np.zeros((*ids.shape[:-1], ids.shape[-1] + 1), np.uint64)]
    for _ in range(longest):
        found.append(np.concatenate([none, _longer(found[-1][..., :-1], ids)], -1))
    return found


def _with_start(ids: np.ndarray) -> np.ndarray:
    """Token 0, with which whatever is read begins, and the units of a text."""
    return np.concatenate([np.zeros(1, np.int64), ids.astype(np.int64)])


def _longer(runs: np.ndarray, ids: np.ndarray) -> np.ndarray:
    mixed = (runs ^ (np.asarray(ids, np.uint64) + np.uint64(1))) * FACTOR
    longer: np.ndarray = mixed ^ (mixed >> SHIFT)
    return longer


def _counts(keys: np.ndarray, counts: np.ndarray, before: np.ndarray) -> Counts:
    """before: the context of each key."""
    contexts, of = np.unique(before, return_inverse=True)
    ones, twos, threes, fours = (max(1, int((counts == k).sum())) for k in (1, 2, 3, 4))
    share = ones / (ones + 2 * twos)
    raw = [0.0, 1 - 2 * share * twos / ones, 2 - 3 * share * threes / twos, 3 - 4 * share * fours / threes]
    discounts = np.clip(raw, [0, *[LEAST_DISCOUNT] * 3], [0, 1, 2, 3])
    classes = np.stack([np.bincount(of, which) for which in (counts == 1, counts == 2, counts > 2)], 1)
    totals = np.bincount(of, counts)
    return Counts(keys, counts.astype(np.int32), contexts, totals.astype(np.int32), classes.astype(np.int32), discounts)


def _find(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each is among the sorted keys, and where."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return keys[at] == wanted, at
