"""Mean average precision against the definition written out."""

from __future__ import annotations

import numpy as np
import pytest

from attentionflow.errors import UserError
from attentionflow.readers.boxes import Picture
from attentionflow.tasks._detection_scores import detection_scores
from attentionflow.tasks._detections import Detection, Detections

pytest.importorskip("faster_coco_eval", reason="faster-coco-eval is not installed")
LABELS = ("a", "b", "c")


def picture(boxes: np.ndarray, labels: tuple[str, ...], ignored: list[bool] | None = None) -> Picture:
    hidden = np.zeros(len(labels), bool) if ignored is None else np.array(ignored)
    pixels = np.zeros((100, 100, 3), np.uint8)
    return Picture("x", lambda: pixels, (100, 100), boxes.reshape(-1, 4).astype(np.float32), labels, hidden, "x:1")


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)


def plain_precision(found: list[Detections], pictures: list[Picture], label: str, threshold: float) -> float:
    """Average precision of a class: COCO's 101 recalls, each answer matched to the best object not yet taken."""
    answers = [
        (one.score, i, np.array(one[2:])) for i, f in enumerate(found) for one in f.candidates if one.label == label
    ]
    answers.sort(key=lambda one: -one[0])
    objects = [[box for box, own in zip(p.boxes, p.labels, strict=True) if own == label] for p in pictures]
    taken = [[False] * len(own) for own in objects]
    right = []
    for _, i, box in answers:
        fits = [(overlap(box, own), k) for k, own in enumerate(objects[i]) if not taken[i][k]]
        best = max(fits, default=(0.0, -1))
        right.append(best[0] >= threshold)
        if right[-1]:
            taken[i][best[1]] = True
    hits = np.cumsum(right)
    recall, precision = hits / sum(map(len, objects)), hits / np.arange(1, len(right) + 1)
    return float(np.mean([max(precision[recall >= r], default=0.0) for r in np.linspace(0, 1, 101)]))


def random_case(seed: int) -> tuple[list[Detections], list[Picture]]:
    draw = np.random.default_rng(seed)
    found, pictures = [], []
    for _ in range(12):
        count = int(draw.integers(1, 7))
        corner, side = draw.uniform(0, 60, (count, 2)), draw.uniform(8, 40, (count, 2))
        boxes = np.concatenate((corner, corner + side), 1).astype(np.float32).astype(float)
        labels = tuple(LABELS[k] for k in draw.integers(0, 3, count))
        pictures.append(picture(boxes, labels))
        answers = []
        for box, label in zip(boxes, labels, strict=True):
            for _ in range(int(draw.integers(0, 3))):
                near = box + draw.normal(0, 3, 4)
                kind = label if draw.random() < 0.85 else LABELS[draw.integers(3)]
                answers.append(Detection(kind, float(draw.random()), *near.tolist()))
        found.append(Detections((100, 100), tuple(sorted(answers, key=lambda one: -one.score)), 0.0))
    return found, pictures


@pytest.mark.parametrize("seed", range(8))
def test_scores_are_the_definition_written_out(seed: int) -> None:
    found, pictures = random_case(seed)
    scores = detection_scores(found, pictures)
    for label in LABELS:
        assert scores["map50"].parts[label] == pytest.approx(plain_precision(found, pictures, label, 0.5), abs=1e-6)
    whole = [plain_precision(found, pictures, c, t) for c in LABELS for t in np.arange(0.5, 0.96, 0.05)]
    assert scores["map"].value == pytest.approx(np.mean(whole), abs=1e-6)
    assert "faster-coco-eval" in scores["map"].signature


def test_the_objects_themselves_score_one_and_nothing_scores_none() -> None:
    _, pictures = random_case(0)
    right = [
        Detections(
            (100, 100), tuple(Detection(c, 0.9, *b) for c, b in zip(p.labels, p.boxes.tolist(), strict=True)), 0.0
        )
        for p in pictures
    ]
    assert detection_scores(right, pictures)["map"].value == pytest.approx(1.0)
    nothing = [Detections((100, 100), (), 0.0) for _ in pictures]
    assert detection_scores(nothing, pictures)["map50"].value == 0


def test_what_is_to_be_ignored_neither_helps_nor_hurts() -> None:
    boxes = np.array([[0, 0, 20, 20], [50, 50, 80, 80]], float)
    pictures = [picture(boxes, ("a", "a"), [False, True])]
    answers = (Detection("a", 0.9, 50, 50, 80, 80), Detection("a", 0.8, 0, 0, 20, 20))
    assert detection_scores([Detections((100, 100), answers, 0.0)], pictures)["map50"].value == pytest.approx(1.0)
    assert detection_scores([Detections((100, 100), answers[:1], 0.0)], pictures)["map50"].value == 0


def test_a_class_that_only_the_answers_have_is_left_out() -> None:
    pictures = [picture(np.array([[0, 0, 20, 20.0]]), ("a",))]
    answers = (Detection("b", 0.9, 0, 0, 20, 20), Detection("a", 0.8, 0, 0, 20, 20))
    scores = detection_scores([Detections((100, 100), answers, 0.0)], pictures)
    assert scores["map50"].parts == {"a": pytest.approx(1.0)}


def test_pictures_without_boxes_cannot_be_scored() -> None:
    with pytest.raises(UserError, match="no boxes"):
        detection_scores([Detections((100, 100), (), 0.0)], [picture(np.zeros((0, 4)), ())])
