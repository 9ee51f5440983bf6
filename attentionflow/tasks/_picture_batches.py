"""What tasks share that learn from whole pictures: settings, and batches cut out of one array of pixels.

Letters: B pictures, N all pictures, C channels, K targets, H height, W width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.models.picture_classifiers import FINEST, Sight
from attentionflow.readers.batches import even_batches
from attentionflow.settings import Settings
from attentionflow.tasks._augment_pictures import Augmentation, drawn
from attentionflow.tasks._canvas import Canvas

PREDICTION_PICTURES = 256  # of a batch at least, where nothing is learned


class SightSettings(Settings):
    size: int = Field(64, ge=8, description="pixels of the longer side of the picture that the network sees")
    patch: int = Field(8, ge=4, description="pixels of a side of the patches that attention runs over; a multiple of 4")
    batch_pictures: int = Field(64, ge=2, description="pictures of a batch")

    def sight(self, canvas: Canvas) -> Sight:
        """What the network looks at; UserError for a patch that it cannot have."""
        if self.patch % FINEST:
            raise UserError(f"patch={self.patch} is no multiple of {FINEST}")
        return Sight(len(canvas.mean), canvas.height, canvas.width, self.patch)


class PictureSettings(SightSettings):
    flips: Literal["none", "horizontal", "vertical", "both"] = Field(
        "horizontal", description="ways in which a picture is turned round at random in training"
    )
    shift: float = Field(
        0.08, ge=0, lt=0.5, description="share of a side by which training pictures are moved, at most"
    )
    erase: float = Field(0.25, ge=0, le=1, description="share of training pictures of which a part is erased")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the true label that goes to the others")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


@dataclass(frozen=True)
class Prepared:
    """Pixels (N, H, W, C) of all pictures in bytes, targets (N, K), rows (N,): which example each is."""

    pixels: np.ndarray
    targets: np.ndarray
    rows: np.ndarray


def picture_batches(prepared: Prepared, size: int, seed: int, epoch: int | None) -> list[np.ndarray]:
    """Indices of each batch of about `size` pictures."""
    return even_batches(len(prepared.rows), size, PREDICTION_PICTURES, seed, epoch)


def images_of(
    prepared: Prepared, canvas: Canvas, settings: PictureSettings, indices: np.ndarray, seed: int, epoch: int | None
) -> Tensor:
    """(B, C, H, W), with an epoch as they are seen in training."""
    images = canvas.normalise(prepared.pixels[indices])
    if epoch is None:
        return images
    ways = settings.flips in ("horizontal", "both"), settings.flips in ("vertical", "both")
    augmentation = Augmentation(*ways, settings.shift, settings.erase)
    return augmentation.changed(images, drawn(seed, epoch, len(prepared.rows))[indices])
