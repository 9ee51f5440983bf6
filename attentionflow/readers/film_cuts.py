"""A film cut down to some stretches of it, with its sound, and single frames as pictures.

Frames and sound come and go one at a time, so that the memory does not grow with the film.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.video import FilmFile, damaged, open_av, upright

ENCODERS = ("libx264", "mpeg4")  # the first that this build of PyAV has
PIECE = 1 << 20  # bytes

Seconds = tuple[float, float]


def cut_film(film: FilmFile, stretches: Sequence[Seconds]) -> Iterator[bytes]:
    """An MP4 file of these stretches one after the other, piece by piece: H.264, and AAC where the film has sound.

    stretches: seconds from the film's first frame, rising.
    """
    av = open_av()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut.mp4"
        try:
            with av.open(str(film.path)) as given, av.open(str(path), "w") as made:
                _write(av, given, made, film.origin, stretches)
        except av.FFmpegError as error:
            raise damaged(film.where, error) from None
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                yield piece


def key_frame(film: FilmFile, moments: int, moment: int) -> Iterator[bytes]:
    """A PNG of the frame in the middle of one of so many equally long parts of the film."""
    try:
        from PIL import Image
    except ImportError:
        raise UserError('key frames need Pillow: pip install "attentionflow[video]"') from None
    _, pixels = next(film.frames(moments, [moment]))
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    yield buffer.getvalue()


def _write(av: Any, given: Any, made: Any, origin: float, stretches: Sequence[Seconds]) -> None:
    """origin: the time stamp of the film's first frame, in seconds."""
    seen = given.streams.video[0]
    pictures = Pictures(av, made, seen)
    sound = Sound(av, made, given.streams.audio[0]) if given.streams.audio else None
    shown = Fraction(0)
    for start, end in stretches:
        first, last = (Fraction(origin + time).limit_denominator(10**6) for time in (start, end))
        pictures.write(_decoded(given, seen, first), first, last, shown)
        if sound is not None:
            sound.write(_decoded(given, sound.heard, first), first, last, shown)
        shown += last - first
    pictures.end()
    if sound is not None:
        sound.end()


def _decoded(given: Any, stream: Any, first: Fraction) -> Iterator[Any]:
    """Frames of a stream from one that is not after this time."""
    given.seek(max(0, int(first / stream.time_base)), stream=stream)
    yield from given.decode(stream)


class Pictures:
    """The track of pictures, in the time base of the given one; odd sides lose a pixel, as H.264 needs even ones."""

    def __init__(self, av: Any, made: Any, seen: Any) -> None:
        self.av, self.made, self.base = av, made, seen.time_base
        encoder = next(name for name in ENCODERS if name in av.codecs_available)
        self.track = made.add_stream(encoder, rate=seen.average_rate or 25)
        self.track.pix_fmt = "yuv420p"
        self.track.codec_context.time_base = self.base
        self.sized = False

    def write(self, frames: Iterator[Any], first: Fraction, last: Fraction, shown: Fraction) -> None:
        for frame in frames:
            if frame.pts is None or frame.pts * self.base < first:
                continue
            if frame.pts * self.base >= last:
                return
            pixels = upright(frame)
            height, width = (side // 2 * 2 for side in pixels.shape[:2])
            if not self.sized:
                self.track.height, self.track.width, self.sized = height, width, True
            one = self.av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
            one.pts, one.time_base = round((frame.pts * self.base - first + shown) / self.base), self.base
            self.made.mux(self.track.encode(one))

    def end(self) -> None:
        self.made.mux(self.track.encode())


class Sound:
    """The first track of sound, in one channel or two; samples are cut at the very times of the stretches."""

    def __init__(self, av: Any, made: Any, heard: Any) -> None:
        self.av, self.made, self.heard, self.rate = av, made, heard, heard.rate
        self.layout = "mono" if heard.channels == 1 else "stereo"
        self.track = made.add_stream("aac", rate=self.rate, layout=self.layout)

    def write(self, frames: Iterator[Any], first: Fraction, last: Fraction, shown: Fraction) -> None:
        resampler = self.av.AudioResampler(format="fltp", layout=self.layout, rate=self.rate)
        start, stop, begun = round(first * self.rate), round(last * self.rate), round(shown * self.rate)
        for frame in frames:
            if frame.pts is None:
                continue
            at = round(frame.pts * frame.time_base * self.rate)
            if at >= stop:
                return
            for one in resampler.resample(frame):
                samples = one.to_ndarray()
                kept = samples[:, max(0, start - at) : stop - at]
                if kept.shape[1]:
                    piece = self.av.AudioFrame.from_ndarray(np.ascontiguousarray(kept), "fltp", self.layout)
                    piece.sample_rate, piece.time_base = self.rate, Fraction(1, self.rate)
                    piece.pts = begun + max(at - start, 0)
                    self.made.mux(self.track.encode(piece))
                at += samples.shape[1]

    def end(self) -> None:
        self.made.mux(self.track.encode())
