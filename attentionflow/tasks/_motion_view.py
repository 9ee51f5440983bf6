"""What the network sees of motions: the places of joints, seen from the middle of the clip, in sizes of the body.

Letters: B clips, N all clips, K moments that are kept, T frames that the network sees, J joints, A axes of space,
M moments of attention, R reduced clips.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.models.clip_classifiers import MotionSight
from attentionflow.readers.clips import Clip
from attentionflow.readers.motion import Motion
from attentionflow.records import Axis
from attentionflow.tasks._clip_strip import stick_frames, strip_axes
from attentionflow.tasks._clip_views import FINER, ClipSettings, View, stretch, whole

SHAKE = 0.3  # of the noise on a joint, what changes from frame to frame
NEAR = 0.06  # of a frame that is drawn, half of the side of the box round a joint


class MotionView(View):
    kind = "motion"

    def __init__(self, settings: ClipSettings, joints: Sequence[str], axes: int) -> None:
        super().__init__(settings)
        self.joints, self.axes = tuple(joints), axes
        self.bones = self._pairs("bones")
        self.mirror = np.arange(len(joints))
        for one, other in self._pairs("opposite"):
            self.mirror[[one, other]] = other, one

    @classmethod
    def learn(cls, clips: Sequence[Clip], settings: ClipSettings) -> Self:
        first = _motion(clips[0])
        return cls(settings, first.joints, first.places.shape[2])

    def page(self) -> dict[str, Any]:
        return {"joints": self.joints, "axes": self.axes}

    @classmethod
    def of(cls, page: dict[str, Any], settings: ClipSettings) -> Self:
        return cls(settings, page["joints"], page["axes"])

    @property
    def sight(self) -> MotionSight:
        return MotionSight(self.settings.frames, len(self.joints), self.axes, self.settings.tube)

    def kept(self, clips: Sequence[Clip]) -> tuple[np.ndarray, list[str]]:
        made = np.empty((len(clips), FINER * self.settings.frames, len(self.joints), self.axes), np.float32)
        gaps = []
        for row, clip in enumerate(clips):
            found = _motion(clip)
            if found.joints != self.joints or found.places.shape[2] != self.axes:
                what = f"is of {len(found.joints)} joints in {found.places.shape[2]} dimensions"
                if len(found.joints) == len(self.joints):
                    what += f" ({', '.join(found.joints)})"
                wanted = f"{len(self.joints)} in {self.axes} ({', '.join(self.joints)})"
                raise DataError(what, file=clip.where or clip.name, remedy=f"All must be of the same: {wanted}")
            if np.isnan(found.places).any():
                gaps.append(clip.where or clip.name)
            made[row] = _at(found.whole(), whole(len(found.places), made.shape[1]))
        made -= made.mean((1, 2), keepdims=True)
        made /= np.sqrt(np.square(made).sum(3).mean((1, 2)))[:, None, None, None].clip(1e-6)
        if not gaps:
            return made, []
        fate = "they are put between the frames around"
        return made, [f"{len(gaps):,} clips have joints that are not always known; {fate}: {', '.join(gaps[:5])}"]

    def shown(self, kept: np.ndarray) -> Tensor:
        """(B, T, J, A)"""
        places = whole(kept.shape[1], self.settings.frames)
        return torch.from_numpy(np.stack([_at(one, places) for one in kept]))

    def changed(self, kept: np.ndarray, draws: Sequence[np.random.Generator]) -> Tensor:
        """A stretch of time; mirrored, turned, zoomed and sheared; noise on every joint, most of it the same in all
        frames."""
        return torch.from_numpy(np.stack([self._changed(one, draw) for one, draw in zip(kept, draws, strict=True)]))

    def _changed(self, clip: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        settings = self.settings
        clip = _at(clip, stretch(draw, len(clip), settings.frames, settings.crop))
        if settings.flips == "horizontal" and settings.opposite and draw.random() < 0.5:
            clip = clip[:, self.mirror] * np.array([-1, 1, 1][: self.axes])
        change = np.eye(self.axes) + np.triu(draw.uniform(-0.5, 0.5, (self.axes,) * 2) * settings.zoom, 1)
        change *= draw.uniform(1 - settings.zoom, 1 + settings.zoom, self.axes)[:, None]
        for a, b in combinations(range(self.axes), 2):
            angle, turn = math.radians(draw.uniform(-settings.turn, settings.turn)), np.eye(self.axes)
            turn[a, a] = turn[b, b] = math.cos(angle)
            turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
            change = change @ turn
        steady, shaking = (draw.normal(0, settings.noise, (frames, *clip.shape[1:])) for frames in (1, len(clip)))
        return (clip @ change + steady + SHAKE * shaking).astype(np.float32)

    def without(self, clip: Tensor, kept: np.ndarray) -> Tensor:
        """What is taken out goes to the middle of the clip."""
        mask = torch.from_numpy(kept).view(-1, self.sight.moments, len(self.joints), 1).to(clip.device)
        return clip * mask.repeat_interleave(self.settings.tube, 1)

    def strip(self, clip: Clip) -> tuple[Axis, Axis]:
        """Of each tube the first frame, drawn, with its joints."""
        tube = self.settings.tube
        found = _motion(clip)
        times = whole(len(found.places), self.settings.frames)
        frames, places = stick_frames(_at(found.whole(), times)[::tube, :, :2], self.bones)
        boxes = [[(x - NEAR, y - NEAR, x + NEAR, y + NEAR) for x, y in one] for one in places.tolist()]
        return strip_axes(frames, boxes, self.joints, times.round(1).tolist(), tube, "frame")

    @property
    def training_notes(self) -> list[str]:
        if self.settings.flips == "none" or self.settings.opposite:
            return []
        return [
            "motions are not mirrored in training: name the joints that change places by opposite=..., or flips=none"
        ]

    def _pairs(self, setting: str) -> list[tuple[int, int]]:
        """The pairs of joints that a setting names, by their numbers."""
        found = []
        for pair in filter(str.strip, getattr(self.settings, setting).split(",")):
            names = [name.strip() for name in pair.split("-")]
            if len(names) != 2:
                raise UserError(f"{setting}: {pair.strip()!r} is no pair of joints such as left knee-right knee")
            for name in names:
                if name not in self.joints:
                    raise UserError(f"{setting}: there is no joint {name!r}; {nearest(name, self.joints)}")
            found.append((self.joints.index(names[0]), self.joints.index(names[1])))
        return found


def _at(places: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(T, J, A) float32 at times that may lie between frames."""
    times = times.clip(0, len(places) - 1)
    before = np.floor(times).astype(int)
    after, share = np.minimum(before + 1, len(places) - 1), (times - before)[:, None, None]
    return (places[before] * (1 - share) + places[after] * share).astype(np.float32)


def _motion(clip: Clip) -> Motion:
    opened = clip.open()
    if not isinstance(opened, Motion):
        what = "is a film, where the network was trained on joints"
        raise DataError(what, file=clip.where or clip.name, remedy="Train on one kind at a time")
    return opened
