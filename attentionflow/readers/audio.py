"""Sound files to samples, at the rate that is asked for. WAV, FLAC, Ogg and MP3 through soundfile.

Letters: N samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np

from attentionflow.errors import DataError, UserError

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
LOWEST_RATE = 1000
SPARE = 0.1  # seconds by which a decoder may give less than the head of a compressed file tells
UNKNOWN_SIZE = 2**32 - 1  # in the head of a WAV file that was written as a stream
INSTALL = 'pip install "attentionflow[audio]"'


@dataclass(frozen=True, eq=False)
class Audio:
    """samples: (N,) float32 from -1 to 1; rate: samples a second."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def read_audio(path: Path, first: int = 0, count: int | None = None) -> Audio:
    """All samples of a file, or `count` of them from `first`, its channels averaged.

    DataError for one that cannot be decoded, that ends before its head says, or whose rate holds no sound.
    """
    soundfile = _soundfile()
    length, rate = audio_length(path)
    count = length - first if count is None else count
    try:
        with soundfile.SoundFile(path) as file:
            file.seek(first)
            samples = file.read(count, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise _unreadable(path, error) from None
    if count - len(samples) > SPARE * rate:
        raise _cut_off(path, length / rate, (first + len(samples)) / rate)
    return Audio(samples.mean(1) if samples.shape[1] > 1 else samples[:, 0], rate)


def audio_length(path: Path) -> tuple[int, int]:
    """Samples, and samples a second, from the head of the file; DataError as for `read_audio`."""
    soundfile = _soundfile()
    try:
        head = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise _unreadable(path, error) from None
    length, rate = int(head.frames), int(head.samplerate)
    if rate < LOWEST_RATE:
        raise DataError(
            f"{rate} samples a second, as its head says, hold no sound",
            file=path,
            remedy=f"Write the rate that it was recorded at into the file; {LOWEST_RATE} is the least that is read",
        )
    if (promised := _promised_bytes(path)) and promised > (there := path.stat().st_size):
        raise _cut_off(path, length / rate * promised / there, length / rate)
    return length, rate


def audio_rate(path: Path) -> int:
    """Samples a second, from the head of the file."""
    return audio_length(path)[1]


def _promised_bytes(path: Path) -> int:
    """Size of a WAV file by its head, which libsndfile mends in silence; 0 for other files, or where it tells none."""
    with path.open("rb") as file:
        head = file.read(12)
    size = int.from_bytes(head[4:8], "little")
    return size + 8 if head[:4] == b"RIFF" and head[8:] == b"WAVE" and size not in (0, UNKNOWN_SIZE) else 0


def _cut_off(path: Path, promised: float, there: float) -> DataError:
    return DataError(
        f"the sound is cut off: its head tells of {promised:.2f} seconds, {there:.2f} are there",
        file=path,
        remedy="Copy or download it again, or write what is left of it anew",
    )


def resampled(audio: Audio, rate: int) -> Audio:
    """The same sound at another rate, by a polyphase low-pass filter that lets nothing above half the new rate by."""
    if audio.rate == rate:
        return audio
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise UserError(
            f"sound at {audio.rate} Hz must be brought to {rate} Hz, which needs SciPy: {INSTALL}"
        ) from None
    ratio = Fraction(rate, audio.rate)
    samples = resample_poly(audio.samples, ratio.numerator, ratio.denominator).astype(np.float32)
    return Audio(samples, rate)


def _soundfile() -> ModuleType:
    try:
        import soundfile
    except ImportError:
        raise UserError(f"sound files need soundfile: {INSTALL}") from None
    return soundfile


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    remedy = f"Play it; if it is damaged, leave it out. Formats that are read: {', '.join(SOUNDS)}"
    return DataError(f"the sound cannot be read ({reason})", file=path, remedy=remedy)
