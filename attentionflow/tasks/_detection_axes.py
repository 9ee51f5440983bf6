"""The patches of a picture and the boxes found in it, as axes that are drawn on the picture."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.models.detector import BOXES, CHANNELS, PATCH, PATCHES, PICTURE
from attentionflow.readers.boxes import Picture
from attentionflow.records import Axis
from attentionflow.task import Prediction
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._patches import patch_axis


def detection_axes(
    canvas: Canvas, pictures: Sequence[Picture], predictions: Sequence[Prediction]
) -> dict[str, list[Axis]]:
    """Patches and boxes found of each example; where a network gates, its channels and the picture as a whole."""
    axes = {
        PATCHES: [patch_axis(canvas, picture, PATCH) for picture in pictures],
        BOXES: [_boxes(picture, prediction) for picture, prediction in zip(pictures, predictions, strict=True)],
    }
    gates = [prediction.raw.gates for prediction in predictions]
    if any(gates):
        axes[CHANNELS] = [Axis("channel", tuple(f"channel {k + 1}" for k in range(count))) for count in gates]
        axes[PICTURE] = [Axis("picture", (picture.name,), ((0.0, 0.0, 1.0, 1.0),)) for picture in pictures]
    return axes


def _boxes(picture: Picture, prediction: Prediction) -> Axis:
    width, height = picture.size
    asked = prediction.raw
    labels = [f"{one.label} {one.score:.2f}" for one in asked.boxes]
    if asked.empty:
        labels = [f"nothing: at most {label}" for label in labels]
    spans = [(one.left / width, one.top / height, one.right / width, one.bottom / height) for one in asked.boxes]
    return Axis("box", tuple(labels), tuple(spans))
