"""Forecasting as a task: it learns, every window counts once, figures are right, and every verb works on files."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
import torch
from forecasting_data import PERIOD, SETTINGS, courses, dates, tents, write_long, write_wide
from safetensors.torch import load_file

import attentionflow as af
from attentionflow import _train
from attentionflow._predict import record_predictions
from attentionflow.cli import main
from attentionflow.errors import DataError, UserError
from attentionflow.readers.windows import Windows
from attentionflow.tasks import _forecast_picture
from attentionflow.tasks._correction import correction_helps
from attentionflow.tasks._forecast_errors import Errors, Scale
from attentionflow.tasks._line import ridge
from attentionflow.tasks._simple_forecasts import best_season
from attentionflow.tasks.time_series_forecasting import ForecastingSettings, TimeSeriesForecasting

NAME = "time-series-forecasting"


def train(data: Path, out: Path, architecture: str = "patch-transformer", **settings: Any) -> af.Run:
    given = SETTINGS[architecture] | settings
    return af.train(NAME, data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wide(tmp_path_factory.mktemp("data") / "t.csv")


@pytest.fixture(scope="module", params=SETTINGS)
def run(request: pytest.FixtureRequest, table: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(table, tmp_path_factory.mktemp("runs") / "run", request.param, epochs=1)


@pytest.fixture(scope="module")
def trained(table: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(table, tmp_path_factory.mktemp("runs") / "run", epochs=12)


# Learning


def test_it_learns_the_rule_on_later_steps(trained: af.Run) -> None:
    found = trained.evaluate("test")
    least = 0.1**2 * np.mean(1 / courses(360).var(0) * [100, 0.01])
    mse = found["metrics"]["mse"].value
    assert mse < found["baselines"]["last value"]["mse"].value / 20
    assert mse < found["baselines"]["value of one season before"]["mse"].value / 1.4, "which has the noise twice"
    assert mse < 1.5 * least
    assert found["metrics"]["coverage"].value == pytest.approx(0.8, abs=0.12)
    assert found["metrics"]["quantile_loss"].value < found["metrics"]["mae"].value


def test_what_no_line_can_tell_is_learned(tmp_path: Path) -> None:
    settings = {"look_back": 24, "width": 32, "feedforward": 64}
    run = train(write_wide(tmp_path / "tents.csv", tents(), ("tent",)), tmp_path / "run", **settings)
    found = run.evaluate("test")
    assert run.task.corrected
    assert found["metrics"]["mse"].value < found["baselines"]["linear map of the look-back"]["mse"].value / 3
    assert not any("line" in note for note in found["notes"])


def test_a_network_that_is_no_better_leaves_the_forecast_to_its_line(tmp_path: Path) -> None:
    walk = np.random.default_rng(0).normal(size=(500, 1)).cumsum(0)
    run = train(write_wide(tmp_path / "walk.csv", walk, ("walk",)), tmp_path / "run", epochs=2)
    loaded = af.load(run.folder)
    assert not loaded.task.corrected
    found = loaded.evaluate("test")
    line = found["baselines"]["linear map of the look-back"]["mse"].value
    assert found["metrics"]["mse"].value == pytest.approx(line, rel=0.02)  # its level is carried through exactly
    assert any("point forecasts are the line's alone" in note for note in found["notes"])
    record = loaded.record(str(tmp_path / "walk.csv"), gradients=True)
    assert "point forecasts are the line's alone" in record.notes[-1]
    assert not any(site.gradients is None or site.gradients.any() for site in record.sites)


@pytest.mark.parametrize(
    ("found", "starts", "helps"),
    [
        ([1.0, 1, 1, 1], [0, 2, 4, 6], True),
        ([1.0, -1, 1, -1], [0, 2, 4, 6], False),
        ([3.0, -1, 3, -1], [0, 2, 4, 6], False),  # a mean of 1 within an error of 1.15
        ([3.0, -1, 3, -1], [0, 1, 2, 3], True),  # two stretches of horizon 2, both of mean 1
        ([-0.1], [0], False),
    ],
)
def test_a_correction_helps_by_more_than_a_standard_error(found: list[float], starts: list[int], helps: bool) -> None:
    windows = Windows([], np.zeros(len(starts), int), np.array(starts), look_back=4, horizon=2)
    assert correction_helps(np.array(found), windows) is helps


def test_classic_learns(table: Path, tmp_path: Path) -> None:
    found = train(table, tmp_path / "run", "classic", epochs=4).evaluate("test")
    assert found["metrics"]["mse"].value < found["baselines"]["last value"]["mse"].value / 4
    assert found["metrics"]["coverage"].value == pytest.approx(0.8, abs=0.12)


@pytest.mark.parametrize("architecture", SETTINGS)
def test_a_killed_run_resumes_to_the_same_weights(
    architecture: str, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"dropout": 0.1, "steps": 9, "evaluations": 3}
    train(table, tmp_path / "whole", architecture, **settings)
    monkeypatch.setattr(_train, "SECONDS_BETWEEN_STATES", 0.0)
    optimise, loop = _train.Trainer.optimise, _train.Trainer.loop

    def loop_marked(self: _train.Trainer, stopper: Any) -> bool:
        self.learning = True  # measuring is over
        return loop(self, stopper)

    def optimise_or_die(self: _train.Trainer, group: Any, epoch: int) -> dict[str, int]:
        if self.at.step == 5 and hasattr(self, "learning"):
            raise KeyError("killed")
        return optimise(self, group, epoch)

    with monkeypatch.context() as patched:
        patched.setattr(_train.Trainer, "loop", loop_marked)
        patched.setattr(_train.Trainer, "optimise", optimise_or_die)
        with pytest.raises(KeyError, match="killed"):
            train(table, tmp_path / "killed", architecture, **settings)
    af.train(NAME, out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    whole, again = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert (tmp_path / "whole" / "log.jsonl").read_bytes() == (tmp_path / "killed" / "log.jsonl").read_bytes()


@pytest.mark.parametrize("loss", ["absolute", "huber"])
def test_other_losses_of_the_point_forecast(table: Path, tmp_path: Path, loss: str) -> None:
    run = train(table, tmp_path / "run", loss=loss, steps=2, evaluations=1)
    assert np.isfinite(json.loads((run.folder / "metrics.json").read_text())["val"]["metrics"]["mse"]["value"])


# Figures


@pytest.mark.parametrize("size", [1, 7, 115, 1000])
def test_every_window_counts_once_whatever_the_size_of_a_batch(trained: af.Run, table: Path, size: int) -> None:
    task = TimeSeriesForecasting(trained.task.settings.model_copy(update={"batch_windows": size}))
    task.scale, task.corrected = trained.task.scale, trained.task.corrected
    test = task.read(str(table), 0)[0]["test"]
    prepared, _ = task.prepare(test, training=False)
    batches = task.batches(prepared, 0, None)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(test)))
    one = af.Run(trained.folder, trained.page, task, trained.model)
    predictions, _ = one.predict_examples(test, one.options({}))
    found = task.metrics(predictions, test, cheap=True)
    usual = trained.evaluate("test", baselines=False)["metrics"]
    assert len(predictions) == 120 - 8 + 1
    for name in ("mse", "mae", "quantile_loss"):
        assert found[name].value == pytest.approx(usual[name].value, rel=1e-5)


def test_metrics_are_those_of_all_values_at_once(trained: af.Run, table: Path) -> None:
    test = trained.task.read(str(table), 0)[0]["test"]
    predictions, _ = trained.predict_examples(test, trained.options({}))
    scores = trained.task.metrics(predictions, test, cheap=False)
    values = courses()[:360]
    mean, deviation = values.mean(0), values.std(0)
    answers = np.stack([w.future for w in test])  # (N, H, C), in units
    points = np.stack([p.output.values for p in predictions])
    quantiles = np.stack([p.output.quantiles for p in predictions])
    error = (answers - points) / deviation
    assert scores["mse"].value == pytest.approx((error**2).mean(), rel=1e-5)
    assert scores["mae"].value == pytest.approx(np.abs(error).mean(), rel=1e-5)
    np.testing.assert_allclose([*scores["mse"].parts.values()], (error**2).mean((0, 2)), rtol=1e-5)
    in_units = np.abs(answers - points).mean((0, 1))
    assert scores["mae_in_units"].parts == pytest.approx(dict(zip(("load", "price"), in_units, strict=True)), rel=1e-5)
    inside = (answers >= quantiles[..., 0]) & (answers <= quantiles[..., -1])
    assert scores["coverage"].value == pytest.approx(inside.mean(), abs=1e-3)
    below = (answers[..., None] - quantiles) / deviation[:, None]
    levels = np.array([0.1, 0.5, 0.9])
    pinball = np.maximum(levels * below, (levels - 1) * below).mean()
    assert scores["quantile_loss"].value == pytest.approx(2 * pinball, rel=1e-5)
    assert mean == pytest.approx([trained.task.scale.mean[name] for name in ("load", "price")])
    assert (np.diff(quantiles, axis=-1) >= 0).all()


def task_of(**settings: Any) -> TimeSeriesForecasting:
    return TimeSeriesForecasting(ForecastingSettings(look_back=24, horizon=6, **settings))


def test_the_baselines_written_out(table: Path) -> None:
    splits, _ = task_of().read(str(table), 0)
    found = task_of().baselines(splits["train"], splits["test"])
    scaled = (courses() - courses()[:360].mean(0)) / courses()[:360].std(0)
    starts = range(480, 595)
    last = np.mean([(scaled[s : s + 6] - scaled[s - 1]) ** 2 for s in starts])
    season = np.mean([(scaled[s : s + 6] - scaled[s - PERIOD : s - PERIOD + 6]) ** 2 for s in starts])
    assert found["last value"]["mse"].value == pytest.approx(last)
    scale = Scale.learn(Windows.of(splits["train"]))
    period = best_season(Windows.of(splits["train"]), scale)
    assert period % PERIOD == 0
    if period == PERIOD:
        assert found["value of one season before"]["mse"].value == pytest.approx(season)
    assert found["last value"]["quantile_loss"].value == pytest.approx(found["last value"]["mae"].value)


def test_the_linear_baseline_is_the_ridge_of_the_normal_equations(table: Path) -> None:
    train_windows = Windows.of(task_of().read(str(table), 0)[0]["train"])
    scale = Scale.learn(train_windows)
    weights, strength = ridge(train_windows, scale)
    scaled = (courses()[:360] - courses()[:360].mean(0)) / courses()[:360].std(0)
    rows = np.concatenate([scaled[s - 24 : s + 6].T for s in range(24, 355)])
    rows = rows - rows[:, 23:24]
    x, y = rows[:, :24], rows[:, 24:]
    penalty = np.sqrt(strength * (x**2).sum() / 24)
    plain = np.linalg.lstsq(np.vstack([x, penalty * np.eye(24)]), np.vstack([y, np.zeros((24, 6))]), rcond=None)[0]
    np.testing.assert_allclose(weights, plain, atol=2e-3)


def test_the_season_ahead_of_a_horizon_longer_than_it(tmp_path: Path) -> None:
    task = TimeSeriesForecasting(ForecastingSettings(look_back=24, horizon=30))
    splits, _ = task.read(str(write_wide(tmp_path / "t.csv", courses(noise=1e-6))), 0)
    found = task.baselines(splits["train"], splits["test"])
    assert found["value of one season before"]["mse"].value < 1e-6


def test_a_constant_series_and_an_unknown_one_have_a_scale(tmp_path: Path) -> None:
    values = courses()
    values[:, 1] = 4
    task = task_of()
    task.learn(task.read(str(write_wide(tmp_path / "t.csv", values)), 0)[0]["train"])
    assert task.scale is not None
    assert task.scale.deviation["price"] == 1
    other = task.read(str(write_wide(tmp_path / "u.csv", courses(), ("load", "wind"))), 0)[0]["test"]
    prepared, notes = task.prepare(other, training=False)
    assert "1 series were not in the training data and are scaled by their own past: wind" in notes[0]
    assert torch.isfinite(prepared.values[0]).all()


def test_a_window_whose_future_is_unknown_is_not_scored(trained: af.Run) -> None:
    window = trained.task.example(np.arange(36.0))
    with pytest.raises(ValueError, match="is not known"):
        Errors(8, (0.1, 0.9), trained.task.scale).add(window, np.zeros((8, 1)))


def test_batches_are_cut_from_one_array(trained: af.Run, table: Path) -> None:
    prepared, _ = trained.task.prepare(trained.task.read(str(table), 0)[0]["train"], training=True)
    assert [values.shape for values in prepared.values] == [(600, 2)]
    batch = trained.task.collate(prepared, np.array([5, 0]), 0, None)
    assert torch.equal(batch["past"][0], prepared.values[0][5 : 5 + 36])
    assert torch.equal(batch["future"][1], prepared.values[0][36 : 36 + 8])


# Prediction


def test_a_forecast_is_in_the_units_and_dates_of_the_table(trained: af.Run, table: Path) -> None:
    forecast = trained.predict(str(table)).output
    assert forecast.dates == dates(608)[600:]
    assert forecast.names == ("load", "price")
    clean = courses(608, noise=0)[600:]
    np.testing.assert_allclose(forecast.values, clean, atol=4)
    np.testing.assert_allclose(forecast.values[:, 1], clean[:, 1], atol=0.04)
    page = forecast.to_json()
    assert page["date"] == forecast.dates
    assert page["series"]["price"]["q0.9"] == pytest.approx(forecast.quantiles[:, 1, 2])
    assert str(forecast).splitlines()[0] == "series\tdate\tvalue\tq0.1\tq0.5\tq0.9"
    assert len(str(forecast).splitlines()) == 17


def test_an_array_and_numbers_as_text_are_forecast_too(trained: af.Run) -> None:
    with pytest.warns(UserWarning, match="not in the training data"):
        array = trained.predict(courses()[:, 0])
    with pytest.warns(UserWarning, match="not in the training data"):
        text = trained.predict(" ".join(map(repr, courses()[:, 0].tolist())))
    np.testing.assert_allclose(array.output.values, text.output.values)
    assert array.output.dates == [str(step) for step in range(601, 609)]


def test_some_series_alone(trained: af.Run, table: Path) -> None:
    whole, alone = trained.predict(str(table)), trained.predict(str(table), only="price")
    assert alone.output.names == ("price",)
    np.testing.assert_array_equal(alone.output.values[:, 0], whole.output.values[:, 1])
    assert len(alone.attention.axes["past"][0]) * 2 == len(whole.attention.axes["past"][0])
    found = trained.evaluate("test", only="price", baselines=False)["metrics"]
    assert found["mae_in_units"].parts.keys() == {"price"}
    with pytest.raises(UserError, match=r"there is no series 'prise'; did you mean 'price'"):
        trained.predict(str(table), only="prise")


def test_series_with_dates_of_their_own_are_forecast_beside_each_other(trained: af.Run, tmp_path: Path) -> None:
    path = write_long(tmp_path / "long.csv")
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], *rows[11:]]) + "\n")  # the first series begins ten hours later
    examples = trained.task.read_inputs(path)
    predictions, _ = trained.predict_examples(examples, trained.options({}))
    assert [p.output.names for p in predictions] == [("load",), ("price",)]
    with pytest.raises(UserError, match="holds 2 series with dates of their own"):
        trained.predict(str(path))
    wide = trained.predict(str(write_wide(tmp_path / "wide.csv")))
    with pytest.raises(UserError, match="record them one by one"):
        record_predictions(
            trained.task, trained.model, [*examples[:1], wide_example(trained, tmp_path)], [predictions[0], wide]
        )


def wide_example(run: af.Run, folder: Path) -> Any:
    return run.task.example(str(folder / "wide.csv"))


def test_a_history_that_is_too_short(trained: af.Run) -> None:
    with pytest.raises(DataError, match="5 steps, but the model looks back over 36"):
        trained.predict("1 2 3 4 5")


# Looking


def test_the_axes_name_series_and_dates(run: af.Run, table: Path) -> None:
    prediction = run.predict(str(table))
    record = prediction.attention.unfolded()
    past = record.axes["past"][0]
    assert past.labels[0] == f"load {dates(600)[564 + round(past.spans[0][0] * (36 + 8))]}"
    assert past.labels[-1].startswith("price 2024-03-25")
    assert past.spans[-1] == (pytest.approx(past.spans[-2][2]), 0.5, pytest.approx(36 / (36 + 8)), 1.0)
    future = run.task.axes([run.task.example(str(table))], [prediction])["future"][0]
    assert future.spans[0] == (pytest.approx(36 / (36 + 8)), 0.0, pytest.approx(future.spans[0][2]), 0.5)
    assert future.spans[-1][2:] == (1.0, 1.0)
    for site in record:
        half = site.weights.shape[3] // 2
        assert not site.weights[:, :, : site.weights.shape[2] // 2, half:].any(), "each series looks at itself alone"


def test_the_series_are_drawn_with_their_forecast(trained: af.Run, table: Path) -> None:
    prediction = trained.predict(str(table))
    preview = prediction.attention.axes["past"][0].preview
    assert preview.startswith("data:image/svg+xml;base64,")
    picture = ElementTree.fromstring(base64.b64decode(preview.partition(",")[2]))
    tags = [child.tag.rpartition("}")[2] for child in picture]
    assert tags.count("polygon") == 2, "a band a series"
    past, ahead = [child.get("points").split() for child in picture if child.tag.endswith("polyline")][:2]
    assert (len(past), len(ahead)) == (36, 8 + 1), "the forecast is joined to the present"
    assert ahead[0] == past[-1]
    heights = np.array([float(point.split(",")[1]) for point in past])
    course = prediction.output.window.past[:, 0]
    assert np.corrcoef(heights, course)[0, 1] == pytest.approx(-1, abs=1e-3), "up is more"
    assert [child.text for child in picture if child.tag.endswith("text")] == ["load", "price"]


def test_many_series_are_not_drawn(trained: af.Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_forecast_picture, "MOST_SERIES", 1)
    assert trained.predict(str(table)).attention.axes["past"][0].preview is None
    assert trained.predict(str(table), only="load").attention.axes["past"][0].preview


def test_gradients_of_one_part_start_from_its_rows(run: af.Run, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.task, "corrected", True)
    prediction = run.predict(str(table))
    record = run.record_of(str(table), prediction, gradients=True, target=1)
    relevance = af.flow(record, "gradient")
    assert relevance.targets == tuple(np.atleast_1d(run.task.rows(prediction, 1)).tolist())
    assert relevance.values.max() > 0


def test_a_position_taken_out_changes_the_score_of_its_series(
    trained: af.Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained.task, "corrected", True)
    example = trained.task.example(str(table))
    prediction = trained.predict(str(table), only="load")
    n = len(prediction.attention.axes["past"][0])
    with torch.no_grad():
        scores = trained.task.rescore(
            trained.model, example, prediction, np.concatenate([np.ones((1, n)), 1 - np.eye(n)]) > 0
        )
    assert scores[0] == pytest.approx(prediction.score, abs=1e-5)
    assert (scores[1:] != scores[0]).all()


# The command line


def ended(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_the_verbs_work_on_files(
    trained: af.Run, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended("data", "check", NAME, table, "--set=look_back=36", "--set=horizon=8") == 0
    assert "2 series (load, price)" in capsys.readouterr().out
    assert ended("evaluate", trained.folder) == 0
    out = capsys.readouterr().out
    assert "mse in parts: 1: " in out
    assert "linear map" in out
    assert ended("predict", trained.folder, table, "--out", tmp_path / "out.parquet") == 0
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame.columns == ["after", "series", "date", "value", "q0.1", "q0.5", "q0.9"]
    assert frame.height == 16
    np.testing.assert_allclose(frame["value"].to_numpy()[:8], trained.predict(str(table)).output.values[:, 0])
    capsys.readouterr()
    assert ended("predict", trained.folder, table, "--json", "--set=only=load") == 0
    page = json.loads(capsys.readouterr().out)
    assert page["output"]["series"].keys() == {"load"}
    assert ended("look", trained.folder, table, "--method=gradient", "--target=1", "--out", tmp_path / "look.html") == 0
    assert ended("look", trained.folder, table, "--method=rollout", "--out", tmp_path / "rollout.html") == 0
    assert "price 2024-03-25" in (tmp_path / "look.html").read_text()
    capsys.readouterr()
    assert ended("faithful", trained.folder, "--examples=2", "--method=raw", "--set=only=load") == 0
    assert ended("predict", trained.folder, tmp_path / "none.csv") == 2
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["0.5", "0.9,0.1", "0.1,0.1", "0,0.5", "0.5,1", "a,b"])
def test_quantiles_that_are_none(given: str) -> None:
    with pytest.raises(ValueError, match="quantiles"):
        ForecastingSettings(quantiles=given)


def test_an_unknown_data_set_is_told() -> None:
    with pytest.raises(UserError, match=r"did you mean 'etth1'"):
        task_of().read("etth2", 0)
