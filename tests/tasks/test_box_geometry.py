"""Overlap, suppression and assignment against what they are defined by.

Letters: N boxes, A cells, G objects, C classes.
"""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.models.convolutions import cell_centres
from attentionflow.tasks._boxes import TAKEN, assign, giou, iou, suppress


def random_boxes(draw: np.random.Generator, count: int, side: int = 20) -> np.ndarray:
    """(N, 4) with whole corners, so that they can be counted pixel by pixel."""
    corners = draw.integers(0, side, (count, 2, 2))
    corners.sort(axis=1)
    corners[:, 1] += 1
    return corners.reshape(count, 4).astype(np.float32)


def filled(box: np.ndarray, side: int = 24) -> np.ndarray:
    pixels = np.zeros((side, side), bool)
    left, top, right, bottom = box.astype(int)
    pixels[top:bottom, left:right] = True
    return pixels


def counted(a: np.ndarray, b: np.ndarray) -> float:
    return (filled(a) & filled(b)).sum() / (filled(a) | filled(b)).sum()


@given(st.integers(0, 10_000))
def test_overlap_is_what_counting_pixels_gives(seed: int) -> None:
    a, b = random_boxes(np.random.default_rng(seed), 2)
    both = torch.from_numpy(np.stack((a, b)))
    assert abs(float(iou(both[0], both[1])) - counted(a, b)) < 1e-6
    hull = np.concatenate((np.minimum(a, b)[:2], np.maximum(a, b)[2:]))
    area, union = filled(hull).sum(), (filled(a) | filled(b)).sum()
    assert abs(float(giou(both[0], both[1])) - (counted(a, b) - (area - union) / area)) < 1e-6
    assert float(giou(both[0], both[0])) == 1


def test_boxes_apart_have_a_slope() -> None:
    near = torch.tensor([5.0, 5, 10, 10], requires_grad=True)
    giou(near, torch.tensor([20.0, 20, 30, 30])).backward()
    assert near.grad is not None
    assert near.grad[2:].min() > 0


def plainly_suppressed(
    boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float, most: int
) -> list[int]:
    left, kept = sorted(range(len(boxes)), key=lambda i: (-scores[i], i)), []
    while left and len(kept) < most:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if labels[i] != labels[best] or counted(boxes[i], boxes[best]) <= threshold]
    return kept


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.51, 0.7]), st.integers(1, 30))
def test_suppression_is_the_plain_one(seed: int, threshold: float, most: int) -> None:
    draw = np.random.default_rng(seed)
    boxes, scores, labels = random_boxes(draw, 25), draw.random(25).round(1), draw.integers(0, 3, 25)
    expected = plainly_suppressed(boxes, scores, labels, threshold, most)
    assert suppress(boxes, scores, labels, threshold, most).tolist() == expected


def test_suppression_of_nothing_is_nothing() -> None:
    assert len(suppress(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.5, 10)) == 0


def test_cells_inside_an_object_answer_for_it_and_no_others() -> None:
    """Alone, an object takes the ten cells inside of it whose boxes and scores fit best."""
    centres = cell_centres(8, 8, 8)
    boxes = torch.cat((centres - 12, centres + 12), 1)[None]
    scores = torch.full((1, 64, 2), 0.3)
    objects = torch.tensor([[[8.0, 8, 48, 48], [0, 0, 0, 0]]])
    answers, quality = assign(scores, boxes, centres, objects, torch.tensor([[1, 0]]), torch.tensor([[True, False]]))
    own = answers[0] == 0
    assert own.sum() == TAKEN
    assert ((centres[own] > 8) & (centres[own] < 48)).all()
    assert (quality[0][~own] == 0).all()
    assert torch.isclose(quality.max(), iou(boxes[0][own], objects[0, :1]).max())
    assert (answers[0][~own] == -1).all()


def test_a_cell_that_two_objects_want_goes_to_the_one_it_overlaps_most() -> None:
    centres = torch.tensor([[10.0, 10.0]])
    boxes = torch.tensor([[[0.0, 0, 20, 20]]])
    objects = torch.tensor([[[0.0, 0, 40, 40], [0, 0, 20, 24]]])
    answers, _ = assign(
        torch.full((1, 1, 1), 0.5), boxes, centres, objects, torch.zeros(1, 2, dtype=torch.long), torch.ones(1, 2) > 0
    )
    assert answers.tolist() == [[1]]


def test_an_object_smaller_than_a_cell_is_not_forgotten() -> None:
    centres = cell_centres(4, 4, 16)
    boxes = torch.cat((centres - 8, centres + 8), 1)[None]
    objects = torch.tensor([[[17.0, 17, 20, 20]]])
    answers, _ = assign(
        torch.full((1, 16, 1), 0.5), boxes, centres, objects, torch.zeros(1, 1, dtype=torch.long), torch.ones(1, 1) > 0
    )
    assert (answers >= 0).nonzero().tolist() == [[0, 5]]
