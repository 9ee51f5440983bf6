"""The task of object detection: it learns, resumes, answers pictures of every kind, and shows where it looked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from command import ended
from detection_data import HEIGHT, QUICK, QUICK_DEFAULT, TRAINING, WIDTH, picture, save, write_coco, write_voc
from killing import killed_after_state
from safetensors.torch import load_file

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.models.detector import PATCH
from attentionflow.readers.box_formats import read_pictures
from attentionflow.tasks._detection_losses import CHOSEN, choose, detection_losses
from attentionflow.tasks.object_detection import DetectionSettings, ObjectDetection

pytest.importorskip("PIL", reason="Pillow is not installed")
pytest.importorskip("faster_coco_eval", reason="faster-coco-eval is not installed")

COUNTS = {"train": 160, "val": 24, "test": 40}
OWN = {"proposal-transformer": QUICK_DEFAULT, "classic": QUICK}


def train(data: Path, out: Path, architecture: str = "proposal-transformer", **settings: Any) -> af.Run:
    given = OWN[architecture] | TRAINING | settings
    return af.train(
        "object-detection", data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voc(tmp_path_factory.mktemp("data"), COUNTS)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "classic", "classic", epochs=4)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture twice as large as those of the training."""
    pixels, _ = picture(5)
    return save(tmp_path / "photo.png", pixels.repeat(2, 0).repeat(2, 1))


# Learning


def test_it_learns_and_beats_the_simple_baselines_on_unseen_pictures(run: af.Run) -> None:
    found = run.evaluate("test")
    assert found["examples"] == COUNTS["test"]
    own = found["metrics"]
    guessed, nearest, windows = found["baselines"].values()
    assert own["map50"].value > 0.9
    assert own["map50"].value > max(guessed["map50"].value, nearest["map50"].value) + 0.4
    assert own["map"].value > windows["map"].value + 0.3
    assert own["map50"].parts.keys() == {"square", "disc"}
    log = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    for name in ("class", "box"):  # that of the second look rises at first, with the objects that there are to look at
        losses = [line[name] for line in log if name in line]
        assert losses[-1] < losses[0] * 0.7


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["class"] for line in log if "class" in line]
    assert losses[-1] < losses[0] * 0.9


