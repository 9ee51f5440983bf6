"""What the network sees of clips, films and motions alike: settings, moments, and what a view of either must answer.

Letters: B clips, N all clips, K moments that are kept, T frames that the network sees, R reduced clips, P positions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.models.clip_classifiers import Sight
from attentionflow.readers.clips import Clip
from attentionflow.records import Axis
from attentionflow.settings import Settings

FINER = 2  # moments kept for each that the network sees, so that training can choose others


class ClipSettings(Settings):
    label: str = Field("label", description="column of the labels in a metadata table")
    fold: int = Field(1, ge=1, description="which of the official splits of a named data set that has several")
    frames: int = Field(16, ge=2, description="frames of a clip that the network sees, evenly spread over its time")
    tube: Literal[1, 2, 4, 8] = Field(2, description="frames that one position of attention stands for; divides frames")
    batch_clips: int = Field(32, ge=2, description="clips of a batch")
    crop: float = Field(
        0.6, gt=0, le=1, description="least share of its time of which a training clip shows a stretch; 1: always all"
    )
    flips: Literal["none", "horizontal"] = Field(
        "horizontal", description="whether training clips are mirrored at random; motions need opposite for it"
    )
    turn: float = Field(15.0, ge=0, le=180, description="degrees by which training clips are turned, at most")
    zoom: float = Field(0.2, ge=0, lt=1, description="share by which the sides of training clips change, at most")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the true label that goes to the others")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")
    size: int = Field(64, ge=8, description="of films, pixels of the longer side that the network sees")
    patch: Literal[4, 8, 16, 32] = Field(16, description="of films, pixels of a side of a position of attention")
    shift: float = Field(0.1, ge=0, lt=0.5, description="of films, share of a side by which they are moved, at most")
    erase: float = Field(0.25, ge=0, le=1, description="of films, share of which a part is erased in training")
    noise: float = Field(
        0.02, ge=0, description="of motions, deviation of the noise on training joints, in sizes of the body"
    )
    opposite: str = Field(
        "", description="of motions, joints that change places in a mirror, by name, as left knee-right knee, ..."
    )
    bones: str = Field("", description="of motions, joints that are joined by a line when drawn, as neck-hip, ...")


class View(ABC):
    """Learned from training clips; turns clips into an array to be kept in memory, and batches of it into tensors."""

    kind: ClassVar[str]

    def __init__(self, settings: ClipSettings) -> None:
        if settings.frames % settings.tube:
            raise UserError(f"frames={settings.frames} is no multiple of tube={settings.tube}")
        self.settings = settings

    @classmethod
    @abstractmethod
    def learn(cls, clips: Sequence[Clip], settings: ClipSettings) -> Self: ...

    @abstractmethod
    def page(self) -> dict[str, Any]:
        """What was learned, as JSON."""

    @classmethod
    @abstractmethod
    def of(cls, page: dict[str, Any], settings: ClipSettings) -> Self:
        """The view that was written as this page."""

    @property
    @abstractmethod
    def sight(self) -> Sight: ...

    @abstractmethod
    def kept(self, clips: Sequence[Clip]) -> tuple[np.ndarray, list[str]]:
        """(N, K, ...), each clip read once, and notes. DataError for one that is not of this kind."""

    @abstractmethod
    def shown(self, kept: np.ndarray) -> Tensor:
        """(B, T, ...) as they are seen when nothing is learned."""

    @abstractmethod
    def changed(self, kept: np.ndarray, draws: Sequence[np.random.Generator]) -> Tensor:
        """The same as in training, changed at random by a generator a clip."""

    @abstractmethod
    def without(self, clip: Tensor, kept: np.ndarray) -> Tensor:
        """(R, T, ...): a clip (1, T, ...) with the tubes that are kept (R, P), and nothing to be seen of the others."""

    @abstractmethod
    def strip(self, clip: Clip) -> tuple[Axis, Axis]:
        """The axes of its tubes and of its moments, both lying on a strip of frames."""

    @property
    def training_notes(self) -> list[str]:
        """What of the settings cannot be done to clips of this kind."""
        return []


def whole(kept: int, frames: int) -> np.ndarray:
    """(T,) places among the moments kept that are evenly spread over all of them."""
    return (np.arange(frames) + 0.5) * kept / frames - 0.5


def stretch(draw: np.random.Generator, kept: int, frames: int, least: float) -> np.ndarray:
    """(T,) places of a stretch at random, of at least this share of the time."""
    share = draw.uniform(least, 1)
    return (draw.uniform(0, 1 - share) * kept + (whole(kept, frames) + 0.5) * share - 0.5).clip(0, kept - 1)
