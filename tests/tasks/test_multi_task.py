"""The multi-task task: it learns all columns at once, resumes, answers with each, and shows where each looked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from command import ended
from killing import killed_after_state
from picture_data import SIDE, save
from safetensors.torch import load_file
from tabled_data import COLUMNS, OWN, QUICK, TRAINING, tabled_bars, write_tabled

import attentionflow as af
from attentionflow.errors import DataError, UserError
from attentionflow.readers.labelled_pictures import LabelledPicture, PictureArray
from attentionflow.tasks.multi_task import MultiTask, MultiTaskSettings

pytest.importorskip("PIL", reason="Pillow is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

COUNTS = {"train": 480, "val": 60, "test": 120}


def train(data: Path, out: Path, architecture: str = "task-tokens", **settings: Any) -> af.Run:
    given = QUICK | OWN[architecture] | TRAINING | settings
    return af.train("multi-task", data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tabled(tmp_path_factory.mktemp("data"), COUNTS)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "classic", "classic", epochs=3)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A lying bar, saved in colour."""
    pixels, rows = tabled_bars(20, 77)
    one = next(pixels[i] for i, cells in enumerate(rows) if cells[0] == "lying")
    return save(tmp_path / "photo.png", np.repeat(one[:, :, None], 3, axis=2))


def pictures(rows: list[tuple[str, ...]]) -> list[LabelledPicture]:
    """Pictures with these cells."""
    pixels, _ = tabled_bars(len(rows))
    names = sorted({cell for row in rows for cell in row})
    numbers = np.array([[names.index(cell) for cell in row] for row in rows])
    return list(PictureArray.whole(pixels, numbers, names, "some"))


def learned(rows: list[tuple[str, ...]], columns: tuple[str, ...] = COLUMNS, **settings: Any) -> MultiTask:
    made = MultiTask(MultiTaskSettings(**QUICK | settings))
    made.columns = columns
    made.learn(pictures(rows))
    return made


# Learning


def test_it_learns_every_column_and_beats_the_simple_baselines_on_unseen_pictures(run: af.Run) -> None:
    found = run.evaluate("test")
    scores, (guess, simple) = found["metrics"], found["baselines"].values()
    assert found["examples"] == COUNTS["test"]
    assert scores["accuracy of bar"].value > 0.9
    assert scores["micro_f1 of ways"].value > 0.9
    assert scores["r2 of place"].value > 0.8
    assert guess["accuracy of bar"].value < 0.5
    assert guess["r2 of place"].value == pytest.approx(0, abs=0.1)
    assert scores["quality"].value > simple["quality"].value + 0.1
    assert scores["quality"].parts.keys() == set(COLUMNS)
    assert scores["quality"].value == pytest.approx(np.mean([*scores["quality"].parts.values()]))
    for metric, column in (("accuracy", "bar"), ("micro_f1", "ways"), ("r2", "place")):
        assert scores["quality"].parts[column] == scores[f"{metric} of {column}"].value


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    for column in COLUMNS:
        losses = [line[f"nats of {column}"] for line in log if f"nats of {column}" in line]
        assert losses[-1] < losses[0] * 0.95


