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
INSTALL = 'pip install "attentionflow[audio]"'


@dataclass(frozen=True, eq=False)
class Audio:
    """samples: (N,) float32 from -1 to 1; rate: samples a second."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def read_audio(path: Path) -> Audio:
    """All samples of a file, its channels averaged. DataError for one that cannot be decoded."""
    soundfile = _soundfile()
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise _unreadable(path, error) from None
    return Audio(samples.mean(1) if samples.shape[1] > 1 else samples[:, 0], rate)


def audio_rate(path: Path) -> int:
    """Samples a second, from the head of the file."""
    soundfile = _soundfile()
    try:
        return int(soundfile.info(path).samplerate)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise _unreadable(path, error) from None


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
