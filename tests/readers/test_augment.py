"""Changes to a spectrogram: what they keep, and that they are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.readers.augment import masked, stretched, warped

FRAMES = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)


@given(st.integers(1, 90))
def test_stretching_keeps_both_ends_and_the_range(length: int) -> None:
    found = stretched(FRAMES, length)
    assert found.shape == (length, 12)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], FRAMES[0], atol=1e-6)
    if length > 1:
        np.testing.assert_allclose(found[-1], FRAMES[-1], atol=1e-6)
    assert found.min() >= FRAMES.min() - 1e-6
    assert found.max() <= FRAMES.max() + 1e-6


def test_twice_as_many_frames_lie_half_way_between() -> None:
    found = stretched(FRAMES, 79)
    np.testing.assert_allclose(found[::2], FRAMES, atol=1e-6)
    np.testing.assert_allclose(found[1::2], (FRAMES[:-1] + FRAMES[1:]) / 2, atol=1e-6)


def test_one_frame_can_be_stretched() -> None:
    np.testing.assert_array_equal(stretched(FRAMES[:1], 3), np.repeat(FRAMES[:1], 3, axis=0))


def test_warping_moves_a_band_by_its_factor() -> None:
    frames = np.zeros((3, 12), np.float32)
    frames[:, 8] = 1
    assert warped(frames, 1.0).argmax(1).tolist() == [8, 8, 8]
    assert warped(frames, 1.333).argmax(1).tolist() == [6, 6, 6]
    np.testing.assert_allclose(warped(FRAMES, 1.0), FRAMES, atol=1e-6)


@given(st.integers(0, 10_000))
def test_masks_are_stretches_of_zeros_no_longer_than_told(seed: int) -> None:
    found = masked(np.ones((40, 12), np.float32), np.random.default_rng(seed), bands=3, times=2, share=0.1)
    bands, times = np.flatnonzero((found == 0).all(0)), np.flatnonzero((found == 0).all(1))
    assert len(bands) <= 6
    assert len(times) <= 8
    kept = np.ix_(np.setdiff1d(np.arange(40), times), np.setdiff1d(np.arange(12), bands))
    assert (found[kept] == 1).all()


def test_without_masks_nothing_changes() -> None:
    found = masked(FRAMES, np.random.default_rng(0), bands=0, times=0, share=0.5)
    np.testing.assert_array_equal(found, FRAMES)
    assert found is not FRAMES


@pytest.mark.parametrize("shape", [(1, 12), (40, 1)])
def test_one_frame_or_band_is_enough(shape: tuple[int, int]) -> None:
    assert masked(np.ones(shape), np.random.default_rng(1), bands=8, times=2, share=0.9).shape == shape
