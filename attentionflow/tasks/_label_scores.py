"""How good labels are: accuracy, F1, how far the probabilities can be trusted, and for ordered labels how far off.

Letters: N texts, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from attentionflow.task import Score

BINS = 15
Z = 1.959964  # of the normal distribution, 95 % two-sided


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, z2 = right / count, Z**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z / (1 + z2 / count) * sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return middle - half, middle + half


def one_label_scores(
    given: np.ndarray, truth: np.ndarray, sure: np.ndarray, names: Sequence[str], cheap: bool
) -> dict[str, Score]:
    """given, truth (N,): numbers of labels; -1 in truth for one that is not known to the model, and always wrong.

    sure (N,): the probability of the label given.
    """
    right = given == truth
    parts = {} if cheap else {name: f1(given == i, truth == i) for i, name in enumerate(names) if (truth == i).any()}
    return {
        "accuracy": Score(
            float(right.mean()),
            interval=None if cheap else wilson(int(right.sum()), len(right)),
        ),
        "macro_f1": Score(
            macro_f1(given, truth, len(names)), signature="mean over the labels that are given or true", parts=parts
        ),
        "calibration_error": Score(calibration_error(sure, right), signature=f"bins:{BINS}|as wide|top label"),
    }


def several_label_scores(given: np.ndarray, truth: np.ndarray, names: Sequence[str], cheap: bool) -> dict[str, Score]:
    """given, truth (N, C) bool."""
    same = (given == truth).all(1)
    used = (given | truth).any(0)
    each = {name: f1(given[:, i], truth[:, i]) for i, name in enumerate(names) if used[i]}
    return {
        "micro_f1": Score(f1(given, truth), signature="over all decisions"),
        "macro_f1": Score(
            float(np.mean(list(each.values()))) if each else 0.0,
            signature="mean over the labels that are given or true",
            parts={} if cheap else each,
        ),
        "accuracy": Score(
            float(same.mean()),
            interval=None if cheap else wilson(int(same.sum()), len(same)),
            signature="all labels of a text",
        ),
    }


def ordered_label_scores(given: np.ndarray, truth: np.ndarray, count: int) -> dict[str, Score]:
    """Steps between the label given and the true one, and quadratic kappa (Cohen 1968): 1 - Σ w o / Σ w e with the
    squares w of those steps, o how often a pair was seen and e how often it would be by chance."""
    known = (truth >= 0) & (given >= 0)
    given, truth = given[known], truth[known]
    if not len(truth):
        return {"mean_absolute_error": Score(float("nan"), unit=" labels"), "quadratic_kappa": Score(float("nan"))}
    seen = confusion(given, truth, count)
    place = np.arange(count)
    weights = (place[:, None] - place) ** 2
    chance = np.outer(seen.sum(1), seen.sum(0)) / len(truth)
    expected = float((weights * chance).sum())
    kappa = 1 - float((weights * seen).sum()) / expected if expected else 0.0
    return {
        "mean_absolute_error": Score(float(np.abs(given - truth).mean()), unit=" labels"),
        "quadratic_kappa": Score(kappa),
    }


def confusion(given: np.ndarray, truth: np.ndarray, count: int) -> np.ndarray:
    """(C, C): how often a true label, the row, was given as another, the column."""
    return np.bincount(truth * count + given, minlength=count * count).reshape(count, count)


def f1(given: np.ndarray, truth: np.ndarray) -> float:
    """2 TP / (2 TP + FP + FN) of bools of one shape; 0 where there is none."""
    both, all_of_them = int((given & truth).sum()), int(given.sum() + truth.sum())
    return 2 * both / all_of_them if all_of_them else 0.0


def macro_f1(given: np.ndarray, truth: np.ndarray, count: int) -> float:
    labels = [i for i in range(count) if (given == i).any() or (truth == i).any()]
    return float(np.mean([f1(given == i, truth == i) for i in labels])) if labels else 0.0


def calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """Σ over bins of (share of texts) |mean probability - share that is right| (Naeini et al. 2015)."""
    place = np.clip((sure * BINS).astype(int), 0, BINS - 1)
    gap = np.bincount(place, sure, BINS) - np.bincount(place, right, BINS)
    return float(np.abs(gap).sum() / len(sure))
