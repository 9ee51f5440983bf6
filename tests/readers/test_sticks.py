"""Figures are drawn where their joints are, and a thin line covers its pixels as its area does."""

from __future__ import annotations

import numpy as np
import pytest

from attentionflow.readers.sticks import drawn_sticks


def test_a_line_is_as_bright_as_it_is_long_and_thick() -> None:
    """Its area against a picture ten times as fine, in which a pixel is in or out."""
    places = np.array([[[0.2, 0.3], [0.7, 0.55]]])
    drawn = drawn_sticks(places, [(0, 1)], 64, thick=0.02)[0] / 255
    y, x = (np.indices((640, 640)) + 0.5) / 640
    along = np.clip(((x - 0.2) * 0.5 + (y - 0.3) * 0.25) / (0.5**2 + 0.25**2), 0, 1)
    fine = np.hypot(x - 0.2 - along * 0.5, y - 0.3 - along * 0.25) <= 0.02
    coarse = fine.reshape(64, 10, 64, 10).mean((1, 3))
    assert drawn.sum() == pytest.approx(coarse.sum(), rel=0.03)
    assert np.abs(drawn - coarse).max() < 0.25


def test_joints_without_bones_are_dots() -> None:
    places = np.array([[[0.25, 0.25], [0.75, 0.5]]])
    drawn = drawn_sticks(places, [], 32)[0]
    assert drawn[8, 8] > 100
    assert drawn[16, 24] > 100
    assert drawn.sum() < 255 * 16
    assert not drawn_sticks(places, [], 32, dots=False).any()


def test_what_lies_beside_the_picture_is_not_drawn() -> None:
    assert not drawn_sticks(np.array([[[-2.0, -2.0], [-1.0, -1.5]]]), [(0, 1)], 16).any()
