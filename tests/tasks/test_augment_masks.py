"""Pictures and masks move together; what comes in from outside is ignored.

Letters: B pictures, H height, W width.
"""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.readers.masks import IGNORED
from attentionflow.tasks._augment_masks import changed, nearest

H, W = 24, 40


def halves() -> tuple[torch.Tensor, torch.Tensor]:
    """Left and upper quarter of class 1, a picture that is bright there."""
    masks = torch.zeros(3, H, W, dtype=torch.long)
    masks[:, : H // 2, : W // 2] = 1
    return masks[:, None].float() * 4 - 2, masks


@given(st.integers(0, 1000), st.booleans(), st.booleans())
def test_a_mask_goes_where_its_picture_goes(seed: int, horizontal: bool, vertical: bool) -> None:
    images, masks = halves()
    keys = [(seed, 0, i) for i in range(3)]
    moved, mask = changed(images.expand(-1, 3, -1, -1), masks, keys, (0.6, 1.6), (horizontal, vertical), 0.0)
    assert mask.dtype == torch.long
    assert set(mask.unique().tolist()) <= {0, 1, IGNORED}
    sure = moved[:, 0].abs() > 1.9  # away from borders, where bilinear and nearest differ
    bright = (moved[:, 0] > 0).long()
    assert (mask[sure] == bright[sure]).float().mean() > 0.99
    assert (moved[:, 0][mask == IGNORED].abs() < 1.9).all()


def test_without_changes_all_stays() -> None:
    images, masks = halves()
    same, mask = changed(
        images.expand(-1, 3, -1, -1), masks, [(0, 0, i) for i in range(3)], (1, 1), (False, False), 0.0
    )
    torch.testing.assert_close(same, images.expand(-1, 3, -1, -1), atol=1e-4, rtol=0)
    assert torch.equal(mask, masks)


def test_smaller_pictures_leave_a_border_that_is_ignored() -> None:
    images, masks = halves()
    _, mask = changed(
        images.expand(-1, 3, -1, -1), masks, [(0, 0, i) for i in range(3)], (0.5, 0.5), (False, False), 0.0
    )
    assert abs(float((mask != IGNORED).float().mean()) - 0.25) < 0.02


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_the_nearest_pixels_of_a_larger_mask_are_those_of_its_own(height: int, width: int, times: int) -> None:
    numbers = np.random.default_rng(0).integers(0, 5, (height, width)).astype(np.uint8)
    larger = numbers.repeat(times, 0).repeat(times, 1)
    np.testing.assert_array_equal(nearest(larger, width, height), numbers)
    np.testing.assert_array_equal(nearest(numbers, width * times, height * times), larger)
