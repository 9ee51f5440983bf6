"""Scores of recognition against what they are defined by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.tasks._recognition_scores import auroc, best_threshold, judged, recognition_scores

values = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=12)


@given(values, values)
@settings(max_examples=50, deadline=None)
def test_auroc_is_scikit_learns(inside: list[float], outside: list[float]) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    truth = [1] * len(inside) + [0] * len(outside)
    assert auroc(np.array(inside), np.array(outside)) == pytest.approx(metrics.roc_auc_score(truth, inside + outside))


@given(values, values)
@settings(max_examples=50, deadline=None)
def test_no_threshold_is_better_than_the_best(inside: list[float], outside: list[float]) -> None:
    def right(threshold: float) -> float:
        return float((np.array(inside) >= threshold).mean() + (np.array(outside) < threshold).mean())

    found = best_threshold(np.array(inside), np.array(outside))
    assert right(found) == pytest.approx(max(map(right, [*inside, *outside, 100.0])))


def test_each_question_counts_once_known_and_once_taken_out() -> None:
    names = ("a", "b", "b")
    answers = [
        judged("first", "a", names, np.array([0.9, 0.2, 0.3])),  # right; 0.3 once a is taken out
        judged("first", "b", names, np.array([0.8, 0.7, 0.1])),  # taken for a, which is also what is left
        judged("second", "a", names, np.array([0.6, 0.1, 0.5])),
        judged("second", "c", names, np.array([0.2, 0.1, 0.4])),  # not known at all
    ]
    scores = recognition_scores(answers, 0.7, cheap=False)
    assert scores["error"].value == pytest.approx(1 / 3)
    assert scores["error"].parts == {"first": 0.5, "second": 0.0}
    assert scores["error"].interval is not None
    inside, outside = np.array([0.9, 0.8, 0.6]), np.array([0.3, 0.8, 0.5, 0.4])
    assert scores["open_set_auroc"].value == pytest.approx(auroc(inside, outside))
    # Named wrongly or called unknown: two of three. Named though not known: one of four.
    assert scores["open_set_error"].value == pytest.approx((2 / 3 + 1 / 4) / 2)
    best = recognition_scores(answers, None, cheap=True)
    assert best["open_set_error"].value <= scores["open_set_error"].value
    assert best["error"].parts == {}


def test_the_answer_may_be_the_sum_of_several_pictures() -> None:
    one = judged("", "b", ("a", "b", "b"), np.array([0.5, 0.4, 0.4]), given="b")
    assert (one.given, one.similarity, one.known) == ("b", 0.5, True)
