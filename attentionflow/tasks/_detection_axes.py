"""The patches of a picture and the boxes found in it, as axes that are drawn on the picture.

Letters: R reduced pictures, P patches, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attentionflow.models.detector import BOXES, CHANNELS, PATCH, PATCHES, PICTURE
from attentionflow.readers.boxes import Picture
from attentionflow.readers.image import preview
from attentionflow.records import Axis
from attentionflow.task import Prediction
from attentionflow.tasks._canvas import Canvas


def detection_axes(
    canvas: Canvas, pictures: Sequence[Picture], predictions: Sequence[Prediction]
) -> dict[str, list[Axis]]:
    """Patches and boxes found of each example; where a network gates, its channels and the picture as a whole."""
    axes = {
        PATCHES: [_patches(canvas, picture) for picture in pictures],
        BOXES: [_boxes(picture, prediction) for picture, prediction in zip(pictures, predictions, strict=True)],
    }
    gates = [prediction.raw.gates for prediction in predictions]
    if any(gates):
        axes[CHANNELS] = [Axis("channel", tuple(f"channel {k + 1}" for k in range(count))) for count in gates]
        axes[PICTURE] = [Axis("picture", (picture.name,), ((0.0, 0.0, 1.0, 1.0),)) for picture in pictures]
    return axes


def _patches(canvas: Canvas, picture: Picture) -> Axis:
    """Row after row; a patch that lies beside the picture covers nothing of it."""
    width, height = canvas.fitted(picture.size)
    labels, spans = [], []
    for row in range(canvas.height // PATCH):
        for column in range(canvas.width // PATCH):
            left, top = column * PATCH, row * PATCH
            labels.append(f"row {row + 1}, column {column + 1}")
            right, bottom = min(left + PATCH, width), min(top + PATCH, height)
            there = left < width and top < height
            spans.append((left / width, top / height, right / width, bottom / height) if there else None)
    return Axis("patch", tuple(labels), tuple(spans), preview=preview(picture.pixels()))


def _boxes(picture: Picture, prediction: Prediction) -> Axis:
    width, height = picture.size
    asked = prediction.raw
    labels = [f"{one.label} {one.score:.2f}" for one in asked.boxes]
    if asked.empty:
        labels = [f"nothing: at most {label}" for label in labels]
    spans = [(one.left / width, one.top / height, one.right / width, one.bottom / height) for one in asked.boxes]
    return Axis("box", tuple(labels), tuple(spans))


def shown_patches(image: Tensor, kept: np.ndarray) -> Tensor:
    """(R, 3, H, W): the picture (1, 3, H, W) with the patches kept (R, P) and 0, the mean colour, everywhere else."""
    rows, columns = (side // PATCH for side in image.shape[-2:])
    mask = torch.from_numpy(kept).view(-1, 1, rows, columns)
    return image * mask.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
