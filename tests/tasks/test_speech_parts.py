"""The parts of speech synthesis: faults of an alignment, distortion, sound from a spectrogram, and simple voices."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.readers.audio import Audio
from attentionflow.readers.mel import frame_sizes, log_mel, triangles
from attentionflow.readers.spectrogram import Spectrograms
from attentionflow.readers.utterances import Held, Utterance
from attentionflow.tasks._griffin_lim import frequencies_of, sound_of
from attentionflow.tasks._simple_voices import _edits, simple_voices
from attentionflow.tasks._speech import faults
from attentionflow.tasks._synthesis_scores import DECIBELS, cepstra, distortion, synthesis_scores

LETTERS = (" ", "o", "n", "e", " ", "t", "w", "o", " ", "s", "i", "x", "")
MADE_BY = Spectrograms(8_000, 64, 100, window=0.04, floor=1e-5)


def path(*runs: tuple[int, int]) -> np.ndarray:
    """Letter and how many rows read it, one after the other."""
    return np.concatenate([np.full(count, letter) for letter, count in runs])


# Faults


def test_a_text_that_is_read_once_has_no_fault() -> None:
    assert faults(path(*((at, 2) for at in range(13))), LETTERS, forced=False) == ((), ())
    assert faults(path(*((at, 2) for at in range(13))), LETTERS, forced=True) == ((), ())


def test_a_word_that_no_row_reads_is_skipped() -> None:
    one, six = ((at, 2) for at in range(4)), ((at, 2) for at in range(8, 13))
    assert faults(path(*one, *six), LETTERS, forced=False) == (("two",), ())


def test_on_a_forced_way_a_word_with_the_least_of_rows_is_skipped() -> None:
    found = path(*((at, 1 if 5 <= at <= 7 else 3) for at in range(13)))
    assert faults(found, LETTERS, forced=True) == (("two",), ())
    assert faults(found, LETTERS, forced=False) == ((), ())


def test_a_word_that_is_come_back_to_is_repeated() -> None:
    one, two, six = ([(at, 2) for at in part] for part in (range(4), range(4, 8), range(8, 13)))
    assert faults(path(*one, *two, *one, *two, *six), LETTERS, forced=False) == ((), ("one", "two"))
    # What is read late for the first time is not said twice, nor is a word of which a glance back sees a letter.
    assert faults(path(*two, *one, *six), LETTERS, forced=False) == ((), ())
    assert faults(path(*one, (5, 1), (3, 1), *two, *six), LETTERS, forced=False) == ((), ())
    assert faults(path(*one, (2, 1), (1, 1), *two, *six), LETTERS, forced=False) == ((), ())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_skipped_and_repeated_are_never_the_same(letters: list[int]) -> None:
    skipped, repeated = faults(np.array(letters), LETTERS, forced=False)
    assert not set(skipped) & set(repeated)
    assert {*skipped, *repeated} <= {"one", "two", "six"}


# Distortion


def test_cepstra_are_those_of_the_cosine_transform() -> None:
    dct = pytest.importorskip("scipy.fft", reason="SciPy is not installed").dct
    frames = np.random.default_rng(0).normal(size=(7, 40)).astype(np.float32)
    wanted = dct(frames.astype(np.float64) / 2, type=2, axis=1)[:, 1:14] / 40
    np.testing.assert_allclose(cepstra(frames), wanted, atol=1e-9)


def test_distortion_is_the_root_mean_square_of_a_smooth_difference_in_decibels() -> None:
    """Spectra that differ by a cosine of 3 dB amplitude are 3 / sqrt(2) dB apart; the loudness plays no part."""
    places = (np.arange(64) + 0.5) / 64
    frames = np.random.default_rng(0).normal(size=(9, 64)) * 0.1
    louder = frames + 2 / DECIBELS / 2 * 3 * np.cos(np.pi * 4 * places) + 1.0
    assert distortion(frames, louder) == pytest.approx(3 / np.sqrt(2), abs=0.15)
    assert distortion(frames, frames) == 0


def test_frames_are_brought_together_in_time() -> None:
    frames = np.random.default_rng(0).normal(size=(12, 40)).cumsum(0)
    assert distortion(frames, frames.repeat(2, axis=0)) == pytest.approx(0)
    assert distortion(frames, frames[::-1]) > 1


def test_scores_of_a_set() -> None:
    frames = np.random.default_rng(0).normal(size=(20, 40))
    found = synthesis_scores([frames, frames[:10]], [frames, frames], [(3, 0, 0), (5, 1, 2)], intervals=True)
    assert found["duration_error"].value == 0.25
    assert (found["skipped_words"].value, found["repeated_words"].value) == (1 / 8, 2 / 8)
    assert found["skipped_words"].signature == "1 of 8 words"
    assert found["mcd"].interval is not None
    assert synthesis_scores([frames], [frames], [(3, 0, 0)], intervals=False)["mcd"].interval is None


# Sound


def test_bands_of_the_frequencies_found_are_those_given() -> None:
    _, _, size = frame_sizes(8_000, 100, 0.04)
    shares = triangles(64, size, 8_000)
    power = torch.rand(5, len(shares), generator=torch.Generator().manual_seed(0)) + 0.1
    bands = power @ shares
    again = frequencies_of(bands, shares) @ shares
    heard = bands > 1e-3  # the narrowest bands may hold no frequency at all
    torch.testing.assert_close(again[heard], bands[heard], rtol=0.05, atol=1e-3)


def test_a_sound_comes_back_from_its_spectrogram() -> None:
    time = np.arange(6_000) / 8_000
    samples = (0.3 * np.sin(2 * np.pi * (300 + 200 * time) * time)).astype(np.float32)
    frames = log_mel(Audio(samples, 8_000), 64, 100, 0.04, 1e-5)
    back = sound_of(frames, MADE_BY, 40)
    np.testing.assert_array_equal(back, sound_of(frames, MADE_BY, 40))
    assert len(back) == len(samples)
    assert np.sqrt(np.mean(back**2)) == pytest.approx(np.sqrt(np.mean(samples**2)), rel=0.15)
    again = log_mel(Audio(back, 8_000), 64, 100, 0.04, 1e-5)
    assert distortion(frames, again) < 1.5
    few = log_mel(Audio(sound_of(frames, MADE_BY, 1), 8_000), 64, 100, 0.04, 1e-5)
    assert np.abs(again - frames).mean() < np.abs(few - frames).mean()
    assert len(sound_of(frames[:1], MADE_BY, 5)) == 0


# Simple voices


def test_simple_voices_say_what_they_are_named_for() -> None:
    def one(name: str, text: str, level: float, frames: int, speaker: str) -> Utterance:
        return Utterance(name, text, name, Held(Audio(np.full(frames, level, np.float32), 8_000)), speaker)

    train = [one("1", "aabb", 1, 8, "x"), one("2", "ab", 2, 4, "x"), one("3", "ab", 4, 4, "y")]
    test = [one("4", "aab", 0, 5, "y"), one("5", "aab", 0, 5, "x"), one("6", "c", 0, 5, "z")]

    def letters(utterance: Utterance) -> list[int]:
        return [ord(letter) - 96 for letter in str(utterance.text)]

    def frames(utterance: Utterance) -> np.ndarray:
        samples = utterance.sound.value.samples  # type: ignore[attr-defined]
        return np.stack((samples, np.arange(len(samples)) < len(samples) / 2), axis=1).astype(np.float32)

    found = simple_voices(train, test, letters, frames)
    mean, spelt, likest = found.values()
    np.testing.assert_allclose(mean[0], np.tile([2, 0.5], (6, 1)))  # 2 frames a letter
    np.testing.assert_allclose(spelt[0], [[2, 1]] * 4 + [[2, 0]] * 2)
    np.testing.assert_allclose(spelt[2], [[2, 0.5]] * 2)  # a letter that training does not have
    assert [part[0, 0] for part in likest] == [4, 1, 2]


@settings(max_examples=30, deadline=None)
@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edits_are_those_of_jiwers_library(one: str, other: str) -> None:
    distance = pytest.importorskip("rapidfuzz.distance", reason="rapidfuzz is not installed").Levenshtein.distance
    a, b = (np.array([ord(letter) for letter in text], np.int64) for text in (one, other))
    assert _edits(a, b) == distance(one, other)
