"""Films: files of any container that PyAV reads, and folders of numbered frames, some moments of each.

A moment is chosen by time, not by number, so that a film of varying frame rate is sampled evenly; the frame that is
shown at a moment is taken. Frames come one at a time, and between moments that lie far apart the decoder jumps, so that
an hour of film needs the memory of a frame and the time of some seconds.
Letters: H height, W width.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.image import decode

VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts"),
    *(".wmv", ".flv", ".3gp", ".ogv", ".gif"),
)
INSTALL = 'pip install "attentionflow[video]"'
MISSING = 0.1  # share of a film, by its header, that may be missing before it counts as cut off

Frame = tuple[float, np.ndarray]  # when it is shown, in seconds or, of a folder, counted from 0; pixels (H, W, 3)


class Film(Protocol):
    """Pictures in time. unit: "s" where it is known when they are shown, "frame" where they are only counted."""

    @property
    def unit(self) -> str: ...
    @property
    def lasts(self) -> float:
        """How long, in this unit."""

    def frames(self, moments: int) -> Iterator[Frame]:
        """The frames at so many moments, evenly spread: in the middle of each of so many parts of the film."""


@dataclass(frozen=True)
class FilmFile:
    """A file, opened when asked for. where: its place, in errors."""

    path: Path
    where: str
    unit: str = "s"

    @property
    def lasts(self) -> float:
        shown, _, base = self._index
        return float(shown[-1] - shown[0] + _step(shown)) * base

    @property
    def origin(self) -> float:
        """The time stamp of its first frame, in seconds."""
        shown, _, base = self._index
        return int(shown[0]) * base

    def frames(self, moments: int, chosen: Sequence[int] | None = None) -> Iterator[Frame]:
        """chosen: numbers of the moments whose frames are wanted, rising; all unless given."""
        shown, keys, base = self._index
        at = middles(shown, moments)
        wanted = [int(shown[number]) for number in (at if chosen is None else [at[one] for one in chosen])]
        av = open_av()
        try:
            with av.open(str(self.path)) as container:
                for stamp, pixels in self._decoded(container, wanted, keys):
                    yield (stamp - int(shown[0])) * base, pixels
        except av.FFmpegError as error:
            raise damaged(self.where, error) from None

    @cached_property
    def _index(self) -> tuple[np.ndarray, np.ndarray, float]:
        """When every frame is shown, those from which decoding can begin, and the seconds of the stream's unit."""
        av = open_av()
        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    raise _fault(self.where, "holds no pictures", "Its tracks are sound or text; leave it out")
                return *self._time_stamps(container), float(container.streams.video[0].time_base)
        except av.FFmpegError as error:
            raise damaged(self.where, error) from None

    def _time_stamps(self, container: Any) -> tuple[np.ndarray, np.ndarray]:
        """When every frame is shown, and those from which decoding can begin, in units of the stream, without decoding
        any; DataError where the film is empty or cut off."""
        stream = container.streams.video[0]
        packets = [(one.pts, one.dts, one.is_keyframe) for one in container.demux(stream) if one.size]
        if not packets:
            raise _fault(self.where, "holds no frame", "Write it again, or leave it out")
        # Of old containers, which tell when a frame is decoded alone, the order is the same for evenly spread frames.
        stamps = [dts if pts is None else pts for pts, dts, _ in packets]
        if any(stamp is None for stamp in stamps):
            what = "does not tell when its frames are shown"
            raise _fault(self.where, what, "Pack it again: ffmpeg -i FILE -c copy FILE.mp4")
        shown = np.array(sorted(stamps), np.int64)
        keys = np.array(sorted(s for s, (_, _, key) in zip(stamps, packets, strict=True) if key), np.int64)
        declared = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
        there = float((shown[-1] - shown[0]) * stream.time_base) + _step(shown) * float(stream.time_base)
        what = ""
        if there < (1 - MISSING) * declared - 0.5:
            what = f"{there:.1f} of {declared:.1f} seconds"
        elif len(packets) < (1 - MISSING) * stream.frames - 1:
            what = f"{len(packets):,} of {stream.frames:,} frames"
        if what:
            raise _fault(self.where, f"is cut off: {what} are there", "Copy it again, or make a new header for it")
        return shown, keys

    def _decoded(self, container: Any, wanted: Sequence[int], keys: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Each of the wanted stamps, which rise and may repeat, and the frame that is shown then."""
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        left = list(wanted)
        frame, frames = None, container.decode(stream)
        while left:
            if frame is not None and len(near := keys[(keys > frame.pts) & (keys <= left[0])]):
                container.seek(int(near[-1]), stream=stream)
                frames = container.decode(stream)
            frame = next((one for one in frames if _stamp(one) >= left[0]), None)
            if frame is None:
                raise _fault(self.where, "cannot be decoded to its end", "Play it; if it is damaged, leave it out")
            pixels = upright(frame)
            while left and left[0] <= _stamp(frame):
                yield left.pop(0), pixels


@dataclass(frozen=True)
class FrameFolder:
    """Pictures in the order of the numbers in their names, each read when asked for."""

    names: tuple[str, ...]
    read: Callable[[str], bytes] = field(repr=False, compare=False)
    where: str
    unit: str = "frame"

    @property
    def lasts(self) -> float:
        return float(len(self.names))

    def frames(self, moments: int) -> Iterator[Frame]:
        ordered = sorted(self.names, key=natural)
        size = None
        for at in middles(np.arange(len(ordered)), moments):
            place = f"{self.where}/{Path(ordered[at]).name}"
            pixels = decode(self.read(ordered[at]), place)
            if size not in (None, pixels.shape):
                what = f"is of {pixels.shape[1]} x {pixels.shape[0]} pixels, and frames before it are not"
                raise _fault(place, what, "All frames of a clip must be alike")
            size = pixels.shape
            yield float(at), pixels


@dataclass(frozen=True, eq=False)
class FrameArray:
    """Pictures (T, H, W) or (T, H, W, 3) of bytes; seconds: from one to the next, where that is known."""

    pixels: np.ndarray
    seconds: float | None = None

    @property
    def unit(self) -> str:
        return "frame" if self.seconds is None else "s"

    @property
    def lasts(self) -> float:
        return len(self.pixels) * (self.seconds or 1.0)

    def frames(self, moments: int) -> Iterator[Frame]:
        for at in middles(np.arange(len(self.pixels)), moments):
            one = self.pixels[at]
            yield at * (self.seconds or 1.0), np.repeat(one[:, :, None], 3, axis=2) if one.ndim == 2 else one


def middles(shown: np.ndarray, moments: int) -> list[int]:
    """Which frame is shown in the middle of each of so many equally long parts of the film, by time.

    The last frame is shown as long as the middle one of the others.
    """
    start, end = float(shown[0]), float(shown[-1]) + _step(shown)
    times = start + (np.arange(moments) + 0.5) * (end - start) / moments
    return np.clip(np.searchsorted(shown, times, side="right") - 1, 0, len(shown) - 1).tolist()


def natural(name: str) -> list[Any]:
    """A key by which 2.png comes before 10.png."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in re.split(r"(\d+)", name)]


def _step(shown: np.ndarray) -> float:
    return float(np.median(np.diff(shown))) if len(shown) > 1 else 1.0


def _stamp(frame: Any) -> int:
    return int(frame.dts if frame.pts is None else frame.pts)


def upright(frame: Any) -> np.ndarray:
    """Pixels (H, W, 3), turned as the film says that it was held."""
    pixels = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def open_av() -> ModuleType:
    """PyAV; UserError where it is not installed."""
    try:
        import av
    except ImportError:
        raise UserError(f"films need PyAV: {INSTALL}") from None
    return av


def _fault(where: str, what: str, remedy: str) -> DataError:
    return DataError(what, file=where, remedy=remedy)


def damaged(where: str, error: Exception) -> DataError:
    """What to say where PyAV cannot go on."""
    reason = getattr(error, "strerror", None) or str(error)
    return _fault(where, f"cannot be read as a film ({reason})", "Play it; if it is damaged, leave it out")
