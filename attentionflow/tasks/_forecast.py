"""A forecast in the units of its series, how sure the network was of it, and where it looked.

Letters: B batch, L look-back, H horizon, C series, K quantiles, T parts of an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attentionflow.errors import UserError, nearest
from attentionflow.readers.windows import Window
from attentionflow.task import Prediction
from attentionflow.tasks._forecast_errors import Scale

NARROWEST = 1e-3  # least spread of a forecast, in training deviations


@dataclass(frozen=True, eq=False)
class Forecast:
    """What comes after a window, for some of its series. Kept as the network's own arrays; units and dates are put on
    when asked for, so that the forecasts of a whole test set stay small.

    scaled: (H, C); scaled_quantiles: (H, C, K) of the levels; mean, deviation: (C,) of the scale.
    """

    window: Window
    names: tuple[str, ...]
    levels: tuple[float, ...]
    scaled: np.ndarray
    scaled_quantiles: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    @property
    def dates(self) -> list[str]:
        return self.window.dates

    @property
    def values(self) -> np.ndarray:
        """(H, C)"""
        return self.scaled.astype(float) * self.deviation + self.mean

    @property
    def quantiles(self) -> np.ndarray:
        """(H, C, K)"""
        return self.scaled_quantiles.astype(float) * self.deviation[:, None] + self.mean[:, None]

    def columns(self) -> dict[str, list[Any]]:
        """A table: one row a series and date."""
        values, quantiles = self.values, self.quantiles
        found: dict[str, list[Any]] = {
            "series": [name for name in self.names for _ in range(len(values))],
            "date": self.dates * len(self.names),
            "value": values.T.ravel().tolist(),
        }
        for k, level in enumerate(self.levels):
            found[f"q{level:g}"] = quantiles[..., k].T.ravel().tolist()
        return found

    def to_json(self) -> dict[str, Any]:
        table, length = self.columns(), len(self.scaled)
        parts = {key: column for key, column in table.items() if key not in ("series", "date")}
        return {
            "date": self.dates,
            "series": {
                name: {key: column[at * length : (at + 1) * length] for key, column in parts.items()}
                for at, name in enumerate(self.names)
            },
        }

    def __str__(self) -> str:
        table = self.columns()
        rows = zip(*table.values(), strict=True)
        lines = ["\t".join(f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row) for row in rows]
        return "\n".join(["\t".join(table), *lines])

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Forecast)
            and (self.names, self.levels, self.dates) == (other.names, other.levels, other.dates)
            and np.array_equal(self.scaled, other.scaled)
            and np.array_equal(self.scaled_quantiles, other.scaled_quantiles)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Answer:
    """What scoring a forecast again must know: which series it is of, and where the network's positions lie, as it says
    itself."""

    channels: tuple[int, ...]
    past_spans: tuple[tuple[int, int], ...]
    answer_spans: tuple[tuple[int, int], ...]
    rows_a_part: int


def forecasts(
    windows: Sequence[Window],
    past: Tensor,
    found: tuple[Tensor, Tensor],
    model: Any,
    levels: tuple[float, ...],
    scale: Scale,
    only: str | None,
) -> list[Prediction]:
    """One prediction a window from what the network found for past (B, L, C): (B, H, C) and its quantiles."""
    sides = log_side(found[0], found[0], expected_spread(found[1], levels), past)
    points, quantiles, scores = (t.cpu().numpy() for t in (*found, sides))
    predictions = []
    for at, window in enumerate(windows):
        mean, deviation = scale.of(window.panel)
        part = chosen_series(window.panel.names, only)
        names = tuple(window.panel.names[channel] for channel in part)
        forecast = Forecast(
            window, names, levels, points[at][:, part], quantiles[at][:, part], mean[part], deviation[part]
        )
        answer = Answer(tuple(part), model.past_spans, model.answer_spans, model.rows_a_part)
        ends = window.start - window.look_back, window.start - 1
        first, last = (window.panel.calendar.labels(step, step + 1)[0] for step in ends)
        given, score = f"{', '.join(names)}: {first} to {last}", float(scores[at][:, part].mean())
        predictions.append(Prediction(given, forecast, score, window.where, raw=answer))
    return predictions


def part_scores(point: Tensor, predictions: Sequence[Prediction], past: Tensor) -> Tensor:
    """(B, T): `log_side` of each part of each answer, averaged over its steps: the parts of the first series, then
    those of the second ..."""
    outputs = [prediction.output for prediction in predictions]
    answers = torch.from_numpy(np.stack([output.scaled for output in outputs])).to(point)
    quantiles = torch.from_numpy(np.stack([output.scaled_quantiles for output in outputs])).to(point)
    sides = log_side(point, answers, expected_spread(quantiles, outputs[0].levels), past)  # (B, H, C)
    parts = [sides[:, first:stop].mean(1) for first, stop in predictions[0].raw.answer_spans]
    return torch.stack(parts, dim=-1).flatten(1)


def expected_spread(quantiles: Tensor, levels: Sequence[float]) -> Tensor:
    """(B, H, C), how far the network expects to be off: the deviation of a normal distribution as wide as the outer
    quantiles of (B, H, C, K)."""
    low, high = (NormalDist().inv_cdf(level) for level in (levels[0], levels[-1]))
    return ((quantiles[..., -1] - quantiles[..., 0]) / (high - low)).clamp_min(NARROWEST)


def log_side(point: Tensor, answers: Tensor, spread: Tensor, past: Tensor) -> Tensor:
    """log P that a value lies on that side of the mean of the look-back where its answer lies, (B, H, C).

    By a normal distribution around the network's forecast `point`, as wide as `spread`. That is what can be more or
    less certain of an answer; how far a forecast lies from its own answer says nothing, as it is 0.
    """
    level = past.mean(1, keepdim=True)
    side = torch.where(answers >= level, 1.0, -1.0)
    return torch.special.log_ndtr(side * (point - level) / spread)


def chosen_series(names: Sequence[str], only: str | None) -> list[int]:
    """Which series were asked for, in their own order."""
    wanted = names if only is None else [name.strip() for name in only.split(",")]
    for name in wanted:
        if name not in names:
            raise UserError(f"only={only}: there is no series {name!r}; {nearest(name, names)}")
    return [at for at, name in enumerate(names) if name in wanted]
