"""How alike a map over a picture and people's fixations are: the measures of saliency benchmarks.

Fixations are (n, 2), x and y in pixels of the map, the first pixel's centre at (0, 0). Maps are (H, W), finite.
Formulas as in Bylinskii et al. 2019 ("What do different evaluation metrics tell us about saliency models?"), unless
said.

Letters: H height, W width, n fixations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attentionflow.human.statistics import pearson

EPSILON = 2.2e-16


def blurred(points: np.ndarray, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """(H, W): how many fixations lie where, spread by a Gaussian of `sigma` pixels; of sum n but for the borders.

    A Gaussian is a product of one for each side, so this is a product of two matrices.
    """
    sides = []
    for at, size in zip(_pixels(points, shape), shape, strict=True):
        distance = np.arange(size) - at[:, None]
        sides.append(np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi)))
    return sides[0].T @ sides[1]


def centre_prior(shape: tuple[int, int]) -> np.ndarray:
    """A Gaussian at the middle, a quarter of each side wide: where people look whatever is there."""
    y, x = (np.arange(size) - (size - 1) / 2 for size in shape)
    return np.exp(-0.5 * ((y / (shape[0] / 4))[:, None] ** 2 + (x / (shape[1] / 4))[None] ** 2))


def local_contrast(grey: np.ndarray, sigma: float) -> np.ndarray:
    """(H, W): the deviation of a grey picture around each pixel, under a Gaussian of `sigma` pixels.

    What stands out by itself, without any model (Reinagel and Zador 1999: people fixate where contrast is high).
    """
    from scipy.ndimage import gaussian_filter

    beside = grey - grey.mean()  # so that nothing is lost in the difference of squares
    mean, square = (gaussian_filter(one, sigma, mode="nearest") for one in (beside, beside**2))
    return np.sqrt((square - mean**2).clip(min=0))


def partial_correlation(saliency: np.ndarray, density: np.ndarray, controls: np.ndarray) -> float:
    """Correlation of what maps (V, H, W) leave unexplained of both by least squares; NaN where that is nothing."""
    known = np.concatenate([np.ones((1, density.size)), controls.reshape(len(controls), -1)]).T
    basis = np.linalg.qr(known / np.linalg.norm(known, axis=0).clip(min=1e-12))[0]
    rest = []
    for one in (saliency, density):
        values = one.ravel() - one.mean()
        left = values - basis @ (basis.T @ values)
        if left @ left <= 1e-9 * (values @ values):
            return float("nan")
        rest.append(left)
    return pearson(*rest)


def nss(saliency: np.ndarray, points: np.ndarray) -> float:
    """Normalised scanpath saliency: the map at the fixations, in standard deviations from its mean; chance 0."""
    spread = saliency.std()
    if spread == 0:
        return float("nan")
    return float((saliency[_pixels(points, saliency.shape)].mean() - saliency.mean()) / spread)


def auc_judd(saliency: np.ndarray, points: np.ndarray) -> float:
    """Area under the ROC curve of fixated pixels against all others (Judd et al. 2012); chance 0.5.

    By ranks, so that equal values count half, where the published code breaks ties by noise.
    """
    fixated = np.zeros(saliency.shape, bool)
    fixated[_pixels(points, saliency.shape)] = True
    return _area(saliency[fixated], saliency[~fixated])


def auc_shuffled(saliency: np.ndarray, points: np.ndarray, others: np.ndarray) -> float:
    """Area under the ROC curve of fixations against `others`, fixations of other pictures (Tatler et al. 2005).

    Chance 0.5, and about that for a map which only knows that people look at the middle.
    """
    return _area(saliency[_pixels(points, saliency.shape)], saliency[_pixels(others, saliency.shape)])


def cc(saliency: np.ndarray, density: np.ndarray) -> float:
    """Pearson's correlation of two maps; chance 0."""
    return pearson(saliency.ravel(), density.ravel())


def sim(saliency: np.ndarray, density: np.ndarray) -> float:
    """Similarity: the sum of the smaller of two maps, each of sum 1; 1 where they are equal."""
    return float(np.minimum(_whole(saliency), _whole(density)).sum())


def kl_map(saliency: np.ndarray, density: np.ndarray) -> float:
    """Kullback-Leibler divergence of people's density from the map, sum q log(ε + q / (p + ε)), in nats; 0 at best."""
    p, q = _whole(saliency), _whole(density)
    return float((q * np.log(EPSILON + q / (p + EPSILON))).sum())


def information_gain(saliency: np.ndarray, points: np.ndarray, prior: np.ndarray) -> float:
    """Mean over fixations of log2 p(map) - log2 p(prior), in bits a fixation (Kümmerer et al. 2015); chance below 0."""
    at = _pixels(points, saliency.shape)
    return float((np.log2(EPSILON + _whole(saliency)[at]) - np.log2(EPSILON + _whole(prior)[at])).mean())


def _pixels(points: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that hold points (n, 2)."""
    x, y = np.floor(points.T + 0.5).astype(int)
    return y.clip(0, shape[0] - 1), x.clip(0, shape[1] - 1)


def _whole(values: np.ndarray) -> np.ndarray:
    """A map from zero up, of sum 1; even where all is equal."""
    above = values - values.min()
    return above / above.sum() if above.sum() > 0 else np.full(values.shape, 1 / values.size)


def _area(positive: np.ndarray, negative: np.ndarray) -> float:
    """Chance that a positive is above a negative, equals counting half (Mann and Whitney 1947)."""
    if not len(positive) or not len(negative):
        return float("nan")
    order = np.sort(negative)
    below, not_above = order.searchsorted(positive), order.searchsorted(positive, side="right")
    return float((below.mean() + not_above.mean()) / 2 / len(negative))


@dataclass(frozen=True)
class Looked:
    """What people did with one picture. points (n, 2); density (H, W), their fixations spread; others (m, 2), fixations
    of other pictures; prior (H, W), where people look whatever is there."""

    points: np.ndarray
    density: np.ndarray
    others: np.ndarray
    prior: np.ndarray


@dataclass(frozen=True)
class MapMeasure:
    """of: takes a map and what people did. higher: whether more is more alike. of_density: whether people's density is
    all that it needs, no fixations."""

    of: Callable[[np.ndarray, Looked], float]
    formula: str
    range: tuple[float, float]
    higher: bool
    of_density: bool = False


_ANY = float("inf")
MAP_MEASURES = {
    "nss": MapMeasure(lambda m, at: nss(m, at.points), "map at fixations, in deviations", (-_ANY, _ANY), True),
    "auc": MapMeasure(lambda m, at: auc_judd(m, at.points), "ROC area against other pixels", (0, 1), True),
    "sauc": MapMeasure(
        lambda m, at: auc_shuffled(m, at.points, at.others), "ROC area against fixations elsewhere", (0, 1), True
    ),
    "cc": MapMeasure(lambda m, at: cc(m, at.density), "correlation with people's density", (-1, 1), True, True),
    "sim": MapMeasure(lambda m, at: sim(m, at.density), "sum of the smaller of both", (0, 1), True, True),
    "kl": MapMeasure(lambda m, at: kl_map(m, at.density), "sum q log(q/p) in nats, q people's", (0, _ANY), False, True),
    "gain": MapMeasure(
        lambda m, at: information_gain(m, at.points, at.prior), "bits a fixation over the prior", (-_ANY, _ANY), True
    ),
}
