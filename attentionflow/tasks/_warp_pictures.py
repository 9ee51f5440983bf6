"""Pictures drawn once more by a hand that leans, stretches, moves and trembles: a smooth warp of each.

Letters: B pictures, C channels, H height, W width, K knots of a side.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# At strength 1, the most that a draw changes; angles in radians, lengths in half sides of the picture.
TURN, STRETCH, LEAN, MOVE, TREMBLE = 0.3, 0.25, 0.3, 0.12, 0.1
KNOTS = 5  # of a side of the grid whose places tremble, with a smooth surface between them
AFFINE = 6
DRAWS = AFFINE + 2 * KNOTS**2  # uniform draws of a picture


def warped(images: Tensor, draws: np.ndarray, strength: float) -> Tensor:
    """images (B, C, H, W), draws (B, DRAWS) in [0, 1): turned, stretched along both sides, leaned and moved by uniform
    draws, and bent by a smooth displacement; what comes in from outside repeats the edge.

    One bilinear sampling for all of it. The displacement is bicubic between K² knots, each moved at random, which is
    coarser than the elastic distortions of Simard et al. 2003 and needs no filter.
    """
    if not strength:
        return images
    given = strength * (2 * torch.from_numpy(draws) - 1)
    angle, lean = TURN * given[:, 0], LEAN * given[:, 1]
    along, across = (STRETCH * given[:, 2]).exp(), (STRETCH * given[:, 3]).exp()
    cos, sin = angle.cos(), angle.sin()
    rows = (
        torch.stack((cos * along, cos * lean - sin * across, MOVE * given[:, 4]), -1),
        torch.stack((sin * along, sin * lean + cos * across, MOVE * given[:, 5]), -1),
    )
    places = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)  # (B, H, W, 2)
    knots = TREMBLE * given[:, AFFINE:DRAWS].reshape(-1, 2, KNOTS, KNOTS)
    bent = F.interpolate(knots, images.shape[-2:], mode="bicubic", align_corners=True)
    return F.grid_sample(images, places + bent.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)


def turned(images: Tensor, ways: np.ndarray) -> Tensor:
    """Square pictures, each by as many quarters as the lower two bits of its way say, mirrored before where the third
    is set: ways 0 to 7 are all symmetries of a square."""
    made = torch.empty_like(images)
    for way in np.unique(ways):
        at = torch.from_numpy(np.flatnonzero(ways == way))
        some = images[at].flip(-1) if way & 4 else images[at]
        made[at] = some.rot90(int(way & 3), (-2, -1))
    return made
