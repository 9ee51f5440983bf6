"""Whole numbers of any count, written once to a temporary file and mapped from there, so that memory holds none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable

import numpy as np


def stored(arrays: Iterable[np.ndarray], largest: int) -> np.ndarray:
    """These arrays one after the other, none above `largest`. The file lies in the folder that TMPDIR names, and is
    gone with the process."""
    dtype = np.dtype(np.uint16 if largest < 1 << 16 else np.uint32)
    with tempfile.TemporaryFile() as file:
        count = 0
        for array in arrays:
            array.astype(dtype).tofile(file)
            count += len(array)
        file.flush()
        # The map keeps the file alive after it is closed; nothing can be mapped of no bytes.
        return np.memmap(file, dtype, "r", shape=(count,)) if count else np.zeros(0, dtype)
