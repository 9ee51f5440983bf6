"""Time-series forecasting: the past of some series in, the steps after it out, each with quantiles.

Letters: B batch, L look-back, H horizon, C series, K quantiles, N positions of the past of a series, R reduced inputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, field_validator
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.patch_transformer import PatchTransformer, PatchTransformerSettings
from attentionflow.models.recurrent_forecaster import RecurrentForecaster, RecurrentForecasterSettings
from attentionflow.nn.line import FittedLine
from attentionflow.nn.quantiles import pinball
from attentionflow.readers.finding import Finding
from attentionflow.readers.series import Columns, Missing, read_panels, read_series
from attentionflow.readers.series_checks import check_series
from attentionflow.readers.series_inputs import last_windows, typed_panel
from attentionflow.readers.table import table_kind
from attentionflow.readers.windows import Window, Windows, cut_windows
from attentionflow.records import Axis
from attentionflow.settings import Settings, listed
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._correction import LEFT_TO_LINE, correction_helps, gains
from attentionflow.tasks._forecast import forecasts, part_scores
from attentionflow.tasks._forecast_errors import Errors, Scale
from attentionflow.tasks._forecast_picture import past_axis, steps_axis
from attentionflow.tasks._line import fitted_line
from attentionflow.tasks._simple_forecasts import simple_forecasts

SCALE = "scale.json"
POINT_LOSSES: dict[str, Callable[..., Tensor]] = {"squared": F.mse_loss, "absolute": F.l1_loss, "huber": F.huber_loss}


class ForecastingSettings(Settings):
    look_back: int = Field(336, ge=2, description="steps of the past that a forecast sees")
    horizon: int = Field(96, ge=1, description="steps that are forecast")
    date: str | None = Field(None, description="date column; found by its usual names unless given")
    date_format: str | None = Field(None, description="how dates are written, such as %d/%m/%Y; ISO 8601 needs none")
    columns: str | None = Field(
        None, description="series of a wide table, comma-separated; all but the date by default"
    )
    series: str | None = Field(None, description="of a long table: the column with the names of the series")
    value: str | None = Field(None, description="of a long table: the column with the values")
    missing: Missing = Field("skip", description="leave out windows that touch a missing value, or interpolate it")
    held_out: float = Field(
        0.2, gt=0, lt=0.5, description="share of one table held out at its end for test, and for val"
    )
    batch_windows: int = Field(32, ge=1, description="windows of a batch, each with all series of its table")
    loss: Literal["squared", "absolute", "huber"] = Field(
        "squared", description="of the point forecast, on scaled values"
    )
    quantiles: str = Field("0.1,0.5,0.9", description="levels of the quantile forecasts, rising, comma-separated")

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, given: str) -> str:
        levels = [float(level) for level in given.split(",")]
        if len(levels) < 2 or levels != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise ValueError("at least two rising numbers between 0 and 1, such as 0.1,0.5,0.9")
        return given


class ForecastingOptions(Settings):
    only: str | None = Field(None, description="forecast these series alone, comma-separated")


@dataclass(frozen=True)
class Scaled:
    """Windows, and the values of each of their panels on the scale of training, from which batches are cut."""

    windows: Windows
    values: list[Tensor]  # (T, C) of each panel


class TimeSeriesForecasting(Task[Window, Scaled]):
    name = "time-series-forecasting"
    summary = "the past of some series to their next steps, with quantiles"
    files = "a CSV, TSV, JSONL or Parquet table with a date column, wide (one column a series) or long"
    settings_type = ForecastingSettings
    options_type = ForecastingOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "patch-transformer": Architecture(
            partial(PatchTransformer, past="past"),
            PatchTransformerSettings,
            {"learning_rate": 1e-3},
            "transformer over patches of each series",
        ),
        "classic": Architecture(
            partial(RecurrentForecaster, past="past", future="future"),
            RecurrentForecasterSettings,
            {"learning_rate": 2e-3},
            "LSTM over the past, LSTM over the future with additive attention",
        ),
    }
    embedded = "seasons"
    deciding = "mse"
    higher_is_better = False
    unit = "values"

    settings: ForecastingSettings
    scale: Scale | None = None
    line: FittedLine | None = None  # what networks start from; saved as a part of them
    corrected = True  # whether what a network adds to the line is a part of the forecast

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Window]], list[str]]:
        settings = self.settings
        if module := module_for(data, self.name):
            series = module.read(settings.horizon, seed)
        else:
            series = read_series(data, self._columns(), settings.missing, settings.held_out)
        splits, notes = cut_windows(series, settings.look_back, settings.horizon)
        return dict(splits), notes

    def read_inputs(self, path: Path) -> Sequence[Window]:
        panels = read_panels(path, self._columns(), self.settings.missing)
        return last_windows(panels, self.settings.look_back, self.settings.horizon)

    def example(self, given: Any) -> Window:
        """A table's path, numbers as text, or an array (T,) or (T, C): the forecast begins after its last step."""
        if isinstance(given, str | Path) and table_kind(given):
            found = self.read_inputs(Path(given))
            if len(found) > 1:
                raise UserError(
                    f"{given} holds {len(found)} series with dates of their own; give a file with one of them"
                )
            return found[0]
        return last_windows([typed_panel(given)], self.settings.look_back, self.settings.horizon)[0]

    def check(self, splits: Mapping[str, Sequence[Window]]) -> list[Finding]:
        return check_series({split: Windows.of(windows) for split, windows in splits.items()})

    # Learning before training

    def learn(self, examples: Sequence[Window]) -> None:
        windows = Windows.of(examples)
        self.scale = Scale.learn(windows)
        self.line = fitted_line(windows, self.scale, self._levels())

    def calibrate(self, model: Any, predictions: Sequence[Prediction], examples: Sequence[Window]) -> bool:
        """Leave the point forecast to the line, unless the network is shown to be better."""
        prepared, _ = self.prepare(examples, training=False)
        found = np.zeros(len(examples))
        for indices in self.batches(prepared, 0, None):
            batch = self.collate(prepared, indices, 0, None).to(next(model.parameters()).device)
            found[indices] = gains(model, batch["past"], batch["future"])
        self.corrected = correction_helps(found, prepared.windows)
        return not self.corrected

    def save(self, folder: Path) -> list[str]:
        assert self.scale is not None
        page = asdict(self.scale) | {"corrected": self.corrected}
        (folder / SCALE).write_text(json.dumps(page, indent=1), encoding="utf-8")
        return [SCALE]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        page = json.loads((folder / SCALE).read_text(encoding="utf-8"))
        task.corrected = page.pop("corrected", True)
        task.scale = Scale(**page)
        return task

    # Batches

    def prepare(self, examples: Sequence[Window], training: bool) -> tuple[Scaled, list[str]]:
        windows, notes, scale = Windows.of(examples), [], self._scale(examples)
        if unknown := scale.unknown(windows.panels):
            notes.append(
                f"{len(unknown)} series were not in the training data and are scaled by their own past: "
                f"{', '.join(unknown[:5])}"
            )
        moments = [scale.of(panel) for panel in windows.panels]
        values = [
            torch.from_numpy(((panel.values - mean) / deviation).astype(np.float32))
            for panel, (mean, deviation) in zip(windows.panels, moments, strict=True)
        ]
        return Scaled(windows, values), notes

    def batches(self, prepared: Scaled, seed: int, epoch: int | None) -> list[np.ndarray]:
        """Windows of tables with as many series come together; the last batch of each may be short."""
        windows, size, found = prepared.windows, self.settings.batch_windows, []
        draw = None if epoch is None else np.random.default_rng((seed, epoch))
        counts = np.array([values.shape[1] for values in prepared.values])[windows.which]
        for count in np.unique(counts):
            rows = np.flatnonzero(counts == count)
            rows = rows if draw is None else draw.permutation(rows)
            found += [rows[at : at + size] for at in range(0, len(rows), size)]
        return found if draw is None else [found[at] for at in draw.permutation(len(found))]

    def collate(self, prepared: Scaled, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        windows, look_back, horizon = prepared.windows, prepared.windows.look_back, prepared.windows.horizon
        cut = [
            prepared.values[panel][start - look_back : start + horizon]
            for panel, start in zip(windows.which[indices].tolist(), windows.starts[indices].tolist(), strict=True)
        ]
        known = all(len(values) == look_back + horizon for values in cut)
        past = torch.stack([values[:look_back] for values in cut])
        future = torch.stack([values[look_back:] for values in cut]) if known else None
        return Batch(indices, past.shape[0] * horizon * past.shape[2], {"past": past, "future": future})

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        look_back, horizon = self.settings.look_back, self.settings.horizon
        return self.architectures[architecture].build(settings, look_back, horizon, self._levels(), self.line)

    def losses(self, model: Any, batch: Batch) -> dict[str, Loss]:
        point, quantiles = model(batch["past"])
        future, levels = batch["future"], torch.tensor(self._levels(), device=point.device)
        return {
            "point": Loss(POINT_LOSSES[self.settings.loss](point, future, reduction="sum"), future.numel()),
            "quantiles": Loss(pinball(quantiles, future, levels).sum(), quantiles.numel()),
        }

    def predict(
        self, model: Any, batch: Batch, examples: Sequence[Window], options: ForecastingOptions
    ) -> list[Prediction]:
        past = batch["past"]
        found = model(past, corrected=self.corrected)
        return forecasts(examples, past, found, model, self._levels(), self._scale(examples), options.only)

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """A row a series and date, after the table and row that the forecast begins at."""
        tables = [{"after": [p.where] * p.output.scaled.size, **p.output.columns()} for p in predictions]
        return {column: [cell for table in tables for cell in table[column]] for column in tables[0]}

    # Judging

    @property
    def validation_options(self) -> ForecastingOptions:
        return ForecastingOptions()

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[Window], cheap: bool) -> dict[str, Score]:
        errors = Errors(self.settings.horizon, self._levels(), self._scale(examples))
        for prediction, window in zip(predictions, examples, strict=True):
            errors.add(window, prediction.output.scaled, prediction.output.scaled_quantiles, prediction.raw.channels)
        return errors.scores()

    def baselines(self, train: Sequence[Window], test: Sequence[Window]) -> dict[str, dict[str, Score]]:
        return simple_forecasts(Windows.of(train), Windows.of(test), self._levels(), self._scale(train))

    # Looking

    def replay(
        self, model: Any, examples: Sequence[Window], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """Parts of an answer are those that the attention tells apart: of the first series, then of the second ..."""
        past = self._past(model, examples, predictions)
        point, _ = model(past, corrected=self.corrected)
        return part_scores(point, predictions, past) if scored else None

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...] | None:
        count = prediction.raw.rows_a_part
        return None if target is None else tuple(range(target * count, (target + 1) * count))

    @property
    def remarks(self) -> tuple[str, ...]:
        return () if self.corrected else (LEFT_TO_LINE,)

    def axes(self, examples: Iterable[Window], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Patches or blocks of steps, those of the first series, then those of the second ... by their first date; the
        series are drawn below them."""
        axes: dict[str, list[Axis]] = {"past": [], "future": []}
        for window, prediction in zip(examples, predictions, strict=True):
            axes["past"].append(past_axis(window, prediction))
            axes["future"].append(steps_axis(window, prediction, window.start, prediction.raw.answer_spans))
        return axes

    def rescore(self, model: Any, example: Window, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A patch is taken out by making it flat, at the mean of the look-back; where patches overlap, its neighbours
        keep their own copies."""
        past = self._past(model, [example], [prediction]).expand(len(kept), -1, -1)
        point, _ = model(past, torch.from_numpy(kept).to(past), self.corrected)
        return part_scores(point, [prediction] * len(kept), past).mean(1)

    def _past(self, model: Any, examples: Sequence[Window], predictions: Sequence[Prediction]) -> Tensor:
        """(B, L, C) of the series that were forecast."""
        channels = {prediction.raw.channels for prediction in predictions}
        if len(channels) > 1:
            raise UserError("these inputs have different numbers of series; record them one by one")
        prepared, _ = self.prepare(examples, training=False)
        past = self.collate(prepared, np.arange(len(examples)), 0, None)["past"]
        return past[:, :, list(channels.pop())].to(next(model.parameters()).device)

    # Parts

    def _levels(self) -> tuple[float, ...]:
        return tuple(float(level) for level in self.settings.quantiles.split(","))

    def _columns(self) -> Columns:
        given = self.settings
        chosen = tuple(listed(given.columns or ""))
        return Columns(given.date, given.date_format, chosen, given.series, given.value)

    def _scale(self, windows: Sequence[Window]) -> Scale:
        """What was learned, or that of the windows themselves where nothing was learned yet."""
        return self.scale or Scale.learn(Windows.of(windows))
