"""Scores of labels are those of scikit-learn, and of the formulas where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.tasks._label_scores import (
    calibration_error,
    confusion,
    one_label_scores,
    ordered_label_scores,
    several_label_scores,
    wilson,
)

NAMES = ["a", "b", "c", "d"]
metrics = pytest.importorskip("sklearn.metrics")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_one_label_as_in_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    given, truth = np.array(pairs).T
    found = one_label_scores(given, truth, np.full(len(given), 0.5), NAMES, cheap=False)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, given))
    assert found["macro_f1"].value == pytest.approx(metrics.f1_score(truth, given, average="macro", zero_division=0))
    assert np.array_equal(confusion(given, truth, 4), metrics.confusion_matrix(truth, given, labels=range(4)))
    each = metrics.f1_score(truth, given, average=None, labels=range(4), zero_division=0)
    assert found["macro_f1"].parts == pytest.approx({NAMES[i]: each[i] for i in np.unique(truth)})


@given(st.integers(0, 10_000))
def test_several_labels_as_in_scikit_learn(seed: int) -> None:
    draw = np.random.default_rng(seed)
    given, truth = draw.random((2, 9, 4)) < draw.random()
    found = several_label_scores(given, truth, NAMES, cheap=True)
    used = np.flatnonzero((given | truth).any(0))
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, given))
    for kind in ("micro", "macro"):
        expected = metrics.f1_score(truth, given, average=kind, labels=used, zero_division=0) if len(used) else 0
        assert found[f"{kind}_f1"].value == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_ordered_labels_as_in_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    given, truth = np.array(pairs).T
    found = ordered_label_scores(given, truth, 4)
    assert found["mean_absolute_error"].value == pytest.approx(metrics.mean_absolute_error(truth, given))
    if len(np.unique(np.concatenate([given, truth]))) > 1:
        expected = metrics.cohen_kappa_score(truth, given, weights="quadratic", labels=range(4))
        assert found["quadratic_kappa"].value == pytest.approx(expected, abs=1e-12)


def test_intervals_are_wilsons() -> None:
    # Brown, Cai, DasGupta 2001 give the formula; statsmodels 0.14 these figures.
    assert wilson(8, 10) == pytest.approx((0.49016, 0.94331), abs=1e-4)
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-12)
    assert wilson(10, 10)[1] == pytest.approx(1, abs=1e-12)


def test_calibration_is_the_gap_between_what_is_said_and_what_happens() -> None:
    assert calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0)
    assert calibration_error(np.full(10, 0.9), np.arange(10) < 7) == pytest.approx(0.2)
    mixed = calibration_error(np.array([0.95, 0.95, 0.55, 0.55]), np.array([True, False, True, False]))
    assert mixed == pytest.approx((0.45 + 0.05) / 2)
    assert calibration_error(np.array([1.0]), np.array([True])) == pytest.approx(0)


def test_labels_that_are_not_known_are_never_right() -> None:
    found = one_label_scores(np.array([0, -2, 1]), np.array([0, -1, -1]), np.ones(3), NAMES, cheap=True)
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert np.isnan(ordered_label_scores(np.array([0]), np.array([-1]), 4)["quadratic_kappa"].value)