@pytest.mark.parametrize(("architecture", "weighting"), [("task-tokens", "uncertainty"), ("classic", "fixed")])
def test_a_run_goes_on_where_it_stopped(
    architecture: str, weighting: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 6, "evaluations": 3, "shift": 0.1, "weighting": weighting}
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(4, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("multi-task", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_network_of_one_column_is_as_large_but_for_its_heads(folder: Path, run: af.Run, tmp_path: Path) -> None:
    alone = train(folder, tmp_path / "alone", columns="place", steps=2, evaluations=1)
    assert alone.task.heads.columns == ["place"]
    sizes = [sum(p.numel() for p in one.model.trunk.parameters()) for one in (alone, run)]
    assert sizes[0] == sizes[1]
    assert set(alone.evaluate("test", baselines=False)["metrics"]) == {
        "quality",
        "r2 of place",
        "rmse of place",
        "mae of place",
    }


# Weights of the losses


def batch_of(made: MultiTask, examples: list[LabelledPicture]) -> Any:
    prepared, _ = made.prepare(examples, training=False)
    return made.collate(prepared, np.arange(len(examples)), 0, None)


def test_fixed_weights_multiply_the_losses_of_training_alone() -> None:
    _, rows = tabled_bars(40)
    plain, weighted = learned(rows), learned(rows, weights="bar=0.5, place=3")
    torch.manual_seed(0)
    model = plain.build("task-tokens", MultiTask.architectures["task-tokens"].settings(**OWN["task-tokens"]))
    batch = batch_of(plain, pictures(rows))
    one, other = (made.losses(model.train(), batch) for made in (plain, weighted))
    for column, weight in (("bar", 0.5), ("ways", 1.0), ("place", 3.0)):
        name = f"nats of {column}"
        assert other[name].count == one[name].count == sum(bool(row[COLUMNS.index(column)]) for row in rows)
        torch.testing.assert_close(other[name].total, weight * one[name].total)
    evaluated = [made.losses(model.eval(), batch)["nats of bar"].total for made in (plain, weighted)]
    torch.testing.assert_close(*evaluated)


def test_weights_by_uncertainty_are_those_of_the_formula() -> None:
    _, rows = tabled_bars(40)
    made = learned(rows, weighting="uncertainty", label_smoothing=0.0)
    model: Any = made.build("classic", MultiTask.architectures["classic"].settings(**OWN["classic"])).eval()
    batch = batch_of(made, pictures(rows))
    with torch.no_grad():
        model.log_variances.copy_(torch.tensor([0.3, -0.2, 1.0]))
        plain = made.losses(model, batch)
        model.training = True  # of the network as a whole alone, so that its normalisation stays as it is
        weighted = made.losses(model, batch)
    for s, name in zip((0.3, -0.2, 1.0), plain, strict=True):
        count = plain[name].count
        expected = plain[name].total * np.exp(-s) + count * s / 2
        torch.testing.assert_close(weighted[name].total, expected)


def test_a_column_without_an_answer_in_a_batch_harms_nothing() -> None:
    _, rows = tabled_bars(40)
    made = learned(rows)
    model = made.build("task-tokens", MultiTask.architectures["task-tokens"].settings(**OWN["task-tokens"])).train()
    batch = batch_of(made, pictures([(rows[0][0], "", ""), (rows[1][0], "", "")]))
    losses = made.losses(model, batch)
    assert [loss.count for loss in losses.values()] == [2, 0, 0]
    sum(loss.total for loss in losses.values()).backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


# Data


def test_what_is_missing_is_counted_and_told() -> None:
    _, rows = tabled_bars(40)
    made = learned(rows)
    some = [("cross", "lying", "3"), ("", "", ""), ("round", "lying", ""), ("cross", "", "")]
    prepared, notes = made.prepare(pictures(some), training=True)
    assert prepared.rows.tolist() == [0, 2, 3]
    assert notes[0] == "bar is one of 3 labels (cross, lying, standing)"
    assert notes[1] == "ways is any of 2 labels (lying, standing)"
    assert notes[2].startswith("place is a number (mean ")
    assert notes[3:] == [
        "bar: 1 of 4 examples have no answer; 1 have one that training does not know, which counts as wrong: some:3",
        "ways: 2 of 4 examples have no answer",
        "place: 3 of 4 examples have no answer",
        "1 training pictures without any answer are left out",
    ]
    prepared, _ = made.prepare(pictures(some), training=False)
    assert len(prepared.rows) == 4


def test_unknown_labels_count_as_wrong_and_empty_cells_do_not_count(run: af.Run) -> None:
    some = [("cross", "", ""), ("round", "", ""), ("", "", "")]
    examples = pictures(some)
    predictions, _ = run.predict_examples(examples, run.options({}))
    scores = run.task.metrics(predictions, examples, cheap=True)
    assert set(scores["quality"].parts) == {"bar"}
    assert scores["accuracy of bar"].value in (0.0, 0.5)
    with pytest.raises(UserError, match="none of 1 examples has an answer in bar, ways, place"):
        run.task.metrics(predictions[2:], examples[2:], cheap=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kinds": "place"}, "'place' is not of the form name=value"),
        ({"kinds": "place=size"}, "place cannot be 'size'.*class, labels, number"),
        ({"kinds": "plaice=number"}, "kinds names a column 'plaice' that is not there: did you mean 'place'"),
        ({"kinds": "bar=number"}, "bar is 'cross', which is no finite number. Correct or empty the cell"),
        ({"weights": "bar=heavy"}, "'heavy' of bar is no number from 0 up"),
        ({"weights": "bar=-1"}, "'-1' of bar is no number from 0 up"),
        ({"weights": "bars=1"}, "'bars' is no column: did you mean 'bar'"),
        ({"weights": "bar=1", "weighting": "uncertainty"}, "is of no effect with weighting=uncertainty"),
        ({"patch": 6}, "patch=6 is no multiple of 4"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, Any], message: str) -> None:
    rows = [row if row[0] != "lying" else ("cross", "lying", "1") for row in tabled_bars(20)[1]]
    with pytest.raises(UserError, match=message):
        learned(rows, **settings)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["", "", ""], "no training picture has a cell in the column 'what'"),
        (["a", "a", ""], "the column 'what' has 1 labels in training"),
        (["a|b", "a|c", "inf"], ""),
        (["2.5", "2.5", "2.5"], "the numbers of the column 'what' are all 2.5 in training"),
    ],
)
def test_columns_that_tell_nothing_are_refused(column: list[str], message: str) -> None:
    rows = [(cell,) for cell in column]
    if not message:
        assert len(learned(rows, ("what",)).heads) == 1
        return
    with pytest.raises(UserError, match=message):
        learned(rows, ("what",))