@pytest.mark.parametrize("architecture", OWN)
def test_a_run_goes_on_where_it_stopped(
    architecture: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 6, "evaluations": 3, "mosaic": 0.5, "flips": "both"}
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(4, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("object-detection", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def task(folder: Path, **settings: Any) -> tuple[ObjectDetection, Any]:
    made = ObjectDetection(DetectionSettings(size=64, **settings))
    splits, _ = made.read(str(folder), 0)
    made.learn(splits["train"])
    return made, made.prepare(splits["train"], training=True)[0]


def test_the_canvas_has_the_shape_of_the_pictures(folder: Path) -> None:
    made, prepared = task(folder)
    canvas = made.canvas
    assert canvas is not None
    assert (canvas.width, canvas.height) == (WIDTH, HEIGHT)
    assert canvas.classes == ("disc", "square")
    assert canvas.fitted((200, 100)) == (64, 32)
    assert canvas.fitted((10, 100)) == (5, 48)
    batch = made.collate(prepared, np.arange(20), 0, None)
    assert batch["images"].shape == (20, 3, HEIGHT, WIDTH)
    assert abs(float(batch["images"].mean())) < 0.3


def test_augmentation_is_a_function_of_seed_epoch_and_index(folder: Path) -> None:
    made, prepared = task(folder, mosaic=0.5, flips="both")
    some = np.array([3, 7, 11])
    one, same, alone = (made.collate(prepared, at, 4, 2) for at in (some, some, some[1:2]))
    assert torch.equal(one["images"], same["images"])
    torch.testing.assert_close(one["images"][1:2], alone["images"])
    count = int((alone["labels"] >= 0).sum())
    assert torch.equal(one["objects"][1, :count], alone["objects"][0, :count])
    other = made.collate(prepared, some, 4, 3)
    assert not torch.equal(one["images"], other["images"])
    plain = made.collate(prepared, some, 4, None)
    assert not torch.equal(plain["images"], one["images"])


def test_boxes_stay_on_their_objects_through_every_change(folder: Path) -> None:
    """What lies in the boxes of a batch looks unlike the ground, and what lies outside of all of them like it."""
    made, prepared = task(folder, mosaic=0.5, flips="both", colour=0.0)
    canvas = made.canvas
    assert canvas is not None
    for epoch in range(3):
        batch = made.collate(prepared, np.arange(24), 1, epoch)
        pixels = (
            batch["images"] * torch.tensor(canvas.deviation)[:, None, None] + torch.tensor(canvas.mean)[:, None, None]
        )
        for image, boxes, labels in zip(pixels, batch["objects"], batch["labels"], strict=True):
            for (left, top, right, bottom), label in zip(boxes.tolist(), labels.tolist(), strict=True):
                if label < 0 or min(right - left, bottom - top) < 6:
                    continue
                x, y = int((left + right) / 2), int((top + bottom) / 2)
                seen = image[:, y, x]
                assert (seen[0] < 110) if canvas.classes[label] == "disc" else (seen[0] - seen[2] > 60)


def test_what_is_to_be_ignored_is_not_learned(folder: Path, tmp_path: Path) -> None:
    made, prepared = task(folder)
    torch.manual_seed(0)
    model = made.build("classic", ObjectDetection.architectures["classic"].settings(channels=8, blocks=1)).eval()
    batch = made.collate(prepared, np.arange(4), 0, None)
    labels = batch["labels"].clone()
    labels[labels >= 0] = -1
    with torch.no_grad():
        losses = detection_losses(model, batch["images"], batch["objects"], labels)
        with_nothing = detection_losses(model, batch["images"], batch["objects"], torch.full_like(labels, -2))
    assert float(losses["box"]) == 0
    assert 0 < float(losses["class"]) < float(with_nothing["class"])


def test_cells_that_get_a_second_look_are_the_best_that_differ(run: af.Run) -> None:
    prepared, _ = run.task.prepare(run.task.read(run.page["data"], 0)[0]["test"], False)
    with torch.no_grad():
        found = run.model(run.task.collate(prepared, np.arange(6), 0, None)["images"])
    at = choose(found)
    best = found.logits.amax(-1)
    assert at.shape == (6, min(CHOSEN, found.logits.shape[1]))
    assert all(len(set(row.tolist())) == at.shape[1] for row in at)
    assert torch.equal(at[:, 0], best.argmax(1))


# Answers


def test_boxes_are_in_the_pixels_of_the_picture_that_was_given(run: af.Run, photo: Path) -> None:
    pixels, objects = picture(5)
    small, large = run.predict(pixels), run.predict(str(photo))
    assert large.output.size == (2 * WIDTH, 2 * HEIGHT)
    for a, b, (label, box) in zip(small.output.shown, large.output.shown, objects, strict=False):
        assert a.label == b.label == label
        np.testing.assert_allclose(a[2:], box, atol=5)
        np.testing.assert_allclose(np.array(a[2:]) * 2, b[2:], atol=3)


def test_a_picture_of_another_shape_is_answered_inside_its_border(run: af.Run) -> None:
    tall = np.full((90, 30, 3), 128, np.uint8)
    tall[60:80, 5:25] = (230, 220, 90)
    answer = run.predict(tall, threshold=0.05).output
    for one in answer.candidates:
        assert 0 <= one.left <= one.right <= 30
        assert 0 <= one.top <= one.bottom <= 90


def test_where_nothing_is_found_the_answer_is_that(run: af.Run) -> None:
    found = run.predict(np.full((HEIGHT, WIDTH, 3), 128, np.uint8), threshold=0.99)
    assert len(found.output) == 0
    assert str(found.output) == "nothing above 0.99"
    assert found.to_json()["output"] == []
    assert found.raw.empty
    assert np.exp(found.score) == pytest.approx(1 - found.raw.boxes[0].score, abs=1e-4)
    record = found.attention
    assert record.axes["boxes"][0].labels[0].startswith("nothing: at most")


def test_the_verbs_answer_pictures_and_tables(run: af.Run, photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["predict", str(run.folder), str(photo)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(one) for one in run.predict(str(photo)).output.shown]
    assert all(line.split()[0] in ("disc", "square") for line in lines)
    assert ended(["predict", str(run.folder), str(photo), "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert page["input"] == "photo.png"
    assert page["output"][0].keys() == {"label", "score", "left", "top", "right", "bottom"}
    table = photo.parent / "metadata.csv"
    table.write_text("file_name\nphoto.png\nphoto.png\n")
    assert ended(["predict", str(run.folder), str(table), "--out", str(photo.parent / "out.csv")]) == 0
    rows = pl.read_csv(photo.parent / "out.csv")
    assert rows.columns == ["input", "label", "score", "left", "top", "right", "bottom"]
    assert len(rows) == 2 * len(lines)
    assert ended(["predict", str(run.folder), str(photo.parent / "none.png")]) == 2
    assert "there is no picture" in capsys.readouterr().err
    assert (
        ended(["look", str(run.folder), str(photo), "--method", "rollout", "--out", str(photo.parent / "l.html")]) == 0
    )
    assert "data:image/jpeg" in (photo.parent / "l.html").read_text()


def test_the_check_finds_what_is_wrong(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["data", "check", "object-detection", str(folder)]) == 0
    broken = write_coco(tmp_path / "coco", {"train": 2, "val": 1, "test": 1})
    page = broken / "annotations" / "instances_train2017.json"
    told = json.loads(page.read_text())
    told["images"][0]["width"] = 999
    page.write_text(json.dumps(told))
    assert ended(["data", "check", "object-detection", str(broken)]) == 1
    with pytest.raises(UserError, match="no file, folder or named data set"):
        ObjectDetection(DetectionSettings()).read("nowhere", 0)
    with pytest.raises(UserError, match="is a data set of translation"):
        ObjectDetection(DetectionSettings()).read("cldr", 0)


def test_training_pictures_without_boxes_are_refused(tmp_path: Path) -> None:
    bare = write_voc(tmp_path, {"train": 2})
    for page in (bare / "Annotations").iterdir():
        page.write_text("<annotation></annotation>")
    with pytest.raises(UserError, match="nothing to learn"):
        ObjectDetection(DetectionSettings()).learn(read_pictures(bare).splits["train"])


# Looking


def test_what_is_said_of_an_object_depends_on_no_other(run: af.Run, folder: Path) -> None:
    """Scored once more, alone or together, an object is as sure as it was when it was found."""
    examples = list(run.task.read(str(folder), 0)[0]["test"][:8])
    predictions, _ = run.predict_examples(examples, run.options({}))
    with torch.no_grad():
        scores = run.task.replay(run.model, examples, predictions, scored=True)
    for row, prediction in zip(scores, predictions, strict=True):
        count = len(prediction.output.shown)
        np.testing.assert_allclose(row[:count].exp(), [one.score for one in prediction.output.shown], atol=1e-4)


def test_every_object_attends_to_patches_that_lie_on_the_picture(run: af.Run, photo: Path) -> None:
    found = run.predict(str(photo))
    record = found.attention
    (patches,), (boxes,) = record.axes["patches"], record.axes["boxes"]
    assert len(patches) == WIDTH * HEIGHT // PATCH**2
    assert patches.labels[5] == "row 2, column 2"
    assert patches.spans is not None
    np.testing.assert_allclose(patches.spans[5], [0.25, 1 / 3, 0.5, 2 / 3])
    assert len(boxes) == len(found.output)
    assert {(site.role, site.queries, site.keys) for site in record} == {
        ("self", "patches", "patches"),
        ("cross", "boxes", "patches"),
    }
    relevance = af.flow(record, "rollout", target=0)
    assert relevance.values.shape == (1, len(patches))


def test_patches_beside_a_narrow_picture_cover_nothing(run: af.Run) -> None:
    record = run.predict(np.full((90, 30, 3), 128, np.uint8)).attention
    spans = record.axes["patches"][0].spans
    assert spans is not None
    assert sum(span is not None for span in spans) == 3 * 1
    assert spans[0] is not None
    assert spans[1] is None


def test_gates_of_the_classic_lie_on_channels_and_patches(classic: af.Run, photo: Path) -> None:
    record = classic.predict(str(photo)).attention
    assert {(site.role, site.queries, site.keys, site.normalised) for site in record} == {
        ("gate", "picture", "channels", False),
        ("gate", "picture", "patches", False),
    }
    assert len(record.axes["channels"][0]) == 64
    assert af.page(record).html


def test_painting_over_an_object_makes_it_unlikely(run: af.Run) -> None:
    pixels, _ = picture(5)
    found = run.predict(pixels)
    example = run.task.example(pixels)
    count = WIDTH * HEIGHT // PATCH**2
    with torch.no_grad():
        whole, nothing = run.task.rescore(
            run.model, example, found, np.array([[True] * count, [False] * count])
        ).tolist()
    assert whole == pytest.approx(found.score, abs=1e-4)
    assert nothing < whole - 1
