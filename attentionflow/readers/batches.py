"""Batches as a pure function of seed and epoch: of like length within a token budget, or even in number."""

from __future__ import annotations

import numpy as np


def token_batches(lengths: np.ndarray, budget: int, seed: int, epoch: int | None) -> list[np.ndarray]:
    """Indices of each batch: every example once, rows × longest side at most `budget`; a longer example is alone.

    lengths: (N, sides) tokens of every side. With an epoch, examples of equal length mix anew and the batches are
    shuffled; without, the order is that of the lengths.
    """
    if len(lengths) == 0:
        return []
    noise = np.random.default_rng((seed, epoch or 0)).random((2, len(lengths)))
    if epoch is None:
        noise[:] = 0
    # Sorted by the first side, then by those after it: neighbours are alike on all sides, so little is padding. Most
    # batches have none on the first, which is the side that attention must be masked for.
    order = np.lexsort((noise[0], *lengths.T[::-1]))
    longest = lengths.max(1)[order]
    cuts, most = [0], 0
    for i, length in enumerate(longest.tolist()):
        most = max(most, length)
        if (i - cuts[-1] + 1) * most > budget and i > cuts[-1]:
            cuts.append(i)
            most = length
    batches = [order[a:b] for a, b in zip(cuts, [*cuts[1:], len(order)], strict=True)]
    if epoch is None:
        return batches
    return [batches[i] for i in np.argsort(noise[1][: len(batches)])]


def even_batches(count: int, size: int, least: int, seed: int, epoch: int | None) -> list[np.ndarray]:
    """Indices of each batch of about `size` of so many examples, as even as can be, for the normalisation of batches;
    without an epoch in order, and at least `least` large, where nothing is learned."""
    if count == 0:
        return []
    if epoch is None:
        return np.array_split(np.arange(count), -(-count // max(size, least)))
    return np.array_split(np.random.default_rng((seed, epoch)).permutation(count), -(-count // size))


def padding_share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """Share of all padded positions, over all sides, that hold no token."""
    filled = sum(int(lengths[batch].sum()) for batch in batches)
    held = sum(int((lengths[batch].max(0) * len(batch)).sum()) for batch in batches)
    return 1 - filled / held
