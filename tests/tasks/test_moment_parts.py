"""Parts of video processing: shots, events, ranks, windows, beside plain ways and other packages."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.tasks._film_frames import SHARED, Windows
from attentionflow.tasks._moment_choice import UNITS, best_shots, matched, peaks, stretches
from attentionflow.tasks._moment_scores import among_raters, by_raters, event_scores, kendall, rank_scores, spearman
from attentionflow.tasks._simple_moments import best_threshold, changes, line

some = st.lists(st.integers(-3, 3), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=11), st.floats(0.01, 1), st.integers(1, 4))
def test_shots_are_the_best_there_are(values: list[float], share: float, least: int) -> None:
    scores = np.array(values)
    found = best_shots(scores, share, least)
    least = min(least, len(scores))
    kept = min(len(scores), max(least, round(share * len(scores))))
    assert all(b - a >= least for a, b in found)
    assert sum(b - a for a, b in found) == kept
    assert all(before[1] < after[0] for before, after in pairwise(found))
    ways = [np.array(way, bool) for way in product((0, 1), repeat=len(scores)) if sum(way) == kept]
    sums = [scores[way].sum() for way in ways if all(b - a >= least for a, b in stretches(way))]
    assert sum(scores[a:b].sum() for a, b in found) == pytest.approx(max(sums), abs=1e-4)


def test_shots_of_a_long_film_are_of_units() -> None:
    scores = np.zeros(3 * UNITS)
    scores[5000:5400] = 1
    found = best_shots(scores, 400 / len(scores), 8)
    assert sum(b - a for a, b in found) == pytest.approx(400, abs=3)
    assert sum(scores[a:b].sum() for a, b in found) > 390


def test_stretches_peaks_and_a_match_of_events() -> None:
    assert stretches(np.array([1, 1, 0, 0, 1, 0, 1], bool)) == [(0, 2), (4, 5), (6, 7)]
    assert stretches(np.zeros(3, bool)) == []
    assert stretches(np.array([1, 1, 0, 1], bool), 1.5) == [(0, 2)]
    scores = np.array([0, 3, 1, 0, 9, 0, 5])
    assert peaks(scores, [(0, 3), (4, 5), (6, 7)], 2) == [4, 6]
    assert matched([(0, 2), (5, 6)], [(0.5, 2), (5, 9)], 0.5) == 1
    assert matched([(0, 2), (2.1, 4)], [(0, 4)], 0.5) == 1, "one event cannot be found twice"
    assert matched([], [(0, 1)], 0.5) == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_ranks_are_those_of_scipy(count: int, seed: int, levels: int) -> None:
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    a, b = np.random.default_rng(seed).integers(0, levels, (2, count)).astype(float)
    if len(set(a)) < 2 or len(set(b)) < 2:
        assert np.isnan(kendall(a, b))
        assert np.isnan(spearman(a, b))
        return
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)


def test_ranks_of_many_moments_are_counted_in_blocks() -> None:
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    a, b = np.random.default_rng(0).integers(0, 50, (2, 5000)).astype(float)
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic)


def test_raters_count_alike_over_what_both_tell() -> None:
    scores = np.array([1.0, 2, 3, 4])
    raters = np.array([[1, 2, 3, np.nan], [4, 3, 2, 1], [5, 5, 5, 5]])
    assert by_raters(scores, raters) == pytest.approx((0, 0))
    assert among_raters(raters) == pytest.approx((-1, -1))
    assert np.isnan(by_raters(scores, raters[2:])).all()
    found = rank_scores([(0.5, 0.7), (np.nan, np.nan), (0.1, 0.3)], cheap=False)
    assert found["kendall_tau"].value == pytest.approx(0.3)
    assert found["spearman_rho"].signature == "each rater, then films|2 of 3 films"
    assert rank_scores([(np.nan, np.nan)], cheap=False)["kendall_tau"].value == 0


def test_events_are_counted_over_all_films() -> None:
    found = event_scores([[(0, 1), (5, 6)], []], [[(0, 1)], [(2, 3)]], cheap=False)
    values = [found[f"event_{name}"].value for name in ("precision", "recall", "f1")]
    assert values == pytest.approx([0.5, 0.5, 0.5])
    assert found["event_recall"].interval == (0, 1)


def test_the_best_threshold_lies_between_what_matters_and_what_does_not() -> None:
    scores = np.full(40, 0.2)
    scores[10:14], scores[30:35] = 0.8, 0.9
    scores[20] = 0.5
    found = best_threshold([scores], [10.0], [[(2.5, 3.5), (7.5, 8.75)]], 2)
    assert 0.5 < found <= 0.8


@settings(max_examples=100, deadline=None)
@given(st.integers(8, 50), st.integers(1, 400))
def test_every_moment_is_read_once_from_a_window_that_sees_around_it(size: int, count: int) -> None:
    windows = Windows(size)
    film, cut = np.arange(count), windows.cut(np.arange(count))
    assert all(len(one) == min(size, count) for one in cut)
    np.testing.assert_array_equal(np.concatenate(cut)[windows.places(count)], film)
    for one, (first, last) in zip(cut, windows.read(count), strict=True):
        for edge, end in ((first, 0), (last - 1, count - 1)):
            room = min(edge - one[0], one[-1] - edge)
            assert room >= int(size * SHARED) // 2 - 1 or edge == end


def test_simple_methods_see_what_they_should() -> None:
    frames = np.zeros((6, 4))
    frames[3] = 1
    np.testing.assert_allclose(changes(frames), [0, 0, 1, 2, 1, 0])
    draw = np.random.default_rng(0)
    seen = [draw.normal(size=(50, 3)) for _ in range(3)]
    wanted = [one @ [1, -2, 0] + 5 for one in seen]
    wanted[0][:10] = np.nan
    found = line(seen[:2], wanted[:2], seen[2:])[0]
    assert np.corrcoef(found, wanted[2])[0, 1] > 0.99