def test_bad_data_is_named(folder: Path, tmp_path: Path) -> None:
    made = MultiTask(MultiTaskSettings(columns="bars"))
    with pytest.raises(UserError, match=r"no column 'bars' of answers: did you mean 'bar'.*--set columns="):
        made.read(str(folder), 0)
    with pytest.raises(UserError, match="is a data set of image-classification"):
        MultiTask(MultiTaskSettings()).read("digits", 0)
    other = write_tabled(tmp_path, {"train": 24, "val": 8, "test": 8})
    (other / "train" / "0.png").write_bytes(b"no picture")
    made = MultiTask(MultiTaskSettings(**QUICK))
    splits, _ = made.read(str(other), 0)
    with pytest.raises(DataError, match=r"train/0\.png"):
        made.learn(splits["train"])


def test_a_model_is_not_scored_on_data_without_its_columns(run: af.Run, tmp_path: Path) -> None:
    other = write_tabled(tmp_path, {"train": 24, "val": 8, "test": 8})
    for split in ("train", "val", "test"):
        table = other / split / "metadata.csv"
        table.write_text(table.read_text().replace("place", "position"))
    with pytest.raises(UserError, match="no column 'place' of answers"):
        run.evaluate("test", data=str(other))


# Answers


def test_the_verbs_answer_pictures_and_tables(run: af.Run, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["predict", str(run.folder), str(photo)]) == 0
    assert capsys.readouterr().out.startswith("bar: lying, ways: lying, place: ")
    assert ended(["predict", str(run.folder), str(photo), "--json", "--set", "k=2"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["input"], page["output"]["bar"], page["output"]["ways"]) == ("photo.png", "lying", ["lying"])
    assert 0 < page["output"]["place"] < SIDE
    assert {column: len(told) for column, told in page["probabilities"].items()} == {"bar": 2, "ways": 2}
    assert page["off_by"]["place"] > 0
    table = photo.parent / "metadata.csv"
    table.write_text("file_name\nphoto.png\nphoto.png\n")
    out = photo.parent / "out.csv"
    assert ended(["predict", str(run.folder), str(table), "--out", str(out)]) == 0
    rows = pl.read_csv(out)
    columns = ["file_name", "bar", "probability of bar", "ways", "probability of ways", "place"]
    assert rows.columns == columns
    assert rows["bar"].to_list() == ["lying", "lying"]
    assert ended(["predict", str(run.folder), str(photo.parent / "none.png")]) == 2
    assert "there is no picture" in capsys.readouterr().err


def test_a_page_shows_where_each_column_is_read(run: af.Run, photo: Path) -> None:
    page = photo.parent / "look.html"
    arguments = ["look", str(run.folder), str(photo), "--method", "rollout", "--target", "1", "--out", str(page)]
    assert ended(arguments) == 0
    assert "data:image/" in page.read_text()
    record = run.predict(str(photo)).attention
    (tasks,), (patches,) = record.axes["tasks"], record.axes["patches"]
    assert [label.split(":")[0] for label in tasks.labels] == list(COLUMNS)
    assert tasks.labels[0] == "bar: lying"
    assert len(patches) == (SIDE // 4) ** 2
    (site,) = record.select(role="cross")
    assert (site.queries, site.keys, site.residual) == ("tasks", "patches", False)
    assert site.weights.shape == (1, 2, len(COLUMNS), len(patches))


def test_the_classic_gates_the_places_for_each_column(classic: af.Run, photo: Path) -> None:
    record = classic.predict(str(photo)).attention
    site = record.sites[-1]
    assert (site.role, site.queries, site.keys) == ("gate", "tasks", "patches")
    assert site.weights.shape == (1, 1, len(COLUMNS), (SIDE // 4) ** 2)
    assert not site.normalised
    assert {"channels of level 1", "places of level 1", "picture"} <= record.axes.keys()
    assert af.page(record).html


def test_a_number_is_likely_as_far_as_it_lies_from_the_mean(run: af.Run, photo: Path) -> None:
    """The log-probability of its side of the training mean, by a normal distribution as wide as it was off on val."""
    example = run.task.example(str(photo))
    (prediction,), _ = run.predict_examples([example], run.options({}))
    with torch.no_grad():
        (scores,) = run.task.replay(run.model, [example], [prediction], scored=True)
    head = run.task.heads.heads[2]
    expected = torch.special.log_ndtr(torch.tensor(abs(prediction.raw[2]) / head.error))
    torch.testing.assert_close(scores[2], expected, rtol=1e-4, atol=1e-5)
    assert prediction.score == pytest.approx(float(scores.mean()), abs=1e-5)
    assert 0 < head.error < 0.6


def test_the_check_speaks_of_the_columns(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["data", "check", "multi-task", str(folder)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "480 pictures, 3 answers each (bar, ways, place)" in out
    assert "ways is read as any of some labels: 2 in train" in out
    assert "place is read as a number: 3.5 /" in out
    assert "train: place is empty in 60 pictures" in out
    broken = write_tabled(tmp_path, {"train": 30, "val": 9, "test": 9})
    (broken / "train" / "3.png").write_bytes(b"no picture")
    assert ended(["data", "check", "multi-task", str(broken)]) == 1
