"""Batches of like length: complete, within budget, reproducible, with little padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attentionflow.readers.batches import padding_share, token_batches

all_lengths = st.tuples(st.integers(0, 40), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(1, 30))
)
epochs = st.none() | st.integers(0, 3)


def as_lists(batches: list[np.ndarray]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def sentence_pairs(count: int = 29_000) -> np.ndarray:
    """Token counts of source and target, alike but not the same, as captions have them."""
    generator = np.random.default_rng(0)
    source = np.clip(generator.gamma(6, 2.5, count), 3, 60)
    target = np.clip(source * generator.normal(1.1, 0.15, count), 3, 80)
    return np.stack([source, target], 1).astype(int)


@given(all_lengths, st.integers(1, 100), st.integers(0, 5), epochs)
def test_every_example_is_in_exactly_one_batch(lengths: np.ndarray, budget: int, seed: int, epoch: int | None) -> None:
    batches = token_batches(lengths, budget, seed, epoch)
    assert sorted(np.concatenate([[], *batches])) == list(range(len(lengths)))
    assert all(len(batch) for batch in batches)


@given(all_lengths, st.integers(1, 100), st.integers(0, 5), epochs)
def test_a_batch_keeps_the_budget_or_is_a_longer_example_alone(
    lengths: np.ndarray, budget: int, seed: int, epoch: int | None
) -> None:
    for batch in token_batches(lengths, budget, seed, epoch):
        assert len(batch) * lengths[batch].max() <= budget or len(batch) == 1


@given(all_lengths, st.integers(1, 100), st.integers(0, 5), epochs)
def test_batches_are_a_pure_function(lengths: np.ndarray, budget: int, seed: int, epoch: int | None) -> None:
    first = as_lists(token_batches(lengths, budget, seed, epoch))
    np.random.seed(1)  # noqa: NPY002 - state that must not matter
    assert as_lists(token_batches(lengths.copy(), budget, seed, epoch)) == first


def test_seeds_and_epochs_mix_anew() -> None:
    lengths = sentence_pairs(500)
    orders = {
        str(as_lists(token_batches(lengths, 300, seed, epoch))) for seed, epoch in [(0, 0), (0, 1), (1, 0), (1, 1)]
    }
    assert len(orders) == 4
    compositions = [{frozenset(batch) for batch in as_lists(token_batches(lengths, 300, 0, epoch))} for epoch in (0, 1)]
    assert compositions[0] != compositions[1]


def test_training_does_not_run_from_short_to_long() -> None:
    lengths = sentence_pairs(4000)
    means = [lengths[batch].mean() for batch in token_batches(lengths, 600, 0, 0)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_the_evaluation_order_has_no_randomness() -> None:
    lengths = sentence_pairs(500)
    batches = [as_lists(token_batches(lengths, 300, seed, None)) for seed in (0, 1)]
    assert batches[0] == batches[1]
    order = np.concatenate(batches[0])
    keys = [(*lengths[i], i) for i in order]
    assert keys == sorted(keys)  # by the first side, the last side, then as they came


@pytest.mark.parametrize("epoch", [None, 0])
def test_little_is_padding(epoch: int | None) -> None:
    lengths = sentence_pairs()
    batches = token_batches(lengths, 2048, 0, epoch)
    assert padding_share(lengths, batches) < 0.05
    shuffled = np.array_split(np.random.default_rng(0).permutation(len(lengths)), len(batches))
    assert padding_share(lengths, shuffled) > 0.3  # what is to be avoided


def test_the_share_of_padding_is_counted_over_all_sides() -> None:
    lengths = np.array([[1, 4], [3, 4], [5, 5]])
    batches = [np.array([0, 1]), np.array([2])]
    assert padding_share(lengths, batches) == pytest.approx(2 / (2 * 3 + 2 * 4 + 5 + 5))


def test_budgets_are_filled() -> None:
    """Equal lengths leave no reason for a batch that is not full, but the last."""
    lengths = np.full((103, 2), 7)
    assert [len(batch) for batch in token_batches(lengths, 70, 0, None)] == [10] * 10 + [3]
