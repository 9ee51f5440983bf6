"""Long sounds block by block, so that an hour needs no more memory than a minute.

Letters: N samples, T frames, F bands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.audio import Audio, audio_length, read_audio, resampled
from attentionflow.readers.mel import log_mel
from attentionflow.readers.utterances import Sound, SoundFile

BLOCK = 30  # seconds; whole ones, so that a block begins with a sample at any rate
MARGIN = 1  # seconds read on both sides of a block, for filters and windows


@dataclass(frozen=True, eq=False)
class Block:
    """A piece of a sound: `count` samples from `start`, within `audio` after `before` samples of what precedes them."""

    audio: Audio
    start: int
    before: int
    count: int

    def inner(self, samples: np.ndarray) -> np.ndarray:
        """Of samples as many as the block's with its margins, those without."""
        return samples[self.before : self.before + self.count]


def blocks(sound: Sound, rate: int | None = None, seconds: int = BLOCK, margin: int = MARGIN) -> Iterator[Block]:
    """The whole sound in order, at `rate`, its own unless given; files are read piece by piece."""
    whole = None if isinstance(sound, SoundFile) else sound.load()
    if whole is not None and not isinstance(whole, Audio):
        raise DataError("an array of features where a sound is needed")
    if isinstance(sound, SoundFile):
        length, own = audio_length(sound.path)
        if length == 0:
            sound.load()  # says that it is empty
    else:
        assert whole is not None
        length, own = len(whole.samples), whole.rate
    rate = rate or own
    for start in range(0, max(1, length), seconds * own):
        first = max(0, start - margin * own)
        last = min(length, start + (seconds + margin) * own)
        if isinstance(sound, SoundFile):
            piece = read_audio(sound.path, first, last - first)
        else:
            assert whole is not None
            piece = Audio(whole.samples[first:last], own)
        audio = resampled(piece, rate)
        at, before = start // own * rate, (start - first) // own * rate
        count = seconds * rate if last - start > seconds * own else len(audio.samples) - before
        yield Block(audio, at, before, min(count, seconds * rate))


def log_mel_of(sound: Sound, rate: int, bands: int, frame_rate: int) -> np.ndarray:
    """(T, F) float16: `log_mel` of the whole sound at `rate`, however long it is."""
    hop = round(rate / frame_rate)
    made: list[np.ndarray] = []
    done = 0  # frames
    for block in blocks(sound, rate):
        place = block.before + done * hop - block.start  # of the centre of the next frame, within the block
        lead = place // hop
        frames = log_mel(Audio(block.audio.samples[place - lead * hop :], rate), bands, frame_rate)[lead:]
        inner = frames[: -(-(block.start + block.count) // hop) - done]
        ends = block.before + block.count == len(block.audio.samples)
        kept = frames if ends else inner
        made.append(kept.astype(np.float16))
        done += len(kept)
    return np.concatenate(made)
