"""The task of image classification: it learns, resumes, answers pictures of every kind, and shows where it looked."""

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
from picture_data import LABELS, OWN, QUICK, SIDE, TRAINING, bars, save, write_folders, write_idx, write_pairs
from safetensors.torch import load_file

import attentionflow as af
from attentionflow.errors import DataError, UserError
from attentionflow.readers.labelled_pictures import PictureArray, one_input
from attentionflow.tasks import _pixels
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._pixels import all_pixels
from attentionflow.tasks.image_classification import ImageClassification, ImageSettings

pytest.importorskip("PIL", reason="Pillow is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

COUNTS = {"train": 480, "val": 60, "test": 120}


def train(data: Path, out: Path, architecture: str = "patch-transformer", **settings: Any) -> af.Run:
    given = QUICK | OWN[architecture] | TRAINING | settings
    return af.train(
        "image-classification", data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data"), COUNTS)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "classic", "classic", epochs=3)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A lying bar, saved in colour."""
    pixels, numbers = bars(20, 77)
    one = pixels[np.flatnonzero(numbers == LABELS.index("lying"))[0]]
    return save(tmp_path / "photo.png", np.repeat(one[:, :, None], 3, axis=2))


# Learning


def test_it_learns_and_beats_the_simple_baselines_on_unseen_pictures(run: af.Run) -> None:
    found = run.evaluate("test")
    assert found["examples"] == COUNTS["test"]
    accuracy = found["metrics"]["accuracy"]
    usual, machine = (scores["accuracy"].value for scores in found["baselines"].values())
    assert usual < 0.5
    assert accuracy.value > 0.9
    assert accuracy.value > machine + 0.1
    assert accuracy.interval[0] < accuracy.value
    assert found["metrics"]["macro_f1"].parts.keys() == set(LABELS)
    assert [Path(one).name for one in found["pictures"]] == ["confusion-test.svg"]


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.9


@pytest.mark.parametrize("architecture", OWN)
def test_a_run_goes_on_where_it_stopped(
    architecture: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 6, "evaluations": 3, "erase": 0.5, "mixup": 0.4}
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(4, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("image-classification", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def task(folder: Path, **settings: Any) -> tuple[ImageClassification, Any]:
    made = ImageClassification(ImageSettings(**QUICK | settings))
    splits, _ = made.read(str(folder), 0)
    made.learn(splits["train"])
    return made, made.prepare(splits["train"], training=True)[0]


def test_pictures_without_colour_are_read_in_one_channel(folder: Path) -> None:
    made, prepared = task(folder)
    assert prepared.pixels.shape == (COUNTS["train"], SIDE, SIDE, 1)
    np.testing.assert_array_equal(prepared.pixels[:, :, :, 0], bars(COUNTS["train"], 0)[0])
    batch = made.collate(prepared, np.arange(50), 0, None)
    assert batch["images"].shape == (50, 1, SIDE, SIDE)
    assert abs(float(batch["images"].mean())) < 0.1
    assert made.labels.names == LABELS


def test_augmentation_is_a_function_of_seed_epoch_and_index(folder: Path) -> None:
    made, prepared = task(folder, erase=0.5, mixup=0.4)
    some = np.array([3, 7, 11])
    one, same, alone = (made.collate(prepared, at, 4, 2) for at in (some, some, some[1:2]))
    assert torch.equal(one["images"], same["images"])
    assert torch.equal(one["images"][1:2], alone["images"])
    assert torch.equal(one["targets"][1:2], alone["targets"])
    for other in (made.collate(prepared, some, 4, 3), made.collate(prepared, some, 4, None)):
        assert not torch.equal(other["images"], one["images"])


def test_mixed_pictures_have_mixed_labels(folder: Path) -> None:
    """Without other changes, a mixture is that of two training pictures, and its target that of their labels."""
    made, prepared = task(folder, flips="none", shift=0.0, mixup=1.0)
    batch = made.collate(prepared, np.arange(30), 0, 1)
    plain = made.collate(prepared, np.arange(COUNTS["train"]), 0, None)
    torch.testing.assert_close(batch["targets"].sum(1), torch.ones(30))
    for row in range(30):
        rest = batch["images"][row] - plain["images"]  # of the right partner, a multiple of the picture's difference
        direction = plain["images"][row] - plain["images"]
        share = (rest * direction).sum((1, 2, 3)) / direction.square().sum((1, 2, 3)).clamp_min(1e-9)
        off = (rest - share[:, None, None, None] * direction).square().sum((1, 2, 3))
        off[row] = torch.inf
        partner = int(off.argmin())
        assert float(off[partner]) < 1e-3
        own, other = plain["targets"][row], plain["targets"][partner]
        torch.testing.assert_close(batch["targets"][row], other + share[partner] * (own - other), atol=1e-4, rtol=0)


def test_pictures_of_other_sizes_are_scaled_and_counted(folder: Path) -> None:
    pixels, numbers = bars(6)
    large = PictureArray.whole(pixels.repeat(2, 1).repeat(2, 2), numbers, LABELS, "large")
    made, _ = task(folder)
    prepared, notes = made.prepare(large, training=True)
    assert notes == ["6 of 6 training pictures are scaled to fit into 16 x 16 pixels"]
    assert np.abs(prepared.pixels[:, :, :, 0].astype(int) - pixels).mean() < 20
    assert made.prepare(large, training=False)[1] == []


def test_many_pictures_lie_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, numbers = bars(9)
    pictures = list(PictureArray.whole(pixels, numbers, LABELS, "some"))
    canvas = Canvas(SIDE, SIDE, (30.0,), (50.0,), ())
    plain, scaled = all_pixels(pictures, canvas)
    monkeypatch.setattr(_pixels, "IN_MEMORY", 100)
    mapped, _ = all_pixels(pictures, canvas)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, plain)
    assert scaled == 0


def test_labels_that_are_not_known_are_named(folder: Path) -> None:
    made, _ = task(folder)
    pixels, _ = bars(3)
    strange = PictureArray.whole(pixels, np.array([0, 1, 2]), ("cross", "lying", "round"), "some")
    prepared, notes = made.prepare(strange, training=True)
    assert len(prepared.rows) == 2
    assert notes == ["1 pictures without a known label are left out of training: some:3"]
    prepared, notes = made.prepare(strange, training=False)
    assert len(prepared.rows) == 3
    assert notes == ["1 pictures without a known label are always counted as wrong: some:3"]


# Bad input


def test_bad_settings_and_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="patch=6 is no multiple of 4"):
        task(folder, patch=6)
    with pytest.raises(UserError, match="no file, folder or named data set"):
        ImageClassification(ImageSettings()).read("nowhere", 0)
    with pytest.raises(UserError, match="is a data set of translation"):
        ImageClassification(ImageSettings()).read("cldr", 0)
    write_folders(tmp_path, {"train": 12})
    (tmp_path / "train" / "cross" / "broken.png").write_bytes(b"no picture")
    made = ImageClassification(ImageSettings(**QUICK))
    splits, _ = made.read(str(tmp_path), 0)
    with pytest.raises(DataError, match=r"broken\.png"):
        made.learn([*splits["train"], *splits["val"], *splits["test"]])


def test_one_label_is_too_few(tmp_path: Path) -> None:
    pixels, _ = bars(20)
    write_idx(tmp_path / "train-images-idx3-ubyte", pixels)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(20))
    with pytest.raises(UserError, match="there must be two to tell apart"):
        task(tmp_path)


# Answers


def test_the_verbs_answer_pictures_and_tables(run: af.Run, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["predict", str(run.folder), str(photo)]) == 0
    assert capsys.readouterr().out.split()[0] == "lying"
    assert ended(["predict", str(run.folder), str(photo), "--json", "--set", "k=2"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["input"], page["output"], len(page["probabilities"])) == ("photo.png", "lying", 2)
    assert np.exp(page["score"]) == pytest.approx(page["probabilities"]["lying"], abs=1e-4)
    table = photo.parent / "metadata.csv"
    table.write_text("file_name\nphoto.png\nphoto.png\n")
    out = photo.parent / "out.csv"
    assert ended(["predict", str(run.folder), str(table), "--out", str(out)]) == 0
    rows = pl.read_csv(out)
    assert rows.columns == ["picture", "label", "probability", *(f"probability of {label}" for label in LABELS)]
    assert rows["label"].to_list() == ["lying", "lying"]
    file = write_idx(photo.parent / "t10k-images-idx3-ubyte.gz", bars(5)[0])
    assert ended(["predict", str(run.folder), str(file), "--out", str(out)]) == 0
    assert len(pl.read_csv(out)) == 5
    assert ended(["predict", str(run.folder), str(photo.parent / "none.png")]) == 2
    assert "there is no picture" in capsys.readouterr().err
    page_file = photo.parent / "look.html"
    assert ended(["look", str(run.folder), str(photo), "--method", "rollout", "--out", str(page_file)]) == 0
    assert "data:image/" in page_file.read_text()


def test_the_check_speaks_of_the_data(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["data", "check", "image-classification", str(folder)]) == 0
    assert "480 pictures, 3 labels" in capsys.readouterr().out
    broken = write_folders(tmp_path, {"train": 30, "val": 9, "test": 9})
    (broken / "train" / "cross" / "broken.png").write_bytes(b"no picture")
    assert ended(["data", "check", "image-classification", str(broken)]) == 1


def test_probabilities_are_calibrated_on_the_validation_split(run: af.Run) -> None:
    assert run.task.temperature != 1.0
    again = af.load(run.folder, device="cpu")
    assert again.task.temperature == run.task.temperature
    assert again.task.labels.names == LABELS


# Looking


def test_the_label_is_read_from_patches_that_lie_on_the_picture(run: af.Run, photo: Path) -> None:
    record = run.predict(str(photo)).attention
    (patches,), (label,) = record.axes["patches"], record.axes["label"]
    assert label.labels == ("lying",)
    assert patches.labels[6] == "row 2, column 3"
    assert patches.spans is not None
    np.testing.assert_allclose(patches.spans[6], [0.5, 0.25, 0.75, 0.5])
    assert {(site.role, site.queries, site.keys) for site in record} == {
        ("self", "patches", "patches"),
        ("pool", "label", "patches"),
    }
    relevance = af.flow(record, "rollout")
    assert relevance.values.shape == (1, len(patches))


def test_a_picture_of_another_shape_fits_in(run: af.Run) -> None:
    record = run.predict(np.full((32, 16, 3), 120, np.uint8)).attention
    spans = record.axes["patches"][0].spans
    assert spans is not None
    assert [span is not None for span in spans[:4]] == [True, True, False, False]


def test_gates_of_the_classic_lie_on_channels_and_places(classic: af.Run, photo: Path) -> None:
    record = classic.predict(str(photo)).attention
    assert {(site.role, site.queries, site.normalised) for site in record} == {("gate", "picture", False)}
    assert len(record.axes["places of level 1"][0]) == SIDE**2
    assert len(record.axes["channels of level 3"][0]) == 32
    assert af.page(record).html


def test_painting_over_the_bar_makes_its_label_unlikely(run: af.Run) -> None:
    """But for the label that is given where nothing is to be seen."""
    pixels, numbers = bars(20, 77)
    kept, lost = np.array([[True] * 16, [False] * 16]), []
    for number in range(len(LABELS)):
        example = one_input(pixels[np.flatnonzero(numbers == number)[0]])
        (found,), _ = run.predict_examples([example], run.options({}))
        with torch.no_grad():
            whole, nothing = run.task.rescore(run.model, example, found, kept).tolist()
        assert whole == pytest.approx(found.score, abs=1e-4)
        lost.append(whole - nothing)
    assert sorted(lost)[1] > 0.3
