"""Long sounds piece by piece are the sounds themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from attentionflow.errors import DataError
from attentionflow.readers import sound_blocks
from attentionflow.readers.audio import Audio, resampled
from attentionflow.readers.mel import log_mel
from attentionflow.readers.sound_blocks import blocks, log_mel_of
from attentionflow.readers.utterances import Frames, Held, Sound, SoundFile


def noise(seconds: float, rate: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)


@pytest.fixture(params=["file", "memory"])
def sounds(request: pytest.FixtureRequest, tmp_path: Path) -> Sound:
    samples = noise(7.3, 6_000)
    soundfile.write(tmp_path / "long.wav", samples, 6_000, subtype="FLOAT")
    return SoundFile(tmp_path / "long.wav") if request.param == "file" else Held(Audio(samples, 6_000))


@pytest.mark.parametrize("rate", [6_000, 4_000])
def test_blocks_put_together_are_the_sound(sounds: Sound, rate: int) -> None:
    found = list(blocks(sounds, rate, seconds=2, margin=1))
    assert [block.start for block in found] == [at * 2 * rate for at in range(4)]
    joined = np.concatenate([block.inner(block.audio.samples) for block in found])
    whole = sounds.load()
    assert isinstance(whole, Audio)
    wanted = resampled(whole, rate).samples
    assert len(joined) == len(wanted)
    np.testing.assert_allclose(joined, wanted, atol=1e-5)


@pytest.mark.parametrize(("rate", "frame_rate"), [(6_000, 50), (4_000, 37)])
def test_the_spectrogram_of_a_long_sound_is_that_of_the_whole(
    sounds: Sound, rate: int, frame_rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_blocks.blocks, "__defaults__", (None, 2, 1))
    found = log_mel_of(sounds, rate, 12, frame_rate)
    whole = sounds.load()
    assert isinstance(whole, Audio)
    wanted = log_mel(resampled(whole, rate), 12, frame_rate)
    assert found.dtype == np.float16
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=0.02)


def test_an_empty_sound_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), 8_000)
    with pytest.raises(DataError, match=r"none\.wav: the sound is empty"):
        list(blocks(SoundFile(tmp_path / "none.wav")))


def test_features_are_no_sound() -> None:
    with pytest.raises(DataError, match="an array of features where a sound is needed"):
        list(blocks(Held(Frames(np.zeros((3, 4), np.float32)))))
