"""Changes of a whole batch of pictures against each picture changed alone, pixel by pixel.

Letters: B pictures, C channels, H height, W width.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from attentionflow.tasks._augment_pictures import (
    AREAS,
    ERASE,
    MOVE_X,
    MOVE_Y,
    TURN_X,
    TURN_Y,
    drawn,
    erased,
    moved,
    shares,
)

B, C, H, W = 40, 2, 10, 12


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(B, C, H, W, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shift", [0.0, 0.2])
@pytest.mark.parametrize(("horizontal", "vertical"), [(False, False), (True, False), (False, True), (True, True)])
def test_pictures_are_turned_and_moved(images: torch.Tensor, shift: float, horizontal: bool, vertical: bool) -> None:
    draws = drawn(3, 1, B)
    found = moved(images, draws, shift, horizontal, vertical)
    high, wide = round(shift * H), round(shift * W)
    for image, one, draw in zip(images, found, draws, strict=True):
        down = int(draw[MOVE_Y] * (2 * high + 1)) - high
        right = int(draw[MOVE_X] * (2 * wide + 1)) - wide
        flip_x, flip_y = horizontal and draw[TURN_X] < 0.5, vertical and draw[TURN_Y] < 0.5
        expected = torch.zeros_like(image)
        for y in range(H):
            for x in range(W):
                from_y, from_x = (H - 1 - y if flip_y else y) + down, (W - 1 - x if flip_x else x) + right
                if 0 <= from_y < H and 0 <= from_x < W:
                    expected[:, y, x] = image[:, from_y, from_x]
        assert torch.equal(one, expected)


def test_without_changes_a_picture_stays(images: torch.Tensor) -> None:
    draws = drawn(0, 0, B)
    assert torch.equal(erased(moved(images, draws, 0.0, False, False), draws, 0.0), images)


def test_a_rectangle_is_erased_in_some_pictures(images: torch.Tensor) -> None:
    draws = drawn(5, 0, B)
    found = erased(images, draws, 0.5)
    for image, one, draw in zip(images, found, draws, strict=True):
        gone = (one == 0).all(0)
        if draw[ERASE] >= 0.5:
            assert torch.equal(one, image)
            continue
        rows, columns = gone.any(1), gone.any(0)
        assert torch.equal(gone, rows[:, None] & columns[None])
        assert 1 <= int(gone.sum()) <= AREAS[1] * H * W * 1.4  # sides are whole pixels
        assert torch.equal(one[:, ~gone], image[:, ~gone])
    assert 10 < int((draws[:, ERASE] < 0.5).sum()) < 30


def test_draws_of_a_picture_depend_on_nothing_but_seed_epoch_and_index() -> None:
    np.testing.assert_array_equal(drawn(1, 2, 50)[:20], drawn(1, 2, 20))
    np.testing.assert_array_equal(shares(1, 2, 50, 0.4)[:20], shares(1, 2, 20, 0.4))
    assert not np.array_equal(drawn(1, 2, 20), drawn(1, 3, 20))
    assert not np.array_equal(drawn(1, 2, 20), drawn(2, 2, 20))


def test_shares_of_a_mixture_are_beta_distributed() -> None:
    found = shares(0, 0, 20_000, 0.4)
    assert abs(found.mean() - 0.5) < 0.01
    assert abs(found.var() - 0.25 / (2 * 0.4 + 1)) < 0.005
