"""Each measure against scipy or a written-out example, and what holds for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from attentionflow.human.measures import MEASURES, jensen_shannon, kl, top_overlap

weights = st.lists(st.integers(0, 9), min_size=3, max_size=20).filter(lambda v: sum(v) > 0)


def test_divergences_are_those_of_scipy() -> None:
    p, q = np.random.default_rng(0).random((2, 12))
    assert kl(p, q) == pytest.approx(entropy(p, q), rel=1e-3)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, rel=1e-3)


def test_words_without_attention_leave_the_divergences_finite() -> None:
    p, q = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    assert 10 < kl(p, q) < 20
    assert jensen_shannon(p, q) == pytest.approx(1, abs=1e-3)


def test_overlap_of_the_top_fifth() -> None:
    people = np.arange(10.0)
    assert top_overlap(people, people) == 1
    assert top_overlap(people, people[::-1].copy()) == 0
    assert top_overlap(people, np.r_[np.zeros(8), 1, 0]) == pytest.approx((1 + 1 / 9) / 2)  # the second place is tied


@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_overlap_with_a_constant_is_that_of_a_random_order(n: int, seed: int) -> None:
    people = np.random.default_rng(seed).random(n)
    k = max(1, round(0.2 * n))
    assert top_overlap(people, np.ones(n)) == pytest.approx(k / n)


@pytest.mark.parametrize("name", MEASURES)
@given(a=weights, b=weights)
def test_a_measure_stays_in_its_range_and_ignores_scale(name: str, a: list[int], b: list[int]) -> None:
    n = min(len(a), len(b))
    p, q = np.array(a[:n], float), np.array(b[:n], float)
    if p.sum() == 0 or q.sum() == 0:
        return
    measure = MEASURES[name]
    found = measure.of(p, q)
    if np.isnan(found):
        assert name == "spearman"
        assert min(np.ptp(p), np.ptp(q)) == 0
        return
    low, high = measure.range
    assert low - 1e-9 <= found <= high + 1e-9
    assert measure.of(3 * p, 0.5 * q) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_is_more_like_people_than_people(name: str) -> None:
    draw, measure = np.random.default_rng(4), MEASURES[name]
    p = draw.random(15)
    own = measure.of(p, p)
    others = [measure.of(p, draw.random(15)) for _ in range(20)]
    assert all((own >= one) if measure.higher else (own <= one) for one in others)
