"""Many pictures as one array, so that a batch is cut out by its indices and nothing waits for a file in training.

Letters: N pictures, H height, W width, C channels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import numpy as np

from attentionflow._cores import over_cores
from attentionflow.readers.labelled_pictures import PictureArray
from attentionflow.tasks._canvas import Canvas, Drawable

IN_MEMORY = 1 << 30  # bytes; more are kept in a temporary file and mapped from there


def all_pixels(pictures: Sequence[Drawable], canvas: Canvas) -> tuple[np.ndarray, int]:
    """(N, H, W, C) bytes as the canvas draws them, each picture decoded once; and how many had to be scaled."""
    shape = len(pictures), canvas.height, canvas.width, len(canvas.mean)
    if isinstance(pictures, PictureArray) and pictures.pixels.size == np.prod(shape):
        sides = pictures.pixels.shape[1:3]
        if sides == shape[1:3]:
            return pictures.pixels.reshape(shape), 0
    made = room(shape)

    def draw(index: int) -> bool:
        pixels = pictures[index].pixels()
        made[index] = canvas.placed(pixels)
        size = pixels.shape[1], pixels.shape[0]
        return canvas.fitted(size) != size

    return made, sum(over_cores(draw, range(len(pictures))))


def scaling_note(scaled: int, count: int, canvas: Canvas) -> list[str]:
    """That so many of `count` training pictures are scaled; nothing where none is."""
    sides = f"{canvas.width} x {canvas.height}"
    return [f"{scaled:,} of {count:,} training pictures are scaled to fit into {sides} pixels"] if scaled else []


def room(shape: tuple[int, ...]) -> np.ndarray:
    """In memory, or in a file that lies in the folder that TMPDIR names and is gone with the process."""
    if np.prod(shape, dtype=float) <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)  # the map keeps the file alive
