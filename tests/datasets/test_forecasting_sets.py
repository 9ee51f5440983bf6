"""The data sets of forecasting: the known error of the made one, the protocol of the published one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import dataset_module
from attentionflow.datasets._fetch import VARIABLE
from attentionflow.readers.windows import Windows, cut_windows
from attentionflow.tasks._forecast_errors import Scale


def test_seasons_repeats_itself_and_differs_by_seed() -> None:
    seasons = dataset_module("seasons")
    one, again, other = seasons.read(48), seasons.read(48), seasons.read(48, seed=1)
    assert np.array_equal(one.panels[0].values, again.panels[0].values)
    assert not np.array_equal(one.panels[0].values, other.panels[0].values)
    assert one.panels[0].values.shape == (4_000, 4)
    assert one.panels[0].calendar.labels(0, 1) == ["2024-01-01 00:00"]
    assert "lower expected MSE than" in one.notes[0]


def test_seasons_has_the_error_that_it_says() -> None:
    """The best forecast, made from the parts that the series consists of, is off by what `least_error` computes."""
    seasons, horizon, length = dataset_module("seasons"), 48, 4_000
    values = seasons.read(horizon).panels[0].values
    squares = []
    for at in range(4):
        quiet = seasons._series(_Quiet((0, at)), length)
        noise = values[:, at] - quiet
        decay = seasons.MEMORY ** np.arange(1, horizon + 1)
        starts = np.arange(1, length - horizon)
        errors = noise[starts[:, None] + np.arange(horizon)] - noise[starts - 1, None] * decay
        squares.append((errors**2).mean() / values[:2_400, at].var())
    assert np.mean(squares) == pytest.approx(seasons.least_error(values, horizon), rel=0.1)


class _Quiet:
    """A generator whose noise is nothing, and whose other draws are those of the real one."""

    def __init__(self, seed: tuple[int, int]) -> None:
        self.real = np.random.default_rng(seed)

    def normal(self, mean: float, deviation: float, size: int | None = None) -> object:
        drawn = self.real.normal(mean, deviation, size)
        return drawn if size is None else np.zeros(size)

    def uniform(self, *given: float) -> object:
        return self.real.uniform(*given)


@pytest.fixture(scope="module")
def etth1() -> dict[str, Windows]:
    folder = Path(os.environ.get(VARIABLE, "")) / "ett"
    if not os.environ.get(VARIABLE) or not folder.is_dir():
        pytest.skip(f"${VARIABLE}/ett is not here")
    return cut_windows(dataset_module("etth1").read(96), 336, 96)[0]


def test_etth1_has_the_published_splits(etth1: dict[str, Windows]) -> None:
    assert {name: len(windows) for name, windows in etth1.items()} == {"train": 8_209, "val": 2_785, "test": 2_785}
    (panel,) = etth1["train"].panels
    assert panel.names == ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
    assert panel.calendar.labels(0, 1) == ["2016-07-01 00:00"]
    assert panel.calendar.labels(14_399, 14_400) == ["2018-02-20 23:00"]
    assert not panel.findings


def test_etth1_repeat_last_is_off_by_what_is_known(etth1: dict[str, Windows]) -> None:
    scale = Scale.learn(etth1["train"])
    mean, deviation = scale.of(etth1["train"].panels[0])
    np.testing.assert_allclose(mean, etth1["train"].panels[0].values[:8_640].mean(0))
    scaled = (etth1["test"].panels[0].values - mean) / deviation
    starts = etth1["test"].starts
    error = scaled[starts[:, None] + np.arange(96)] - scaled[starts - 1, None]
    assert (error**2).mean() == pytest.approx(1.294, abs=1e-3)
    assert np.abs(error).mean() == pytest.approx(0.713, abs=1e-3)
