"""Mean average precision as COCO defines it (Lin et al. 2014), computed by faster-coco-eval."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.boxes import Picture
from attentionflow.task import Score
from attentionflow.tasks._detections import Detections

MOST = 100  # boxes of a picture that count, the surest


def detection_scores(found: Sequence[Detections], pictures: Sequence[Picture]) -> dict[str, Score]:
    """map50: the mean over classes of the area under precision against recall, where a box counts as right that
    overlaps an object of its class, not yet found by a surer one, by at least half. map: the same, mean over the
    overlaps 0.5, 0.55 ... 0.95. Classes without an object in these pictures are left out; objects that are marked as
    difficult or as a crowd neither help nor hurt."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        raise UserError('to score boxes: pip install "attentionflow[image]"') from None
    labels = sorted({label for picture in pictures for label in picture.labels})
    if not labels:
        raise UserError("these pictures have no boxes to be scored against")
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    truth: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for image, (one, picture) in enumerate(zip(found, pictures, strict=True), start=1):
        for box, label, ignored in zip(picture.boxes.tolist(), picture.labels, picture.ignored.tolist(), strict=True):
            left, top, right, bottom = box
            sides = right - left, bottom - top
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": image,
                    "category_id": numbers[label],
                    "bbox": [left, top, *sides],
                    "area": sides[0] * sides[1],
                    "iscrowd": int(ignored),
                }
            )
        for label, score, left, top, right, bottom in one.candidates[:MOST]:
            if label in numbers:
                answers.append(
                    {
                        "image_id": image,
                        "category_id": numbers[label],
                        "bbox": [left, top, right - left, bottom - top],
                        "score": score,
                    }
                )
    images = [{"id": i, "width": p.size[0], "height": p.size[1]} for i, p in enumerate(pictures, start=1)]
    page = {"images": images, "annotations": truth, "categories": [{"id": n, "name": c} for c, n in numbers.items()]}
    precision = np.zeros((10, 101, len(labels)))
    precision[
        :, :, [all(p.ignored[i] for p in pictures for i in range(len(p.labels)) if p.labels[i] == c) for c in labels]
    ] = -1
    if answers:
        known = COCO(page, print_function=_quiet)
        judge = COCOeval_faster(known, known.loadRes(answers), "bbox", print_function=_quiet)
        judge.evaluate()
        judge.accumulate()
        precision = judge.eval["precision"][:, :, :, 0, -1]  # overlaps, recalls, classes; any size, MOST boxes
    signature = f"boxes:{MOST}|recalls:101|overlap:{{}}|faster-coco-eval|version:{version('faster-coco-eval')}"
    return {
        "map50": _score(precision[:1], labels, signature.format("0.5")),
        "map": _score(precision, labels, signature.format("0.5 to 0.95")),
    }


def _score(precision: np.ndarray, labels: Sequence[str], signature: str) -> Score:
    """-1 marks a class without objects."""
    parts = {
        label: float(precision[:, :, at].mean()) for at, label in enumerate(labels) if (precision[:, :, at] >= 0).all()
    }
    return Score(float(np.mean(list(parts.values()))), signature=signature, parts=parts)


def _quiet(*_: object) -> None:
    """Nothing is printed."""
