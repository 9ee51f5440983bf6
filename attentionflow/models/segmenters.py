"""What a network answers that tells for every pixel of a picture what is there.

Letters: B pictures, K classes, H height, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn

CLASSES, PATCHES, PICTURE = "classes", "patches", "picture"  # streams of the attention record
PATCH = 16  # pixels of a side of the coarsest places; sides of pictures are multiples of it


class Gated(NamedTuple):
    """A stream of places that are gated, and how many pixels of a side each has."""

    places: str
    patch: int


class Segmenter(nn.Module, ABC):
    """gated: levels whose places are gated, the coarsest first; none where classes attend to patches."""

    gated: tuple[Gated, ...] = ()

    @property
    def patch(self) -> int:
        """Pixels of a side of the places that the last attention runs over."""
        return self.gated[-1].patch if self.gated else PATCH

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), H and W multiples of PATCH, to logits (B, K, H, W)."""
