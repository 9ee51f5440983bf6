"""Overlap against scikit-learn, weights and losses against their formulas.

Letters: B pictures, K classes, H height, W width.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import UserError
from attentionflow.readers.masks import IGNORED
from attentionflow.tasks._segmentation_scores import class_weights, missed_overlap, nats, segmentation_scores

K = 4
NAMES = ("a", "b", "c", "d")


@given(st.integers(0, 10_000), st.integers(1, K))
def test_scores_are_those_of_scikit_learn(seed: int, used: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    draw = np.random.default_rng(seed)
    truth = [draw.choice([*range(used), IGNORED], shape).astype(np.uint8) for shape in ((6, 5), (3, 8))]
    given_ = [draw.integers(0, K, one.shape).astype(np.uint8) for one in truth]
    truth[0][0, 0] = 0  # something is there
    found = segmentation_scores(zip(given_, truth, strict=True), NAMES)
    y, p = (np.concatenate([one.ravel() for one in many]) for many in (truth, given_))
    y, p = y[y != IGNORED], p[y != IGNORED]
    each = metrics.jaccard_score(y, p, average=None, labels=np.unique([*y, *p]))
    assert list(found["miou"].parts.values()) == pytest.approx(each)
    assert found["miou"].value == pytest.approx(each.mean())
    assert found["pixel_accuracy"].value == pytest.approx(metrics.accuracy_score(y, p))
    recall = metrics.recall_score(y, p, average=None, labels=np.unique(y))
    assert found["mean_accuracy"].value == pytest.approx(recall.mean())
    assert found["mean_accuracy"].parts.keys() == {NAMES[at] for at in np.unique(y)}


def test_nothing_to_score_is_an_error() -> None:
    nothing = np.full((2, 2), IGNORED, np.uint8)
    with pytest.raises(UserError, match="no pixel of these pictures has a class"):
        segmentation_scores([(np.zeros((2, 2), np.uint8), nothing)], NAMES)


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=6), st.floats(0, 1))
def test_class_weights_have_mean_one_over_the_pixels(pixels: list[int], power: float) -> None:
    counts = np.array(pixels)
    weights = class_weights(counts, power).numpy()
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, rel=1e-4)
    assert weights[0] / weights[1] == pytest.approx((counts[1] / counts[0]) ** power, rel=1e-4)


def test_all_pixels_count_alike_or_all_classes_do() -> None:
    assert class_weights(np.array([3, 9]), 0).tolist() == [1, 1]
    assert class_weights(np.array([3, 9]), 1).tolist() == pytest.approx([2, 2 / 3])


def test_losses_are_what_they_are_defined_by() -> None:
    torch.manual_seed(0)
    logits, masks = torch.randn(2, K, 3, 5), torch.randint(0, 3, (2, 3, 5))
    masks[0, 0] = IGNORED
    weights = torch.tensor([1.0, 2.0, 0.5, 4.0])
    p = logits.softmax(1)
    total, missed = 0.0, 0.0
    for b in range(2):
        for y, own in zip(masks[b].flatten().tolist(), p[b].flatten(1).T, strict=True):
            total += 0 if y == IGNORED else float(-weights[y] * own[y].log())
        there = masks[b] != IGNORED
        overlaps = []
        for k in masks[b][there].unique().tolist():
            own, truth = p[b, k][there], (masks[b][there] == k).float()
            overlaps.append((own * truth).sum() / (own + truth - own * truth).sum())
        missed += 1 - float(torch.stack(overlaps).mean())
    assert nats(logits, masks, weights).item() == pytest.approx(total, rel=1e-5)
    assert missed_overlap(logits, masks).item() == pytest.approx(missed, rel=1e-5)


def test_a_picture_without_a_class_is_no_loss() -> None:
    logits = torch.randn(1, K, 2, 2, requires_grad=True)
    nothing = torch.full((1, 2, 2), IGNORED)
    total = nats(logits, nothing, torch.ones(K)) + missed_overlap(logits, nothing)
    total.backward()
    assert total.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
