"""Measures over pictures against written-out examples, scipy and scikit-style references, and by their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import mannwhitneyu, pearsonr

from attentionflow.human.maps import (
    MAP_MEASURES,
    Looked,
    auc_judd,
    auc_shuffled,
    blurred,
    cc,
    centre_prior,
    information_gain,
    kl_map,
    local_contrast,
    nss,
    partial_correlation,
    sim,
)

DRAW = np.random.default_rng(0)
MAP = DRAW.random((12, 16))
POINTS = np.array([[3.0, 2.0], [3.4, 1.6], [15.0, 11.0]])


def test_nss_is_the_mean_z_score_at_the_fixations() -> None:
    z = (MAP - MAP.mean()) / MAP.std()
    assert nss(MAP, POINTS) == pytest.approx((z[2, 3] + z[2, 3] + z[11, 15]) / 3)
    assert nss(3 * MAP + 5, POINTS) == pytest.approx(nss(MAP, POINTS))
    assert np.isnan(nss(np.ones((4, 4)), POINTS[:1]))


def test_roc_areas_are_those_of_mann_and_whitney() -> None:
    fixated = np.zeros(MAP.shape, bool)
    fixated[[2, 11], [3, 15]] = True
    expected = mannwhitneyu(MAP[fixated], MAP[~fixated]).statistic / (2 * (MAP.size - 2))
    assert auc_judd(MAP, POINTS) == pytest.approx(expected)
    others = np.array([[0.0, 0], [5, 5], [3, 2]])
    values = MAP[[2, 2, 11], [3, 3, 15]], MAP[[0, 5, 2], [0, 5, 3]]
    assert auc_shuffled(MAP, POINTS, others) == pytest.approx(mannwhitneyu(*values).statistic / 9)


@given(st.integers(0, 2**32 - 1))
def test_a_flat_map_is_at_chance(seed: int) -> None:
    points = np.random.default_rng(seed).random((5, 2)) * [15, 11]
    flat = np.full(MAP.shape, 0.3)
    assert auc_judd(flat, points) == pytest.approx(0.5)
    assert information_gain(flat, points, flat) == pytest.approx(0)


def test_correlation_similarity_and_divergence() -> None:
    other = DRAW.random(MAP.shape)
    assert cc(MAP, other) == pytest.approx(pearsonr(MAP.ravel(), other.ravel()).statistic)
    p, q = ((one - one.min()) / (one - one.min()).sum() for one in (MAP, other))
    assert sim(MAP, other) == pytest.approx(np.minimum(p, q).sum())
    keep = q > 0
    assert kl_map(MAP, other) == pytest.approx((q[keep] * np.log(q[keep] / (p[keep] + 2.2e-16))).sum(), rel=1e-6)
    assert sim(MAP, 2 * MAP + 1) == pytest.approx(1)
    assert kl_map(MAP, 2 * MAP + 1) == pytest.approx(0, abs=1e-9)


def test_information_gain_is_in_bits_over_the_prior() -> None:
    model = np.full((2, 2), 1.0)
    model[0, 0] = 5  # of sum 4 above the smallest, all of it here
    prior = np.array([[1.0, 1.0], [0, 0]])
    assert information_gain(model, np.array([[0.0, 0]]), prior) == pytest.approx(1)


def test_fixations_are_spread_and_none_is_lost_inside() -> None:
    found = blurred(np.array([[20.0, 15], [21, 15]]), (40, 50), 2.0)
    assert found.sum() == pytest.approx(2, abs=1e-3)
    assert np.unravel_index(found.argmax(), found.shape) in ((15, 20), (15, 21))


def test_spreading_is_that_of_a_filter() -> None:
    counts = np.zeros((40, 50))
    np.add.at(counts, ([2, 15, 15], [3, 20, 20]), 1.0)
    expected = gaussian_filter(counts, 2.0, mode="constant", truncate=8)
    assert blurred(np.array([[3.0, 2], [20, 15], [20.2, 14.9]]), (40, 50), 2.0) == pytest.approx(expected, abs=1e-4)


def test_contrast_is_nothing_on_an_even_ground_and_highest_at_an_edge() -> None:
    grey = np.full((20, 30), 80.0)
    assert local_contrast(grey, 2.0) == pytest.approx(np.zeros(grey.shape))
    grey[:, 15:] = 200
    assert local_contrast(grey, 2.0)[10].argmax() in (14, 15)


def test_partial_correlation_is_that_of_what_is_left() -> None:
    draw = np.random.default_rng(1)
    middle, own, other = draw.random((3, 12, 16))
    controls = np.stack([middle, draw.random((12, 16))])
    design = np.concatenate([np.ones((1, 192)), controls.reshape(2, -1)]).T
    a, b = ((2 * middle + own).ravel(), (middle + own + other).ravel())
    left = [one - design @ np.linalg.lstsq(design, one, rcond=None)[0] for one in (a, b)]
    found = partial_correlation(a.reshape(12, 16), b.reshape(12, 16), controls)
    assert found == pytest.approx(pearsonr(*left).statistic)
    assert found > 0.4
    assert np.isnan(partial_correlation(3 * middle + 1, other, controls))


def test_the_middle_is_the_highest_of_the_prior() -> None:
    prior = centre_prior((7, 9))
    assert prior[3, 4] == prior.max() == 1
    assert prior == pytest.approx(prior[::-1, ::-1])


def test_a_map_of_the_people_themselves_beats_the_middle_by_every_measure() -> None:
    points = np.clip(DRAW.normal([10, 8], 3, size=(60, 2)), 0, [39, 29])
    density, prior = blurred(points, (30, 40), 2.0), centre_prior((30, 40))
    people = Looked(points, density, DRAW.random((200, 2)) * [39, 29], prior)
    for measure in MAP_MEASURES.values():
        own, middle = (measure.of(one, people) for one in (density, prior))
        assert (own > middle) if measure.higher else (own < middle)
