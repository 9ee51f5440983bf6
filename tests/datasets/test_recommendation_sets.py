"""The sets of interactions: the made ones follow their rule, the public ones hold what their page says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from attentionflow.datasets import sasrec_games, sessions
from attentionflow.readers.interactions import leave_one_out
from attentionflow.tasks._ranking import exclude, ranking_scores, ranks


def codes(items: tuple[str, ...]) -> list[int]:
    return [int(item[1:]) for item in items]


def test_sessions_are_a_function_of_the_seed() -> None:
    one, same, other = sessions.read(0), sessions.read(0), sessions.read(1)
    assert np.array_equal(one.codes, same.codes)
    assert one.items == same.items
    assert [one.items[c] for c in one.codes[:50]] != [other.items[c] for c in other.codes[:50]]
    assert (len(one.users), len(one.items)) == (sessions.USERS, sessions.ITEMS)
    assert one.counts.min() == sessions.LENGTHS[0]
    assert one.counts.max() == sessions.LENGTHS[1] - 1
    assert "made by a rule" in one.notes[0]


def test_nobody_takes_an_item_twice_and_chances_are_distributions() -> None:
    log = sessions.read(0)
    for start, end in zip(log.offsets, log.offsets[1:], strict=False):
        assert len(set(log.codes[start:end])) == end - start
    for length in (0, 1, 2, 5):
        histories = np.stack([np.random.default_rng(i).permutation(sessions.ITEMS)[:length] for i in range(20)])
        likely = sessions.chances(histories.astype(int))
        np.testing.assert_allclose(likely.sum(1), 1)
        assert (np.take_along_axis(likely, histories.astype(int), 1) == 0).all()


def test_the_next_item_follows_the_rule_as_often_as_it_says() -> None:
    """The share of actions that are the likeliest or second likeliest item is the mean of their chances."""
    test = list(leave_one_out(sessions.read(0))[0]["test"])
    likely = np.stack([sessions.chances(np.array([codes(one.items)]))[0] for one in test])
    best = np.argsort(-likely, axis=1)[:, :2]
    hit = (best == np.array([codes((one.target or "",)) for one in test])).any(1)
    expected = np.take_along_axis(likely, best, 1).sum(1)
    assert hit.mean() == pytest.approx(expected.mean(), abs=3 * np.sqrt(expected.mean() / len(test)))


def test_the_best_possible_scores_are_those_that_are_stated() -> None:
    test = list(leave_one_out(sessions.read(0))[0]["test"])
    histories = [np.array(codes(one.items)) for one in test]
    likely = torch.tensor(np.stack([sessions.chances(history[None])[0] for history in histories]))
    found = ranks(exclude(likely, histories), torch.tensor([int((one.target or "")[1:]) for one in test]))
    scores = ranking_scores(found, found, "", cheap=True)
    assert f"HR@10 {scores['hr10'].value:.2f}, NDCG@10 {scores['ndcg10'].value:.2f}" in sessions.BEST


def test_games_hold_what_their_page_says() -> None:
    folder = Path(os.environ.get("ATTENTIONFLOW_DATA", "")) / "sasrec_games"
    if not os.environ.get("ATTENTIONFLOW_DATA") or not folder.is_dir():
        pytest.skip("the data set sasrec_games is not on this machine")
    log = sasrec_games.read()
    assert (len(log.users), len(log.items), len(log.codes)) == (31_013, 23_715, 287_107)
    splits, notes = leave_one_out(log)
    assert {name: len(split) for name, split in splits.items()} == {"train": 31_013, "val": 30_901, "test": 30_901}
    assert any(note.startswith("112 of 31,013 users") for note in notes)
    assert not log.faults
