"""Samples as a WAV file.

Letters: N samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

PIECE = 1 << 16  # samples written at a time
LARGEST = 2**32 - 1  # size that the head can tell


def wav(samples: np.ndarray, rate: int) -> Iterator[bytes]:
    """A mono file of 16 bits (RIFF) piece by piece, of samples (N,) from -1 to 1; what is louder is cut."""
    size = 2 * len(samples)
    form = b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16
    fields = b"RIFF", min(36 + size, LARGEST), b"WAVE", *form, b"data", min(size, LARGEST)
    yield struct.pack("<4sI4s4sIHHIIHH4sI", *fields)
    for start in range(0, len(samples), PIECE):
        yield (samples[start : start + PIECE].clip(-1, 1) * 32767).round().astype("<i2").tobytes()
