"""Prefix beam search against all alignments counted one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.models.ctc import least_positions, prefix_beams


def collapsed(alignment: tuple[int, ...]) -> tuple[int, ...]:
    kept = [unit for at, unit in enumerate(alignment) if at == 0 or alignment[at - 1] != unit]
    return tuple(unit for unit in kept if unit)


def all_texts(logs: np.ndarray) -> dict[tuple[int, ...], float]:
    sums: dict[tuple[int, ...], float] = {}
    for alignment in product(range(logs.shape[1]), repeat=len(logs)):
        chance = np.exp(sum(logs[at, unit] for at, unit in enumerate(alignment)))
        sums[collapsed(alignment)] = sums.get(collapsed(alignment), 0.0) + chance
    return sums


def random_logs(steps: int, units: int, seed: int) -> np.ndarray:
    scores = torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (steps, units)))
    return scores.log_softmax(-1).numpy()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 10_000))
def test_with_room_for_all_it_is_exact(steps: int, units: int, seed: int) -> None:
    logs = random_logs(steps, units, seed)
    exact = sorted(all_texts(logs).items(), key=lambda pair: -pair[1])
    found = prefix_beams(logs, 1_000, units)
    assert len(found) == len(exact)
    for (text, score), (wanted, chance) in zip(found, exact, strict=True):
        assert np.exp(score) == pytest.approx(chance)
        assert text == wanted or chance == pytest.approx(dict(exact)[text])


def test_scores_are_those_of_torch() -> None:
    logs = random_logs(6, 4, 0)
    for text, score in prefix_beams(logs, 2_000, 4)[:5]:
        loss = F.ctc_loss(
            torch.from_numpy(logs)[:, None],
            torch.tensor([text]),
            torch.tensor([6]),
            torch.tensor([len(text)]),
            reduction="sum",
        )
        assert score == pytest.approx(-loss.item(), rel=1e-3)


def test_a_narrow_beam_keeps_the_best_and_is_sorted() -> None:
    logs = random_logs(30, 8, 3)
    found = prefix_beams(logs, 8, 5)
    assert len(found) == 8
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert found[0][1] >= prefix_beams(logs, 1, 5)[0][1]


def test_a_blank_tells_two_alike_apart() -> None:
    sure = np.log(np.array([[0.02, 0.98], [0.98, 0.02], [0.02, 0.98]]))
    assert prefix_beams(sure, 4, 2)[0][0] == (1, 1)
    assert prefix_beams(sure[[0, 2]], 4, 2)[0][0] == (1,)


def test_units_that_cannot_be_are_never_written() -> None:
    logs = random_logs(10, 6, 1)
    logs[:, 2] = -np.inf
    assert all(2 not in text for text, _ in prefix_beams(logs, 20, 6))


def test_positions_that_a_text_needs() -> None:
    assert [least_positions(text) for text in ([], [4], [4, 5], [4, 4], [4, 4, 4, 5])] == [0, 1, 2, 3, 6]
