"""What changes a picture moves its boxes with it: seen by drawing, and by an established library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.tasks._augment_boxes import Drawn, affine, colours, inside, mosaic, moved, warp

WIDTH, HEIGHT = 64, 48


def drawn(box: tuple[int, int, int, int], value: int = 255) -> Drawn:
    """A picture with one filled box."""
    left, top, right, bottom = box
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[top:bottom, left:right] = value
    return Drawn(pixels, np.array([box], np.float32), np.zeros(1, np.int64))


def extent(pixels: np.ndarray) -> np.ndarray:
    """The box of what is at least half as bright as the brightest."""
    rows, columns = np.nonzero(pixels >= pixels.max() / 2)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_a_drawn_box_is_where_its_box_says(seed: int, horizontal: bool, vertical: bool) -> None:
    draw = np.random.default_rng(seed)
    one = drawn((20, 12, 44, 36))
    change = affine(draw, WIDTH, HEIGHT, (1 / 1.4, 1.4), horizontal, vertical)
    boxes, there = inside(moved(one.boxes, change), WIDTH, HEIGHT)
    seen = warp(torch.from_numpy(one.pixels).permute(2, 0, 1)[None].float(), np.array([change]))[0, 0].numpy()
    if not there[0]:
        return
    np.testing.assert_allclose(extent(seen), boxes[0], atol=1.0)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_mosaic_keeps_what_is_seen_of_each_box(seed: int) -> None:
    draw = np.random.default_rng(seed)
    four = [drawn((20, 12, 44, 36), 60 * (i + 1)) for i in range(4)]
    made = mosaic([Drawn(one.pixels, one.boxes, np.full(1, i)) for i, one in enumerate(four)], draw)
    assert made.pixels.shape == (HEIGHT, WIDTH, 3)
    for box, label in zip(made.boxes, made.labels.tolist(), strict=True):
        own = made.pixels[:, :, 0] == 60 * (label + 1)
        np.testing.assert_array_equal(extent(own), box)


def test_what_is_hardly_seen_is_left_out() -> None:
    boxes = np.array([[-20, 0, 4, 20], [-8, 0, 12, 20], [10, 10, 12, 40], [70, 0, 90, 20]], np.float32)
    cut, there = inside(boxes, WIDTH, HEIGHT)
    assert there.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(cut[1], [0, 0, 12, 20])


def test_zoomed_pictures_leave_no_gap_beside_a_cut_side() -> None:
    for seed in range(50):
        a, b, c, d = affine(np.random.default_rng(seed), WIDTH, HEIGHT, (1 / 1.5, 1.5), True, True)
        for factor, shift, side in ((a, b, WIDTH), (c, d, HEIGHT)):
            low, high = sorted((shift, factor * side + shift))
            if abs(factor) >= 1:
                assert low <= 1e-9
                assert high >= side - 1e-9
            else:
                assert low >= -1e-9
                assert high <= side + 1e-9


def test_pictures_and_boxes_move_as_in_kornia() -> None:
    kornia = pytest.importorskip("kornia", reason="kornia is not installed")
    draw = np.random.default_rng(0)
    images = torch.rand(5, 3, HEIGHT, WIDTH)
    changes = np.array([affine(draw, WIDTH, HEIGHT, (1 / 1.5, 1.5), True, True) for _ in range(5)])
    # Kornia's matrices move the centres of pixels, which lie at whole numbers there and at halves here.
    matrices = torch.tensor(
        [[[a, 0, b + a / 2 - 0.5], [0, c, d + c / 2 - 0.5], [0, 0, 1]] for a, b, c, d in changes], dtype=torch.float32
    )
    theirs = kornia.geometry.warp_perspective(images, matrices, (HEIGHT, WIDTH), align_corners=True)
    torch.testing.assert_close(warp(images, changes), theirs, atol=2e-4, rtol=0)
    box = np.array([[10, 8, 30, 20]], np.float32)
    corners = torch.tensor([[10.0, 8], [30, 8], [30, 20], [10, 20]])
    for change, (a, b, c, d) in zip(changes, changes, strict=True):
        matrix = torch.tensor([[[a, 0, b], [0, c, d], [0, 0, 1]]], dtype=torch.float32)
        moved_there = kornia.geometry.transform_points(matrix, corners[None])[0]
        expected = torch.cat((moved_there.amin(0), moved_there.amax(0)))
        np.testing.assert_allclose(moved(box, tuple(change))[0], expected.numpy(), atol=1e-4)


def test_colours_change_by_their_strength() -> None:
    gain, offset = colours(np.random.default_rng(0), 0.0)
    np.testing.assert_array_equal(gain, np.ones(3))
    np.testing.assert_array_equal(offset, np.zeros(3))
    found = np.array([colours(np.random.default_rng(i), 0.3) for i in range(100)])
    assert 0.5 < found[:, 0].min() < 0.9 < 1.1 < found[:, 0].max() < 1.6
    assert found[:, 1].std() > 0.1
