"""Warped and turned pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attentionflow.tasks._warp_pictures import DRAWS, turned, warped

DRAW = np.random.default_rng(0)
PICTURES = torch.from_numpy(DRAW.random((6, 2, 12, 12), np.float32))
MIDDLE = np.full((6, DRAWS), 0.5, np.float32)  # draws that change nothing


def test_the_middle_draw_and_no_strength_leave_a_picture_as_it_is() -> None:
    torch.testing.assert_close(warped(PICTURES, MIDDLE, 1.0), PICTURES, atol=1e-5, rtol=0)
    draws = DRAW.random((6, DRAWS), np.float32)
    assert warped(PICTURES, draws, 0.0) is PICTURES
    assert not torch.allclose(warped(PICTURES, draws, 1.0), PICTURES, atol=0.05)


def test_a_picture_is_changed_by_its_own_draws_alone() -> None:
    draws = DRAW.random((6, DRAWS), np.float32)
    whole, one = warped(PICTURES, draws, 1.0), warped(PICTURES[2:3], draws[2:3], 1.0)
    torch.testing.assert_close(whole[2:3], one)


def test_a_move_repeats_the_edge() -> None:
    draws = MIDDLE[:1].copy()
    draws[0, 4] = 1.0  # as far along a row as can be, a quarter of a side at strength 4.17
    moved = warped(PICTURES[:1], draws, 0.5 / 0.12)
    torch.testing.assert_close(moved[..., :9], PICTURES[:1, :, :, 3:], atol=1e-4, rtol=0)
    torch.testing.assert_close(moved[..., 9:], PICTURES[:1, :, :, -1:].expand(-1, -1, -1, 3), atol=1e-4, rtol=0)


@pytest.mark.parametrize("way", range(8))
def test_ways_are_quarters_and_mirrors(way: int) -> None:
    """As NumPy turns them, whatever else is in the batch."""
    ways = np.array([way, 0, (way + 3) % 8, way, 5, 1])
    found = turned(PICTURES, ways)[0].numpy()
    expected = PICTURES[0].numpy()[:, :, ::-1] if way >= 4 else PICTURES[0].numpy()
    np.testing.assert_array_equal(found, np.rot90(expected, way % 4, (1, 2)))


def test_the_eight_ways_differ() -> None:
    alike = turned(PICTURES[:1].expand(8, -1, -1, -1), np.arange(8))
    assert len({one.numpy().tobytes() for one in alike}) == 8
