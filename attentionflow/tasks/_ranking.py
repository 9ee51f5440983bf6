"""Where the right item stands in a ranking, and what that makes over all users.

Letters: B users, V catalogue, M drawn items.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from attentionflow.task import Score

CUT = 10  # places that count as found
DRAWN = 100  # items that a target is compared with in the metrics named sampled
RESAMPLES = 1000
BLOCK = 256  # users scored at a time


def exclude(scores: Tensor, seen: list[np.ndarray]) -> Tensor:
    """Scores (B, V) with those of each user's seen items at -inf."""
    rows = np.repeat(np.arange(len(seen)), [len(codes) for codes in seen])
    scores = scores.clone()
    scores[torch.from_numpy(rows), torch.from_numpy(np.concatenate(seen))] = -torch.inf
    return scores


def draw_unseen(seen: np.ndarray, catalogue: int, key: str, seed: int) -> np.ndarray:
    """DRAWN items that are not among `seen`, uniform and independent, a pure function of seed and key.

    seen: (n,) codes, in any order. Where everything was seen, -1 each time.
    """
    there = np.unique(seen)
    if len(there) >= catalogue:
        return np.full(DRAWN, -1)
    digest = blake2b(f"{seed}\n{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    draws = np.random.default_rng(int.from_bytes(digest, "little")).integers(0, catalogue - len(there), DRAWN)
    # The r-th unseen item is r plus the seen items before it.
    return draws + np.searchsorted(there - np.arange(len(there)), draws, side="right")


def ranks(scores: Tensor, answers: Tensor, among: Tensor | None = None) -> np.ndarray:
    """(B,) how many items stand before the answer, ties counted half; -1 where it is unknown, or out of the question.

    scores (B, V), -inf for what may not be recommended; answers (B,), -1 for unknown. among: (B, M) codes of the items
    that it is compared with, -1 for none; by default all.
    """
    right = scores.gather(1, answers.clamp_min(0)[:, None])
    others = scores if among is None else scores.gather(1, among.clamp_min(0)).masked_fill(among < 0, -torch.inf)
    ties = (others == right).sum(1) - int(among is None)
    found = (others > right).sum(1) + ties // 2
    lost = (answers < 0) | ~right[:, 0].isfinite()
    return found.masked_fill(lost, -1).cpu().numpy()


def ranking_scores(full: np.ndarray, sampled: np.ndarray, protocol: str, cheap: bool) -> dict[str, Score]:
    """Metrics of ranks (B,) in the whole catalogue and among drawn items; -1 is a miss.

    With one right item, HR@k = [rank < k], NDCG@k = [rank < k] / log2(rank + 2), MRR = 1 / (rank + 1), each averaged.
    """
    by_chance = f"1 right among {DRAWN} drawn uniformly from the unseen items"
    columns = {
        "ndcg10": (_ndcg(full), protocol),
        "hr10": (_hits(full), protocol),
        "mrr": (np.where(full >= 0, 1 / (np.maximum(full, 0) + 1), 0.0), protocol),
        f"hr10_of_{DRAWN}_sampled": (_hits(sampled), by_chance),
        f"ndcg10_of_{DRAWN}_sampled": (_ndcg(sampled), by_chance),
    }
    return {
        name: Score(float(values.mean()), interval=None if cheap else bootstrap(values), signature=signature)
        for name, (values, signature) in columns.items()
    }


def _hits(places: np.ndarray) -> np.ndarray:
    return ((places >= 0) & (places < CUT)).astype(float)


def _ndcg(places: np.ndarray) -> np.ndarray:
    return _hits(places) / np.log2(np.maximum(places, 0) + 2)


def bootstrap(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over users, by resampling them."""
    draw = np.random.default_rng(0)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def judged(
    method: Callable[[list[np.ndarray]], np.ndarray],
    seen: list[np.ndarray],
    targets: np.ndarray,
    drawn: np.ndarray | None,
    repeats: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks in the whole catalogue and among the drawn items by a method that scores histories of codes: (B, V)."""
    full, among = [], []
    for start in range(0, len(targets), BLOCK):
        part = slice(start, start + BLOCK)
        scores, right = torch.from_numpy(method(seen[part])), torch.from_numpy(targets[part])
        scores = scores if repeats else exclude(scores, seen[part])
        full.append(ranks(scores, right))
        among.append(full[-1] if drawn is None else ranks(scores, right, torch.from_numpy(drawn[part])))
    return np.concatenate(full), np.concatenate(among)
