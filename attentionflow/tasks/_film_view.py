"""What the network sees of films: some frames, on one canvas.

Letters: B clips, N all clips, K moments that are kept, T frames that the network sees, C channels, H height, W width,
M moments of attention, S places, R reduced clips.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow._cores import over_cores
from attentionflow.models.clip_classifiers import FilmSight
from attentionflow.readers.clips import Clip, film_of
from attentionflow.readers.video import Frame
from attentionflow.records import Axis
from attentionflow.tasks._augment_pictures import erased
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._clip_strip import strip_axes
from attentionflow.tasks._clip_views import FINER, ClipSettings, View, stretch, whole
from attentionflow.tasks._patches import grid
from attentionflow.tasks._pixels import room

LOOKED = 200  # clips from which canvas and colours are learned


@dataclass(frozen=True)
class Still:
    """A frame from the middle of a film, as a picture."""

    clip: Clip

    @property
    def labels(self) -> tuple[str, ...] | None:
        return self.clip.labels

    def pixels(self) -> np.ndarray:
        return next(film_of(self.clip).frames(1))[1]

    @property
    def size(self) -> tuple[int, int]:
        pixels = self.pixels()
        return pixels.shape[1], pixels.shape[0]


class FilmView(View):
    kind = "film"

    def __init__(self, settings: ClipSettings, canvas: Canvas) -> None:
        super().__init__(settings)
        self.canvas = canvas

    @classmethod
    def learn(cls, clips: Sequence[Clip], settings: ClipSettings) -> Self:
        some = [Still(clips[i]) for i in np.unique(np.linspace(0, len(clips) - 1, LOOKED).astype(int))]
        return cls(settings, Canvas.learn(some, settings.size, settings.patch, grey=True))

    def page(self) -> dict[str, Any]:
        return asdict(self.canvas)

    @classmethod
    def of(cls, page: dict[str, Any], settings: ClipSettings) -> Self:
        return cls(settings, Canvas.of(page))

    @property
    def sight(self) -> FilmSight:
        canvas, settings = self.canvas, self.settings
        return FilmSight(settings.frames, len(canvas.mean), canvas.height, canvas.width, settings.tube, settings.patch)

    def kept(self, clips: Sequence[Clip]) -> tuple[np.ndarray, list[str]]:
        moments, canvas = FINER * self.settings.frames, self.canvas
        made = room((len(clips), moments, canvas.height, canvas.width, len(canvas.mean)))

        def draw(index: int) -> bool:
            scaled = False
            for at, (_, pixels) in enumerate(film_of(clips[index]).frames(moments)):
                made[index, at] = canvas.placed(pixels)
                size = pixels.shape[1], pixels.shape[0]
                scaled |= canvas.fitted(size) != size
            return scaled

        scaled = sum(over_cores(draw, range(len(clips))))
        sides = f"{canvas.width} x {canvas.height}"
        return made, [f"{scaled:,} of {len(clips):,} clips are scaled to fit into {sides} pixels"] if scaled else []

    def shown(self, kept: np.ndarray) -> Tensor:
        """(B, T, C, H, W)"""
        return self._normal(kept[:, whole(kept.shape[1], self.settings.frames).astype(int)])

    def changed(self, kept: np.ndarray, draws: Sequence[np.random.Generator]) -> Tensor:
        """A stretch of time, each frame the one before its moment or the one after; mirrored, turned, zoomed, stretched
        and moved, all frames alike; a part erased of all frames."""
        settings = self.settings
        moments = [stretch(draw, kept.shape[1], settings.frames, settings.crop) for draw in draws]
        at = np.stack([one + draw.random(len(one)) for one, draw in zip(moments, draws, strict=True)]).astype(int)
        clips = self._normal(kept[np.arange(len(kept))[:, None], at.clip(0, kept.shape[1] - 1)])
        change = torch.from_numpy(np.stack([self._change(draw) for draw in draws]))
        flat = clips.flatten(1, 2)  # (B, T·C, H, W)
        grid = F.affine_grid(change, list(flat.shape), align_corners=False)
        flat = F.grid_sample(flat, grid, align_corners=False)
        draws_of_parts = np.stack([draw.random(10, np.float32) for draw in draws])
        return erased(flat, draws_of_parts, settings.erase).view_as(clips)

    def _change(self, draw: np.random.Generator) -> np.ndarray:
        """(2, 3) from places of the changed frame to those of the given one, both from -1 to 1."""
        settings = self.settings
        angle = math.radians(draw.uniform(-settings.turn, settings.turn))
        wide, tall = np.exp(draw.uniform(-1, 1, 2) * math.log1p(settings.zoom))
        mirror = -1 if settings.flips == "horizontal" and draw.random() < 0.5 else 1
        slope = self.canvas.height / self.canvas.width  # turns must be of pixels, not of shares of the sides
        turned = np.array([[math.cos(angle), -math.sin(angle) * slope], [math.sin(angle) / slope, math.cos(angle)]])
        moved = 2 * draw.uniform(-settings.shift, settings.shift, (2, 1))
        return np.concatenate((turned * np.array([wide * mirror, tall]), moved), axis=1).astype(np.float32)

    def without(self, clip: Tensor, kept: np.ndarray) -> Tensor:
        """What is taken out becomes the mean colour."""
        sight = self.sight
        rows, columns = sight.height // sight.patch, sight.width // sight.patch
        mask = torch.from_numpy(kept).view(-1, sight.moments, 1, rows, columns).to(clip.device)
        for axis, count in ((1, sight.tube), (3, sight.patch), (4, sight.patch)):
            mask = mask.repeat_interleave(count, axis)
        return clip * mask

    def strip(self, clip: Clip) -> tuple[Axis, Axis]:
        """Of each tube the first frame, as the network sees it, with its patches."""
        sight, film, moments = self.sight, film_of(clip), FINER * self.settings.frames
        seen = set(whole(moments, sight.frames).astype(int).tolist())
        found: list[Frame] = [frame for at, frame in enumerate(film.frames(moments)) if at in seen]
        frames = [self.canvas.placed(pixels) for _, pixels in found[:: sight.tube]]
        boxes, names = grid(sight.height // sight.patch, sight.width // sight.patch)
        times = [when for when, _ in found]
        return strip_axes(np.stack(frames), [boxes] * len(frames), names, times, sight.tube, film.unit)

    def _normal(self, pixels: np.ndarray) -> Tensor:
        """(B, T, H, W, C) bytes as (B, T, C, H, W): 0 is the mean colour."""
        return self.canvas.normalise(pixels.reshape(-1, *pixels.shape[2:])).unflatten(0, pixels.shape[:2])
