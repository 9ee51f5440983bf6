"""Sound files as samples: every format, other rates, several channels, and what cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from attentionflow.errors import DataError, UserError
from attentionflow.readers.audio import SOUNDS, Audio, audio_length, audio_rate, read_audio, resampled

RATE = 8_000


def tone(pitch: float = 440.0, rate: int = RATE, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def pitch_of(audio: Audio) -> float:
    return float(np.abs(np.fft.rfft(audio.samples)).argmax() / audio.seconds)


@pytest.mark.parametrize("kind", SOUNDS)
def test_every_format_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"tone{kind}"
    soundfile.write(path, tone(), RATE)
    audio = read_audio(path)
    assert audio.samples.dtype == np.float32
    assert (audio.rate, audio_rate(path)) == (RATE, RATE)
    assert audio.seconds == pytest.approx(0.5, abs=0.06)
    assert pitch_of(audio) == pytest.approx(440, abs=4)


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "two.wav", np.stack([tone(), np.zeros_like(tone())], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "two.wav").samples, tone() / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [4_000, 16_000, 11_025])
def test_another_rate_is_the_same_sound(rate: int) -> None:
    audio = resampled(Audio(tone(), RATE), rate)
    assert audio.rate == rate
    assert audio.seconds == pytest.approx(0.5, abs=0.001)
    assert pitch_of(audio) == pytest.approx(440, abs=4)
    inner = slice(rate // 20, -rate // 20)
    wanted = tone(rate=rate, seconds=0.51)[: len(audio.samples)]
    np.testing.assert_allclose(audio.samples[inner], wanted[inner], atol=0.01)


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    assert np.abs(resampled(Audio(tone(3_000), RATE), 4_000).samples[100:-100]).max() < 0.01


def test_the_same_rate_changes_nothing() -> None:
    audio = Audio(tone(), RATE)
    assert resampled(audio, RATE) is audio


@pytest.mark.parametrize("read", [read_audio, audio_rate])
def test_a_damaged_file_is_named(tmp_path: Path, read: object) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(b"no sound at all")
    with pytest.raises(DataError, match=r"bad\.wav: the sound cannot be read .*Play it"):
        read(path)  # type: ignore[operator]


def test_without_the_libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(UserError, match=r'need soundfile: pip install "attentionflow\[audio\]"'):
        read_audio(tmp_path / "any.wav")
    monkeypatch.setitem(sys.modules, "scipy.signal", None)
    with pytest.raises(UserError, match=r'SciPy: pip install "attentionflow\[audio\]"'):
        resampled(Audio(tone(), RATE), 4_000)


def test_a_part_of_a_file_is_that_part(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(tmp_path / "tone.wav", 100, 50).samples, tone()[100:150])
    assert audio_length(tmp_path / "tone.wav") == (len(tone()), RATE)


@pytest.mark.parametrize("read", [read_audio, audio_length])
def test_a_file_that_ends_too_early_is_named(tmp_path: Path, read: object) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(), RATE)
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(DataError, match=r"cut\.wav: the sound is cut off: its head tells of 0\.50 seconds, 0\.31 are"):
        read(path)  # type: ignore[operator]


def test_so_is_a_compressed_one(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 4 * RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut\.flac: the sound (is cut off|cannot be read)"):
        read_audio(path)


def test_a_rate_that_holds_no_sound_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", tone(), 1)
    with pytest.raises(DataError, match=r"slow\.wav: 1 samples a second, as its head says, hold no sound\. Write"):
        read_audio(tmp_path / "slow.wav")
