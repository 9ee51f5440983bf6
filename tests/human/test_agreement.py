"""How alike readers are: known truths, and readers of whom nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from attentionflow.human.agreement import consensus, one_against_rest, reader_shares, split_half


def test_shares_of_a_reader_sum_to_one_over_the_known_words() -> None:
    found = reader_shares(np.array([[2.0, np.nan, 6.0], [0.0, 0.0, 0.0]]))
    assert found[0, [0, 2]].tolist() == [0.25, 0.75]
    assert np.isnan(found[0, 1])
    assert np.isnan(found[1]).all()


def test_consensus_leaves_out_who_is_not_known() -> None:
    attention = np.array([[1.0, 3.0], [np.nan, np.nan], [3.0, 1.0]])
    assert consensus(attention).tolist() == [0.5, 0.5]
    assert np.isnan(consensus(np.full((2, 3), np.nan))).all()


def test_a_reader_is_not_compared_with_himself() -> None:
    attention = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [4, 3, 2, 1]])
    found = one_against_rest(attention)
    assert found[2] == pytest.approx(-1)
    assert np.isnan(one_against_rest(attention[:1])).all()


def test_split_halves_of_many_readers_find_the_reliability_of_their_mean() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(60)
    noisy = np.clip(truth + draw.normal(scale=0.6, size=(24, 60)), 0.01, None)
    squared = np.mean([np.corrcoef(np.argsort(np.argsort(consensus(noisy))), np.argsort(np.argsort(truth)))[0, 1] ** 2])
    assert split_half(noisy, 0) == pytest.approx(squared, abs=0.12)
    assert np.isnan(split_half(noisy[:1], 0))
