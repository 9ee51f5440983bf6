"""Pictures and their masks as batches: on one canvas, and changed at random together.

Each change is a pure function of seed, epoch and index. Letters: B pictures, N all pictures, C channels, H height,
W width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow._cores import over_cores
from attentionflow.readers.masks import IGNORED
from attentionflow.readers.segmented_pictures import SegmentedPicture
from attentionflow.tasks._augment_boxes import affine, colours, origins
from attentionflow.tasks._canvas import Canvas


def all_masks(pictures: Sequence[SegmentedPicture], canvas: Canvas) -> np.ndarray:
    """(N, H, W) bytes on the canvas, each pixel the nearest of its mask; ignored where there is none."""
    made = np.full((len(pictures), canvas.height, canvas.width), IGNORED, np.uint8)

    def draw(index: int) -> None:
        if (mask := pictures[index].mask) is not None:
            width, height = canvas.fitted(pictures[index].size)
            made[index, :height, :width] = nearest(mask.numbers(), width, height)

    for _ in over_cores(draw, range(len(pictures))):
        pass
    return made


def nearest(numbers: np.ndarray, width: int, height: int) -> np.ndarray:
    """A mask in another size: the class at the middle of each new pixel."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip((height, width), numbers.shape, strict=True)
    )
    return numbers[rows[:, None], columns]


def changed(
    images: Tensor,
    masks: Tensor,
    keys: Sequence[tuple[int, int, int]],
    scale: tuple[float, float],
    turned: tuple[bool, bool],
    colour: float,
) -> tuple[Tensor, Tensor]:
    """Pictures (B, C, H, W), 0 being the mean colour, and masks (B, H, W): scaled, turned round, moved, and coloured.

    keys: seed, epoch and index of each. What comes in from outside is the mean colour, and ignored.
    """
    height, width = images.shape[-2:]
    changes, gains, offsets = [], [], []
    for key in keys:
        draw = np.random.default_rng(key)
        changes.append(affine(draw, width, height, scale, *turned))
        gain, offset = colours(draw, colour)
        gains.append(gain)
        offsets.append(offset)
    gained, shifted = (torch.from_numpy(np.stack(values))[:, :, None, None] for values in (gains, offsets))
    places = origins(images, np.array(changes))
    images = F.grid_sample(images * gained + shifted, places, align_corners=False)
    # Outside a picture the sampler finds 0, so that what is there is counted from 1.
    masks = F.grid_sample(1.0 + masks[:, None].float(), places, mode="nearest", align_corners=False)[:, 0].long() - 1
    return images, torch.where(masks < 0, IGNORED, masks)
