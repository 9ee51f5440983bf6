"""Alignment of frames and letters against all ways that there are, written out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.models.alignment import BLANK, best_durations, diagonal_prior, forward_sum


def ways(frames: int, letters: int) -> list[tuple[int, ...]]:
    """Durations of all ways that give each letter a frame at least."""
    cuts = combinations(range(1, frames), letters - 1)
    return [tuple(np.diff((0, *cut, frames)).tolist()) for cut in cuts]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_the_likeliest_way_is_the_best_of_all(letters: int, more: int, seed: int) -> None:
    logs = np.random.default_rng(seed).normal(size=(letters + more, letters))

    def score(way: tuple[int, ...]) -> float:
        return float(logs[np.arange(len(logs)), np.repeat(np.arange(letters), way)].sum())

    found = best_durations(logs)
    assert found.sum() == len(logs)
    assert found.min() >= 1
    assert score(tuple(found.tolist())) == pytest.approx(max(map(score, ways(len(logs), letters))), abs=1e-4)


def test_fewer_frames_than_letters_are_the_first_ones() -> None:
    assert best_durations(np.zeros((2, 4))).tolist() == [1, 1, 0, 0]


def test_the_sum_is_over_all_ways_with_or_without_blanks() -> None:
    """Each frame says its letter or nothing; a letter that is heard twice with nothing between is one."""
    draw = torch.Generator().manual_seed(0)
    logs = torch.randn(1, 5, 2, generator=draw).log_softmax(-1)
    labelled = torch.cat((torch.full((1, 5, 1), BLANK), logs), -1).log_softmax(-1)[0]
    likely = 0.0
    for said in np.ndindex(*(3,) * 5):
        heard = [letter for at, letter in enumerate(said) if letter and (at == 0 or said[at - 1] != letter)]
        if heard == [1, 2]:
            likely += float(labelled[torch.arange(5), torch.tensor(said)].sum().exp())
    assert float(forward_sum(logs, [5], [2])[0]) == pytest.approx(-np.log(likely), abs=1e-5)


def test_the_prior_is_scipys_beta_binomial() -> None:
    betabinom = pytest.importorskip("scipy.stats", reason="SciPy is not installed").betabinom
    frames, letters = torch.tensor([9, 4]), torch.tensor([5, 3])
    found = diagonal_prior(frames, letters)
    assert found.shape == (2, 9, 5)
    for row, (t, n) in enumerate(zip(frames.tolist(), letters.tolist(), strict=True)):
        wanted = [[betabinom.logpmf(k, n - 1, at + 1, t - at) for k in range(n)] for at in range(t)]
        np.testing.assert_allclose(found[row, :t, :n].numpy(), wanted, atol=1e-4)
    assert found.isfinite().all()
