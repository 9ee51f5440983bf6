"""Pictures, their masks and what was answered, side by side.

Letters: H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from attentionflow.readers.image import preview
from attentionflow.readers.masks import IGNORED, ClassList
from attentionflow.readers.segmented_pictures import SegmentedPicture
from attentionflow.tasks._augment_masks import nearest
from attentionflow.tasks._segmentation import Segmentation

SHOWN, WIDTH, GAP = 6, 260, 6  # pictures, and pixels of each one's width and of what lies between
VEIL = 0.65  # how much of a pixel is the colour of its class
LINE = 20  # pixels of a line of the legend
UNKNOWN = (0, 0, 0)  # what is ignored


def colours_of(classes: ClassList) -> np.ndarray:
    """(K, 3) bytes: the colours of the list where it has some, else hues that are far from those before them."""
    if classes.coloured:
        return np.array(classes.codes, np.uint8)
    steps = np.arange(len(classes.names))
    hues = (steps * 0.61803398875) % 1  # by the golden ratio
    light = np.array([0.95, 0.7, 0.5])[steps % 3]
    wheel = np.clip(np.abs((hues[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return (255 * light[:, None] * (0.25 + 0.75 * wheel)).astype(np.uint8)


def overlay(pixels: np.ndarray, numbers: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) under the colours of its classes; numbers in any size."""
    table = np.full((IGNORED + 1, 3), UNKNOWN, np.uint8)
    table[: len(colours)] = colours
    own = table[nearest(numbers, pixels.shape[1], pixels.shape[0])]
    return np.rint(VEIL * own + (1 - VEIL) * pixels).astype(np.uint8)


def segmentation_picture(
    answers: Sequence[Segmentation], examples: Sequence[SegmentedPicture], classes: ClassList
) -> str:
    """SVG of some of the pictures, evenly spread: each, its mask and the answer, and which colour is which class."""
    colours = colours_of(classes)
    chosen = np.unique(np.linspace(0, len(examples) - 1, SHOWN).round().astype(int)).tolist()
    parts, top = [], LINE + GAP
    for column, title in enumerate(("picture", "mask", "answer")):
        parts.append(f'<text x="{column * (WIDTH + GAP)}" y="{LINE - 5}">{title}</text>')
    for at in chosen:
        pixels, mask = examples[at].pixels(), examples[at].mask
        height = round(WIDTH * pixels.shape[0] / pixels.shape[1])
        truth = None if mask is None else overlay(pixels, mask.numbers(), colours)
        for column, drawn in enumerate((pixels, truth, overlay(pixels, answers[at].numbers, colours))):
            if drawn is not None:
                parts.append(
                    f'<image x="{column * (WIDTH + GAP)}" y="{top}" width="{WIDTH}" height="{height}" '
                    f'href="{preview(drawn)}"><title>{escape(examples[at].where)}</title></image>'
                )
        top += height + GAP
    width, across = 3 * WIDTH + 2 * GAP, 4
    for at, name in enumerate((*classes.names, "ignored")):
        x, y = at % across * width // across, top + at // across * LINE
        red, green, blue = (*colours.tolist(), UNKNOWN)[at]
        parts.append(f'<rect x="{x}" y="{y + 3}" width="14" height="14" fill="rgb({red},{green},{blue})"/>')
        parts.append(f'<text x="{x + 19}" y="{y + 15}">{escape(name)}</text>')
    top += (len(classes.names) // across + 1) * LINE + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" viewBox="0 0 {width} {top}" '
        f'font-family="sans-serif" font-size="13" fill="#222"><rect width="{width}" height="{top}" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )
