"""The baselines by counting, against the sums written out."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.readers.catalogue import Catalogue
from attentionflow.tasks._simple_recommenders import WINDOW, Cooccurrence, simple_recommenders

sequences = st.lists(st.lists(st.integers(0, 6), min_size=0, max_size=15), min_size=1, max_size=6)


@given(sequences.filter(lambda found: sum(map(len, found)) > 0), st.lists(st.integers(0, 6), max_size=15))
def test_scores_are_sums_of_inverse_distances(found: list[list[int]], history: list[int]) -> None:
    weights = np.zeros((7, 7))
    for items in found:
        for i, a in enumerate(items):
            for j in range(i + 1, min(len(items), i + WINDOW + 1)):
                weights[a, items[j]] += 1 / (j - i)
                weights[items[j], a] += 1 / (j - i)
    expected = 1e-9 * np.bincount([item for items in found for item in items], minlength=7)
    for back, item in enumerate(history[::-1][:WINDOW], start=1):
        expected = expected + weights[item] / back
    near = Cooccurrence([np.array(items, np.int64) for items in found], 7)
    np.testing.assert_allclose(near(np.array(history, np.int64)), expected, atol=1e-12)


def test_popularity_is_the_same_for_everyone() -> None:
    catalogue = Catalogue(["a", "b"], [3, 1], {})
    methods = simple_recommenders([np.array([0, 1, 0, 0])], catalogue)
    assert set(methods) == {"popularity", "items taken near those of the history"}
    scores = methods["popularity"]([np.array([0]), np.array([], np.int64)])
    np.testing.assert_allclose(np.exp(scores), [[0.75, 0.25]] * 2, rtol=1e-6)
