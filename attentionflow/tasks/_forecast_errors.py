"""The scale that training set, and the errors of many forecasts on it.

Letters: H horizon, C series, K quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from attentionflow.readers.windows import Panel, Window, Windows
from attentionflow.task import Score


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each series over the steps of training."""

    mean: dict[str, float]
    deviation: dict[str, float]

    @classmethod
    def learn(cls, windows: Windows) -> Self:
        mean, deviation = {}, {}
        for panel, span in windows.reach():
            values = panel.values[slice(*span)]
            for name, center, spread in zip(panel.names, *_moments(values), strict=True):
                mean[name], deviation[name] = float(center), float(spread)
        return cls(mean, deviation)

    def of(self, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """(C,) of each; a series that was not trained on has that of its own values."""
        found = [
            (self.mean[name], self.deviation[name]) if name in self.mean else _moments(panel.values[:, at])
            for at, name in enumerate(panel.names)
        ]
        mean, deviation = np.array(found).T
        return mean, deviation

    def unknown(self, panels: Sequence[Panel]) -> list[str]:
        return [name for panel in panels for name in panel.names if name not in self.mean]


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population deviation over the steps, leaving out what is missing; a constant series has deviation 1."""
    spread = np.nanstd(values, 0)
    return np.nanmean(values, 0), np.where(spread > 0, spread, 1.0)


class Errors:
    """Errors of many forecasts, added up window by window."""

    def __init__(self, horizon: int, levels: Sequence[float], scale: Scale) -> None:
        self.scale, self.levels = scale, np.array(levels)
        self.windows, self.inside, self.pinball, self.values = 0, 0, 0.0, 0
        self.squared, self.absolute, self.counts = np.zeros(horizon), np.zeros(horizon), np.zeros(horizon)
        self.in_units: dict[str, np.ndarray] = {}  # series -> sum of absolute errors, and their number
        self.panel: Panel | None = None  # the last one, with its moments
        self.moments = np.zeros(0), np.ones(0)

    def add(
        self,
        window: Window,
        scaled: np.ndarray,
        quantiles: np.ndarray | None = None,
        channels: tuple[int, ...] | None = None,
    ) -> None:
        """scaled (H, C), quantiles (H, C, K) of the series `channels`, which are all unless given; a forecast without
        quantiles stands for all of them."""
        if window.panel is not self.panel:
            self.panel, self.moments = window.panel, self.scale.of(window.panel)
        mean, deviation = self.moments
        future, names = window.future, window.panel.names
        if future is None:
            raise ValueError(f"{window.where}: what came after this window is not known, so it cannot be scored")
        if channels is not None and len(channels) < len(names):
            future, mean, deviation = future[:, channels], mean[channels,], deviation[channels,]
            names = tuple(names[channel] for channel in channels)
        answers = (future - mean) / deviation
        error = answers - scaled
        apart = np.abs(error)
        self.windows += 1
        self.values += error.size
        self.squared += (error**2).sum(1)
        self.absolute += apart.sum(1)
        self.counts += error.shape[1]
        for name, total in zip(names, apart.sum(0) * deviation, strict=True):
            self.in_units[name] = self.in_units.get(name, 0) + np.array([total, len(error)])
        below = error[..., None] if quantiles is None else answers[..., None] - quantiles
        self.pinball += float(np.maximum(self.levels * below, (self.levels - 1) * below).sum())
        self.inside += int(((below[..., 0] >= 0) & (below[..., -1] <= 0)).sum())

    def scores(self, note: str = "") -> dict[str, Score]:
        by_step = {str(step + 1): float(one) for step, one in enumerate(self.squared / self.counts)}
        by_step_absolute = {str(step + 1): float(one) for step, one in enumerate(self.absolute / self.counts)}
        by_series = {name: float(total / count) for name, (total, count) in self.in_units.items()}
        low, high = f"{self.levels[0]:g}", f"{self.levels[-1]:g}"
        scaled = "scaled by the mean and deviation of training" + (f"|{note}" if note else "")
        return {
            "mse": Score(float(self.squared.sum() / self.values), signature=scaled, parts=by_step),
            "mae": Score(float(self.absolute.sum() / self.values), signature=scaled, parts=by_step_absolute),
            "quantile_loss": Score(
                2 * self.pinball / self.values / len(self.levels),
                signature=f"twice the mean pinball loss at {', '.join(f'{level:g}' for level in self.levels)}, scaled",
            ),
            "coverage": Score(self.inside / self.values, signature=f"share of values from quantile {low} to {high}"),
            "mae_in_units": Score(
                float(np.mean([*by_series.values()])),
                signature="in the units of the file, mean of the series",
                parts=by_series,
            ),
        }
