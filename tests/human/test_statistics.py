"""Correlations, tests and intervals against scipy, against enumeration, and by their properties."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from attentionflow.human import statistics
from attentionflow.human.statistics import (
    holm,
    intervals,
    mean_ranks,
    partial_spearman,
    permutation_p,
    spearman,
    spearman_brown,
)

numbers = st.lists(st.integers(-5, 5), min_size=3, max_size=12)


@given(numbers)
def test_ranks_are_those_of_scipy(values: list[int]) -> None:
    assert mean_ranks(np.array(values)).tolist() == stats.rankdata(values).tolist()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=15))
def test_rank_correlation_with_ties_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, float).T
    found = spearman(a, b)
    if min(np.ptp(a), np.ptp(b)) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_partial_rank_correlation_of_one_control_is_the_textbooks() -> None:
    draw = np.random.default_rng(0)
    a, b, c = draw.normal(size=(3, 40))
    b = b + a + c
    ab, ac, bc = spearman(a, b), spearman(a, c), spearman(b, c)
    expected = (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2))
    assert partial_spearman(a, b, c[None]) == pytest.approx(expected, abs=1e-12)


def test_nothing_is_left_of_what_the_controls_explain() -> None:
    draw = np.random.default_rng(1)
    control, people = draw.normal(size=(2, 30))
    assert np.isnan(partial_spearman(people, 3 * control + 1, control[None]))
    assert np.isnan(partial_spearman(people[:3], control[:3], control[None, :3]))  # no freedom left


def test_permutation_p_is_that_of_all_changes_of_sign() -> None:
    differences = np.array([0.4, -0.1, 0.3, 0.2, 0.5, -0.05, 0.15, 0.2])
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    exact = np.mean([one >= abs(differences.sum()) - 1e-12 for one in sums])
    assert permutation_p(differences, 40_000, 0) == pytest.approx(exact, abs=0.005)


def test_permutation_p_leaves_the_unknown_out_and_is_never_zero() -> None:
    assert permutation_p(np.array([1.0, np.nan] * 30), 999, 0) == pytest.approx(1 / 1000)
    assert np.isnan(permutation_p(np.array([np.nan]), 99, 0))
    assert permutation_p(np.zeros(5), 99, 0) == 1


def test_holm_is_the_step_down_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = holm([0.02, np.nan, 0.9])
    assert found[[0, 2]].tolist() == pytest.approx([0.04, 0.9])
    assert np.isnan(found[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_makes_a_p_smaller_nor_changes_their_order(p: list[float]) -> None:
    found = holm(p)
    assert (found >= np.array(p) - 1e-15).all()
    assert (found <= 1).all()
    order = np.argsort(p)
    assert (np.diff(found[order]) >= -1e-15).all()


def test_an_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    columns = draw.exponential(size=(60, 400))
    low, high = intervals(columns, 400, seed=1)
    assert 0.89 <= ((low <= 1) & (high >= 1)).mean() <= 0.97
    assert np.array_equal(intervals(columns, 400, seed=1), [low, high])


def test_an_interval_is_as_wide_as_theory_says_and_passes_over_what_is_not_known() -> None:
    column = np.random.default_rng(0).normal(size=400)
    gaps = np.where(np.arange(800) % 2, np.nan, np.repeat(column, 2))
    low, high = intervals(np.stack([gaps, np.full(800, np.nan)], 1), 4000, seed=0)
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * column.std() / 400**0.5, rel=0.05)
    assert np.isnan([low[1], high[1]]).all()


def test_blocks_of_bootstrap_samples_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.random.default_rng(0).normal(size=(50, 2))
    whole = intervals(columns, 300, seed=0)
    monkeypatch.setattr(statistics, "BLOCK_DRAWS", 1000)
    np.testing.assert_array_equal(intervals(columns, 300, seed=0), whole)


def test_halves_are_corrected_to_the_whole() -> None:
    assert spearman_brown(0.5) == pytest.approx(2 / 3)
    assert spearman_brown(1.0) == 1
