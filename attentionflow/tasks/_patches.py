"""The patches that attention over a picture runs over: where they lie on it, and how they are taken out of it.

Letters: R reduced pictures, P patches, C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from attentionflow.models.picture_classifiers import PATCHES, PICTURE, Gated
from attentionflow.readers.image import preview
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.records import Axis
from attentionflow.tasks._canvas import Canvas, Drawable
from attentionflow.tasks._sheet import Box


def patch_axis(canvas: Canvas, picture: Drawable, patch: int, kind: str = "patch") -> Axis:
    """Squares of `patch` pixels of the canvas, row after row, with their left, top, right and bottom as shares of the
    picture; one that lies beside the picture covers nothing of it."""
    pixels = picture.pixels()
    width, height = canvas.fitted((pixels.shape[1], pixels.shape[0]))
    labels, spans = [], []
    for row in range(canvas.height // patch):
        for column in range(canvas.width // patch):
            left, top = column * patch, row * patch
            labels.append(f"row {row + 1}, column {column + 1}")
            right, bottom = min(left + patch, width), min(top + patch, height)
            there = left < width and top < height
            spans.append((left / width, top / height, right / width, bottom / height) if there else None)
    return Axis(kind, tuple(labels), tuple(spans), preview=preview(pixels))


def grid(rows: int, columns: int) -> tuple[list[Box], list[str]]:
    """Where the patches of a whole canvas lie on it, row after row, and what they are called."""
    places = [(row, column) for row in range(rows) for column in range(columns)]
    boxes = [(column / columns, row / rows, (column + 1) / columns, (row + 1) / rows) for row, column in places]
    return boxes, [f"row {row + 1}, column {column + 1}" for row, column in places]


def picture_axes(
    canvas: Canvas, pictures: Sequence[LabelledPicture], patch: int, gated: Sequence[Gated]
) -> dict[str, list[Axis]]:
    """The streams of a network that looks at whole pictures. Patches, and the finer places that are gated, lie on the
    picture by their corners."""
    axes = {PATCHES: [patch_axis(canvas, one, patch) for one in pictures]}
    for level in gated:
        channels = Axis("channel", tuple(f"channel {k + 1}" for k in range(level.width)))
        axes[level.channels] = [channels] * len(pictures)
        axes[level.places] = [patch_axis(canvas, one, level.patch) for one in pictures]
    if gated:
        axes[PICTURE] = [Axis("picture", (one.name,), ((0.0, 0.0, 1.0, 1.0),)) for one in pictures]
    return axes


def shown_patches(image: Tensor, kept: np.ndarray, patch: int) -> Tensor:
    """(R, C, H, W): the picture (1, C, H, W) with the patches kept (R, P) and 0, the mean colour, everywhere else."""
    rows, columns = (side // patch for side in image.shape[-2:])
    mask = torch.from_numpy(kept).view(-1, 1, rows, columns)
    return image * mask.repeat_interleave(patch, 2).repeat_interleave(patch, 3)
