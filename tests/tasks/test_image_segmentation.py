"""The task of image segmentation: it learns, resumes, answers pictures of every kind, and shows where it looked."""

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
from safetensors.torch import load_file
from segmentation_data import CLASSES, HEIGHT, QUICK, QUICK_DEFAULT, TRAINING, WIDTH, save, scene, write_folders

import attentionflow as af
from attentionflow.models.segmenters import PATCH
from attentionflow.readers.masks import IGNORED
from attentionflow.tasks._class_maps import likeliest
from attentionflow.tasks.image_segmentation import ImageSegmentation, SegmentationSettings

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

COUNTS = {"train": 96, "val": 12, "test": 24}
OWN = {"mask-transformer": QUICK_DEFAULT, "classic": QUICK}


def train(data: Path, out: Path, architecture: str = "mask-transformer", **settings: Any) -> af.Run:
    given = OWN[architecture] | TRAINING | settings
    return af.train(
        "image-segmentation", data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("data"), COUNTS)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "classic", "classic", epochs=3)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture twice as large as those of the training."""
    return save(tmp_path / "photo.png", scene(5)[0].repeat(2, 0).repeat(2, 1))


# Learning


def test_it_learns_and_beats_the_simple_baselines_on_unseen_pictures(run: af.Run) -> None:
    found = run.evaluate("test")
    own = found["metrics"]
    everywhere, usual, trees = found["baselines"].values()
    assert own["miou"].value > 0.85
    assert own["miou"].value > max(everywhere["miou"].value, usual["miou"].value) + 0.4
    assert trees["miou"].value > usual["miou"].value  # colours tell nearly all here, but for the borders
    assert own["miou"].parts.keys() == set(CLASSES)
    log = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    for name in ("nats", "overlap"):
        losses = [line[name] for line in log if name in line]
        assert losses[-1] < losses[0] * 0.5
    (picture,) = found["pictures"]
    drawn = Path(picture).read_text(encoding="utf-8")
    assert drawn.count("<image") == 3 * 6
    assert all(name in drawn for name in (*CLASSES, "ignored"))


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.8


@pytest.mark.parametrize("architecture", OWN)
def test_a_run_goes_on_where_it_stopped(
    architecture: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 6, "evaluations": 3, "flips": "both"}
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(4, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("image-segmentation", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def task(folder: Path, **settings: Any) -> tuple[ImageSegmentation, Any]:
    made = ImageSegmentation(SegmentationSettings(size=64, **settings))
    splits, _ = made.read(str(folder), 0)
    made.learn(splits["train"])
    return made, made.prepare(splits["train"], training=True)[0]


def test_the_canvas_has_room_for_the_pictures_and_more_where_they_are_no_whole_patches(tmp_path: Path) -> None:
    made, prepared = task(write_folders(tmp_path, {"train": 12}))
    assert (made.canvas.width, made.canvas.height) == (64, 48)
    made.settings = made.settings.model_copy(update={"size": 60})
    made.learn(made.read(str(tmp_path), 0)[0]["train"])
    assert (made.canvas.width, made.canvas.height) == (64, 48)  # 60 x 45, grown
    for i, mask in enumerate(prepared.masks):
        assert (mask != IGNORED).all(), i


def test_the_training_view_is_a_function_of_seed_epoch_and_index(folder: Path) -> None:
    made, prepared = task(folder)
    one = made.collate(prepared, np.array([3, 5]), 0, 1)
    again = made.collate(prepared, np.array([5, 3]), 0, 1)
    for name in ("images", "masks"):
        assert torch.equal(one[name], again[name].flip(0))
        assert not torch.equal(one[name], made.collate(prepared, np.array([3, 5]), 0, 2)[name])
        assert not torch.equal(one[name], made.collate(prepared, np.array([3, 5]), 1, 1)[name])


def test_ignored_classes_are_neither_learned_nor_scored(folder: Path) -> None:
    made, prepared = task(folder, ignored="disc")
    assert made.classes.names == ("ground", "square")
    assert set(np.unique(prepared.masks)) == {0, 1, IGNORED}
    batch = made.collate(prepared, np.arange(4), 0, None)

    class Sure(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            square = (batch["masks"] == 1)[:, None] * 100.0
            return torch.cat((50 - square, square - 50), dim=1)

    losses = made.losses(Sure(), batch)  # type: ignore[arg-type]
    assert losses["nats"].count == int((batch["masks"] != IGNORED).sum())
    assert losses["nats"].total.item() == pytest.approx(0, abs=1e-3)
    assert losses["overlap"].total.item() == pytest.approx(0, abs=1e-3)


# Answers


def test_an_answer_has_the_size_of_its_picture(run: af.Run, photo: Path) -> None:
    found = run.predict(str(photo))
    assert found.output.size == (2 * WIDTH, 2 * HEIGHT)
    truth = scene(5)[1].repeat(2, 0).repeat(2, 1)
    assert (found.output.numbers == truth).mean() > 0.95
    assert found.output.pixels.keys() == set(CLASSES)
    assert str(found.output).startswith("ground ")
    shares = found.to_json()["output"]["shares"]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert next(iter(shares)) == "ground"
    narrow = run.predict(np.full((90, 30, 3), 128, np.uint8)).output
    assert narrow.size == (30, 90)


def test_a_mask_may_be_larger_than_its_picture_and_is_scored_in_its_own_size(run: af.Run, tmp_path: Path) -> None:
    pixels, classes = scene(7)
    save(tmp_path / "images" / "test" / "a.png", pixels)
    save(tmp_path / "masks" / "test" / "a.png", classes.repeat(3, 0).repeat(3, 1))
    for role, content in (("images", pixels), ("masks", classes)):
        for split in ("train", "val"):
            save(tmp_path / role / split / "b.png", content)
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES), encoding="utf-8")
    (example,) = run.task.read(str(tmp_path), 0)[0]["test"]
    ((prediction,), _) = run.predict_examples([example], run.options({}))
    assert prediction.output.size == (3 * WIDTH, 3 * HEIGHT)
    assert run.task.metrics([prediction], [example], cheap=True)["miou"].value > 0.8


def test_other_data_may_list_the_classes_otherwise(run: af.Run, folder: Path, tmp_path: Path) -> None:
    other = write_folders(tmp_path, COUNTS)
    text = "name,value\ndisc,2\nground,0\nsquare,1\n"
    (other / "classes.txt").unlink()
    (other / "classes.csv").write_text(text, encoding="utf-8")
    own, same = (run.evaluate("test", data=str(data), baselines=False)["metrics"] for data in (folder, other))
    assert own == same
    (other / "classes.csv").write_text(text.replace("disc", "moon"), encoding="utf-8")
    with pytest.raises(
        af.UserError, match=r"classes\.csv has classes that the model has not: moon\. It has ground, sq"
    ):
        run.evaluate("test", data=str(other), baselines=False)


def test_classes_are_told_apart_alike_one_at_a_time_and_together() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 12, 16)
    blown = torch.nn.functional.interpolate(logits[None], (30, 50), mode="bilinear", align_corners=False)
    np.testing.assert_array_equal(likeliest(logits, (50, 30)), blown[0].argmax(0).numpy())


def test_a_mirrored_picture_is_asked_too(run: af.Run) -> None:
    pixels = scene(9)[0]
    plain, both = (run.predict(pixels, mirrored=chosen) for chosen in (False, True))
    other = run.predict(np.ascontiguousarray(pixels[:, ::-1]), mirrored=True)
    assert (plain.output.numbers == both.output.numbers).mean() > 0.95
    assert (both.output.numbers == other.output.numbers[:, ::-1]).mean() > 0.999
    narrow = np.ascontiguousarray(scene(9)[0][:, 16:40])
    turned = run.predict(np.ascontiguousarray(narrow[:, ::-1]), mirrored=True)
    assert (run.predict(narrow, mirrored=True).output.numbers == turned.output.numbers[:, ::-1]).mean() > 0.99


def test_the_command_line_writes_tables_and_masks(
    run: af.Run, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["predict", str(run.folder), str(photo), "--out", str(tmp_path / "shares.csv")]) == 0
    table = pl.read_csv(tmp_path / "shares.csv")
    assert table.columns == ["input", "class", "share", "pixels"]
    assert table["pixels"].sum() == 4 * WIDTH * HEIGHT
    assert not list(tmp_path.glob("*.png")) or list(tmp_path.glob("*.png")) == [photo]
    again = save(tmp_path / "more" / photo.name, scene(5)[0])
    out = tmp_path / "masks"
    assert ended(["predict", str(run.folder), str(photo), str(again), "--out", str(out)]) == 0
    assert len(pl.read_csv(out / "predictions.csv")) == 2 * len(CLASSES)
    first, second = (np.asarray(Image.open(path)) for path in sorted(out.glob("*.png")))
    assert {first.shape, second.shape} == {(HEIGHT, WIDTH), (2 * HEIGHT, 2 * WIDTH)}
    assert set(np.unique(first)) <= set(range(len(CLASSES)))
    capsys.readouterr()
    assert ended(["predict", str(run.folder), str(photo), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["output"]["width"] == 2 * WIDTH


def test_masks_are_written_as_those_of_the_training(tmp_path: Path) -> None:
    folder = write_folders(tmp_path / "data", {"train": 20}, coloured=True)
    run = train(folder, tmp_path / "run", steps=2, evaluations=1)
    answer = run.predict(scene(1)[0]).output
    answer.save(tmp_path / "mask.png")
    example = run.task.read(str(folder), 0)[0]["train"][0]
    read = example.mask.classes.numbers((tmp_path / "mask.png").read_bytes(), "mask.png")
    np.testing.assert_array_equal(read, answer.numbers)
    assert af.load(run.folder, device="cpu").predict(scene(1)[0]).output == answer
    assert answer != "something else"


# Looking


def test_every_class_attends_to_patches_that_lie_on_the_picture(run: af.Run, photo: Path) -> None:
    found = run.predict(str(photo))
    record = found.attention
    (patches,), (classes,) = record.axes["patches"], record.axes["classes"]
    assert len(patches) == WIDTH * HEIGHT // PATCH**2
    assert classes.labels == CLASSES
    assert patches.spans is not None
    np.testing.assert_allclose(patches.spans[5], [0.25, 1 / 3, 0.5, 2 / 3])
    assert {(site.role, site.queries, site.keys) for site in record} == {
        ("self", "patches", "patches"),
        ("cross", "classes", "patches"),
    }
    assert run.task.rows(found, 0) == CLASSES.index("ground")
    assert set(run.task.rows(found, None)) == {0, 1, 2}
    relevance = af.flow(record, "rollout", target=1)
    assert relevance.values.shape == (1, len(patches))


def test_gates_of_the_classic_lie_on_places_of_every_level(classic: af.Run, photo: Path) -> None:
    record = classic.predict(str(photo)).attention
    assert [(site.role, site.keys, site.normalised) for site in record] == [
        ("gate", "patches", False),
        ("gate", "places of 8 pixels", False),
        ("gate", "places of 4 pixels", False),
    ]
    assert len(record.axes["places of 4 pixels"][0]) == WIDTH * HEIGHT // 16
    assert af.page(record).html


def test_painting_over_a_thing_makes_it_unlikely(run: af.Run) -> None:
    pixels, _ = scene(5)
    found, example = run.predict(pixels), run.task.example(pixels)
    count = WIDTH * HEIGHT // PATCH**2
    with torch.no_grad():
        kept = np.array([[True] * count, [False] * count])
        whole, nothing = run.task.rescore(run.model, example, found, kept).tolist()
    assert whole == pytest.approx(found.score, abs=1e-4)
    assert nothing < whole - 1
