"""Ranks and what they make, against the definitions written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.tasks._ranking import DRAWN, draw_unseen, exclude, judged, ranking_scores, ranks

scores_of = st.lists(st.integers(-3, 3), min_size=2, max_size=12)


@given(scores_of, st.data())
def test_a_rank_is_the_place_in_the_sorted_list_with_ties_halved(values: list[int], data: st.DataObject) -> None:
    answer = data.draw(st.integers(0, len(values) - 1))
    among = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=6))
    scores, right = torch.tensor([values]).float(), torch.tensor([answer])

    def expected(others: list[int]) -> int:
        better = sum(values[i] > values[answer] for i in others)
        return better + sum(values[i] == values[answer] for i in others) // 2

    assert ranks(scores, right).tolist() == [expected([i for i in range(len(values)) if i != answer])]
    assert ranks(scores, right, torch.tensor([among], dtype=torch.long)).tolist() == [expected(among)]


def test_what_is_unknown_or_excluded_is_a_miss() -> None:
    scores = exclude(torch.tensor([[3.0, 2.0, 1.0]] * 3), [np.array([0]), np.array([0]), np.array([], int)])
    assert ranks(scores, torch.tensor([1, 0, -1])).tolist() == [0, -1, -1]
    assert ranks(torch.tensor([[math.nan, 1.0]]), torch.tensor([0])).tolist() == [-1]
    nothing = torch.full((1, DRAWN), -1)
    assert ranks(torch.tensor([[1.0, 2.0]]), torch.tensor([0]), nothing).tolist() == [0]


def test_excluding_leaves_the_scores_given_alone() -> None:
    given_scores = torch.ones(1, 3)
    assert exclude(given_scores, [np.array([1])]).tolist() == [[1, -math.inf, 1]]
    assert given_scores.tolist() == [[1, 1, 1]]


@given(st.integers(1, 40), st.data())
def test_draws_are_unseen_items_and_depend_on_seed_and_user_alone(catalogue: int, data: st.DataObject) -> None:
    seen = np.array(data.draw(st.lists(st.integers(0, catalogue - 1), max_size=50)), int)
    drawn = draw_unseen(seen, catalogue, "ann", 3)
    assert drawn.shape == (DRAWN,)
    left = set(range(catalogue)) - set(seen.tolist())
    assert set(drawn.tolist()) <= (left or {-1})
    assert np.array_equal(drawn, draw_unseen(seen[::-1], catalogue, "ann", 3))


def test_draws_are_uniform_over_the_unseen_and_differ_between_users_and_seeds() -> None:
    seen = np.array([0, 3, 4])
    drawn = np.concatenate([draw_unseen(seen, 8, f"user {i}", 0) for i in range(200)])
    counts = np.bincount(drawn, minlength=8)
    assert (counts[seen] == 0).all()
    expected = len(drawn) / 5
    assert np.abs(counts[[1, 2, 5, 6, 7]] - expected).max() < 5 * math.sqrt(expected)
    one = draw_unseen(seen, 1000, "ann", 0)
    assert not np.array_equal(one, draw_unseen(seen, 1000, "bob", 0))
    assert not np.array_equal(one, draw_unseen(seen, 1000, "ann", 1))


@given(st.lists(st.integers(-1, 30), min_size=1, max_size=30))
def test_metrics_are_their_definitions(places: list[int]) -> None:
    """DCG over the gains of a list of 30, divided by that of the ideal list, as Järvelin and Kekäläinen define it."""
    found = ranking_scores(np.array(places), np.array(places)[::-1], "protocol", cheap=True)
    gains = np.zeros((len(places), 31))
    for row, place in enumerate(places):
        if place >= 0:
            gains[row, place] = 1
    discounts = 1 / np.log2(np.arange(2, 33))
    assert found["ndcg10"].value == pytest.approx((gains * discounts)[:, :10].sum(1).mean() / discounts[0])
    assert found["hr10"].value == pytest.approx(gains[:, :10].any(1).mean())
    assert found["mrr"].value == pytest.approx((gains / np.arange(1, 32)).sum(1).mean())
    assert found["hr10_of_100_sampled"].value == pytest.approx(found["hr10"].value)
    assert found["ndcg10"].signature == "protocol"
    assert "100 drawn" in found["ndcg10_of_100_sampled"].signature
    assert found["hr10"].interval is None


def test_intervals_hold_the_value_and_narrow_with_more_users() -> None:
    few, many = (np.arange(count) % 20 for count in (40, 4000))
    widths = []
    for places in (few, many):
        score = ranking_scores(places, places, "", cheap=False)["hr10"]
        assert score.interval is not None
        assert score.interval[0] <= score.value <= score.interval[1]
        widths.append(score.interval[1] - score.interval[0])
    assert widths[1] == pytest.approx(widths[0] / 10, rel=0.3)


def test_a_method_is_judged_block_by_block() -> None:
    table = np.random.default_rng(0).random((600, 9))
    seen = [np.array([row % 9]) for row in range(600)]
    targets = np.array([(row + 1) % 9 for row in range(600)])
    drawn = np.stack(
        [
            draw_unseen(np.append(codes, right), 9, str(row), 0)
            for row, (codes, right) in enumerate(zip(seen, targets, strict=True))
        ]
    )
    at = iter(range(0, 600, 256))

    def method(histories: list[np.ndarray]) -> np.ndarray:
        start = next(at)
        return table[start : start + len(histories)]

    full, among = judged(method, seen, targets, drawn, repeats=False)
    whole = exclude(torch.tensor(table), seen)
    assert np.array_equal(full, ranks(whole, torch.tensor(targets)))
    assert np.array_equal(among, ranks(whole, torch.tensor(targets), torch.tensor(drawn)))
