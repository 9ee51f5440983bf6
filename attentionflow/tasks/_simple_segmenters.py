"""What can be said of pixels without a network: one class everywhere, the usual class of a place, trees on colours.

Letters: N pictures, H height, W width, K classes, C features of a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from attentionflow.errors import UserError
from attentionflow.readers.masks import IGNORED, counted
from attentionflow.readers.segmented_pictures import SegmentedPicture
from attentionflow.tasks._augment_masks import all_masks, nearest
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._pixels import all_pixels

Answers = Iterator[np.ndarray]  # (H, W) bytes of each picture

STEP = 4  # pixels of a side of the places that trees tell apart
AROUND = (1, 3, 9)  # sides, in places, over which colours are averaged
MOST = 100_000  # training places
TREES, LEAF = 40, 5


def same_everywhere(train: Sequence[SegmentedPicture], test: Sequence[SegmentedPicture]) -> Answers:
    """The class with the most training pixels."""
    number = counted((one.mask.numbers() for one in train if one.mask), IGNORED).argmax()
    for one in test:
        yield np.full(one.answered_size[::-1], number, np.uint8)


def usual_at_each_place(train: Sequence[SegmentedPicture], test: Sequence[SegmentedPicture], canvas: Canvas) -> Answers:
    """The class that most training pictures have there."""
    counts = np.zeros((len(canvas.classes), canvas.height, canvas.width), np.int32)
    for mask in all_masks(train, canvas):
        for number in np.unique(mask[mask != IGNORED]):
            counts[number] += mask == number
    usual = counts.argmax(0).astype(np.uint8)
    for one in test:
        width, height = canvas.fitted(one.size)
        yield nearest(usual[:height, :width], *one.answered_size)


def trees(train: Sequence[SegmentedPicture], test: Sequence[SegmentedPicture], canvas: Canvas) -> Answers:
    """Extremely randomised trees (Geurts et al. 2006) on where a place is and on the mean colours around it."""
    try:
        from sklearn.ensemble import ExtraTreesClassifier
    except ImportError:
        raise UserError('the baselines need scikit-learn: pip install "attentionflow[image]"') from None
    features = _features(train, canvas).reshape(-1, 2 + 3 * len(AROUND))
    labels = all_masks(train, canvas)[:, STEP // 2 :: STEP, STEP // 2 :: STEP].reshape(-1)
    known = np.flatnonzero(labels != IGNORED)
    if len(known) > MOST:
        known = np.random.default_rng(0).choice(known, MOST, replace=False)
    forest = ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, random_state=0).fit(features[known], labels[known])
    for one in test:
        own = _features([one], canvas)[0]
        told = forest.predict(own.reshape(-1, own.shape[-1])).astype(np.uint8).reshape(own.shape[:2])
        width, height = canvas.fitted(one.size)
        whole = told.repeat(STEP, 0).repeat(STEP, 1)[:height, :width]
        yield nearest(whole, *one.answered_size)


def _features(pictures: Sequence[SegmentedPicture], canvas: Canvas) -> np.ndarray:
    """(N, H / STEP, W / STEP, C)"""
    pixels, _ = all_pixels(pictures, canvas)
    small = F.avg_pool2d(canvas.normalise(pixels), STEP)
    colours = [F.avg_pool2d(small, side, 1, side // 2, count_include_pad=False) for side in AROUND]
    rows, columns = (torch.linspace(0, 1, side) for side in small.shape[-2:])
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(len(small), -1, -1, -1)
    return torch.cat((places, *colours), dim=1).permute(0, 2, 3, 1).numpy()
