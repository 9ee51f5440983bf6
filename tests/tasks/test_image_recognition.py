"""The task of image recognition: it learns to tell things apart that it never saw, takes new ones in, and shows how."""

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
from picture_data import save
from safetensors.torch import load_file

import attentionflow as af
from attentionflow.datasets import signs
from attentionflow.errors import UserError
from attentionflow.readers.galleries import gallery_name, thing_of
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.tasks._recognition_batches import Items, Questions, every_other
from attentionflow.tasks.image_recognition import ImageRecognition, RecognitionSettings

QUICK = {"size": 32, "patch": 8, "erase": 0.0, "ema": 0.95, "log_every": 10, "evaluations": 2, "remembered": 2}
OWN = {
    "patch-matcher": {"channels": 8, "blocks": 1, "heads": 2, "feedforward": 32, "features": 16, "embedding": 32},
    "classic": {"channels": 8, "blocks": 1},
}


def train(out: Path, architecture: str = "patch-matcher", data: Any = None, **settings: Any) -> af.Run:
    given = QUICK | OWN[architecture] | settings
    return af.train(
        "image-recognition", data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(tmp_path_factory.mktemp("runs") / "run", epochs=18)


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(tmp_path_factory.mktemp("runs") / "classic", "classic", epochs=4)


@pytest.fixture(scope="module")
def others() -> list[LabelledPicture]:
    """Drawings of signs that are in none of the splits, three of each of eight."""
    return [signs._drawing(99, 5, sign, hand) for sign in range(8) for hand in range(3)]


def folder_of(path: Path, pictures: list[LabelledPicture], split: str = "") -> Path:
    for at, one in enumerate(pictures):
        save(path / split / thing_of(one) / f"{at}.png", one.pixels())
    return path


# Learning


def test_it_learns_to_tell_things_apart_that_it_never_saw(run: af.Run) -> None:
    found = run.evaluate("test")
    assert found["examples"] == 200
    error, auroc = found["metrics"]["error"], found["metrics"]["open_set_auroc"]
    guess, *simple = (scores["error"].value for scores in found["baselines"].values())
    assert guess == pytest.approx(0.95)
    assert error.value < 0.32
    assert error.value < min(simple) - 0.12
    assert error.interval[0] < error.value
    assert len(error.parts) == 5
    assert auroc.value > 0.75
    assert found["metrics"]["open_set_error"].value < 0.4
    assert run.task.threshold != 0.0


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.9
    assert classic.evaluate("test", baselines=False)["metrics"]["error"].value < 0.75


@pytest.mark.parametrize("architecture", OWN)
def test_a_run_goes_on_where_it_stopped(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"steps": 4, "evaluations": 2, "turns": "mirrored", "erase": 0.5, "batch_pictures": 32}
    train(tmp_path / "whole", architecture, **settings)
    with killed_after_state(2, monkeypatch):
        train(tmp_path / "killed", architecture, **settings)
    af.train("image-recognition", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def task(**settings: Any) -> tuple[ImageRecognition, Items, list[str]]:
    made = ImageRecognition(RecognitionSettings(**{"size": 32, "patch": 8} | settings))
    splits, _ = made.read("signs", 0)
    few = splits["train"][:60]
    made.learn(few)
    prepared, notes = made.prepare(few, training=True)
    assert isinstance(prepared, Items)
    return made, prepared, notes


def test_every_picture_in_training_meets_another_of_its_thing() -> None:
    made, prepared, notes = task(batch_pictures=12, turns="mirrored")
    assert notes == []
    assert len(prepared.things) == 60 * 8
    for epoch in (0, 1):
        batches = made.batches(prepared, 0, epoch)
        assert len(batches) == 40
        for at in batches:
            things, counts = np.unique(prepared.things[at], return_counts=True)
            assert counts.min() >= 2
            batch = made.collate(prepared, at, 0, epoch)
            same = batch["same"]
            assert len(batch["images"]) + len(batch["known"]) == len(at)
            assert same.any(1).all()
            assert int(same.any(0).sum()) == same.shape[1]
            assert len(things) * 2 <= len(at)


def test_kin_share_batches_in_every_other_epoch() -> None:
    pixels, things = np.zeros((0, 4, 4, 1), np.uint8), np.repeat(np.arange(12), 4)
    items = Items(pixels, things, np.repeat([0, 1, 2], 16), np.arange(48), 1)
    for epoch, most in ((1, 1), (2, 3)):
        kinds = [len(set(items.kin[at])) for at in items.batches(8, 0, epoch)]
        assert max(kinds) <= most
    assert max(len(set(items.kin[at])) for at in items.batches(8, 0, 2)) > 1


def test_every_second_of_a_thing_is_known() -> None:
    assert every_other(np.array([3, 3, 5, 3, 5, 3])).tolist() == [False, True, False, False, True, True]


def test_a_turned_picture_is_of_another_thing() -> None:
    made, prepared, _ = task(turns="mirrored", warp=0.0, erase=0.0)
    assert len(set(prepared.things[:8].tolist())) == 8, "eight ways of the first picture"
    at = np.array([0, 8, 2, 10])  # two pictures of a thing, upright and upside down
    batch = made.collate(prepared, at, 0, 0)
    torch.testing.assert_close(batch["images"][1], batch["images"][0].rot90(2, (1, 2)))
    assert batch["same"].tolist() == [[True, False], [False, True]]


def test_augmentation_is_a_function_of_seed_epoch_and_index() -> None:
    made, prepared, _ = task(erase=0.5)
    at = np.array([3, 13, 7, 17])
    one, same = (made.collate(prepared, at, 4, 2)["images"] for _ in range(2))
    assert torch.equal(one, same)
    assert torch.equal(one[:1], made.collate(prepared, at[:2], 4, 2)["images"][:1])
    for other in (made.collate(prepared, at, 4, 3), made.collate(prepared, at, 4, None)):
        assert not torch.equal(other["images"], one)


def test_what_cannot_be_learned_from_is_left_out_and_named() -> None:
    made, _, _ = task()
    few = [*made.read("signs", 0)[0]["train"][:11]]
    prepared, notes = made.prepare(few, training=True)
    assert isinstance(prepared, Items)
    assert len(prepared.things) == 10
    assert notes == [
        "1 pictures have no name, or are the only one of their thing: left out of training (sign 2, drawing 1)"
    ]


def test_questions_of_several_galleries_share_a_batch(run: af.Run) -> None:
    questions = run.task.read("signs", 0)[0]["test"]
    some = [questions[0], questions[45], questions[1]]
    prepared, _ = run.task.prepare(some, training=False)
    assert isinstance(prepared, Questions)
    batch = run.task.collate(prepared, np.arange(3), 0, None)
    assert batch["allowed"].shape == (3, 40)
    assert batch["allowed"].sum(1).tolist() == [20, 20, 20]
    assert torch.equal(batch["allowed"][0], batch["allowed"][2])
    assert not (batch["allowed"][0] & batch["allowed"][1]).any()
    assert batch["same"].sum(1).tolist() == [1, 1, 1]
    with torch.inference_mode():
        mixed = run.task.predict(run.model, batch, some, run.options({}))
    alone, _ = run.predict_examples(some, run.options({}))
    assert [one.output for one in mixed] == [one.output for one in alone]


# Bad input


def test_bad_settings_and_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="patch=6 is no multiple of 4"):
        task(patch=6)
    with pytest.raises(UserError, match="is a data set of translation"):
        ImageRecognition(RecognitionSettings()).read("cldr", 0)
    folder_of(tmp_path, [signs._drawing(0, 0, sign, hand) for sign in range(4) for hand in range(3)])
    with pytest.raises(UserError, match="things, 2 of them with more than 1 pictures, are too few to hold 2"):
        ImageRecognition(RecognitionSettings(held_out=0.4)).read(str(tmp_path), 0)


# Answers


def test_things_are_enrolled_named_and_forgotten(
    run: af.Run, others: list[LabelledPicture], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(run.folder)
    for at in range(8):
        path = save(tmp_path / f"known-{at}.png", others[3 * at].pixels())
        assert ended(["enroll", folder, f"thing {at}", str(path)]) == 0
    said = capsys.readouterr().out
    assert "thing 7: 1 examples added, 1 in all" in said
    again = af.load(run.folder, device="cpu")
    assert again.task.enrolled_counts == {f"thing {at}": 1 for at in range(8)}
    asked = [others[3 * at + 1].pixels() for at in range(8)]
    answers = again.predict(asked, among="enrolled", threshold=-1.0)
    assert sum(one.output == f"thing {at}" for at, one in enumerate(answers)) >= 6
    everything = again.predict(asked[0], k=200)
    assert len(everything.details["probabilities"]) == 8 + signs.SIGNS
    assert sum(everything.details["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert af.enroll(again, "thing 0", [others[2].pixels(), others[0].pixels()])[1].endswith("left out")
    assert again.task.enrolled_counts["thing 0"] == 2
    assert ended(["enroll", folder, "thing 1", str(tmp_path / "known-0.png")]) == 2
    assert "known-0.png is known as thing 0 already, so it cannot be thing 1 too" in capsys.readouterr().err
    assert ended(["enroll", folder, "thing 7", "--remove"]) == 0
    assert "thing 7" not in af.load(run.folder, device="cpu").task.enrolled_counts
    assert ended(["enroll", folder, "thing 7", "--remove"]) == 2
    assert "'thing 7' is not enrolled" in capsys.readouterr().err
    (tmp_path / "bad.png").write_bytes(b"no picture")
    assert ended(["enroll", folder, "thing 9", str(tmp_path / "bad.png")]) == 2
    assert "bad.png" in capsys.readouterr().err
    for at in range(7):
        assert ended(["enroll", folder, f"thing {at}", "--remove"]) == 0
    with pytest.raises(UserError, match="nothing is known that may be the answer"):
        af.load(run.folder, device="cpu").predict(asked[0], among="enrolled")


def test_what_is_not_similar_enough_is_unknown(run: af.Run) -> None:
    examples = run.task.read("signs", 0)[0]["test"][:20]
    strict, _ = run.predict_examples(examples, run.options({"threshold": 1.1}))
    assert {one.output for one in strict} == {"unknown"}
    lenient, _ = run.predict_examples(examples, run.options({"threshold": -1.1}))
    assert [one.details["nearest"] for one in strict] == [one.output for one in lenient]


def test_the_verbs_answer_pictures_and_tables(
    run: af.Run, others: list[LabelledPicture], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = run.task.read("signs", 0)[0]["train"][0]  # one of those that are remembered
    photo = save(tmp_path / "photo.png", known.pixels())
    assert ended(["predict", str(run.folder), str(photo), "--json", "--k", "3"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["input"], page["output"], page["nearest"]) == ("photo.png", "sign 1", "sign 1")
    assert len(page["probabilities"]) == 3
    assert np.exp(page["score"]) == pytest.approx(page["probabilities"]["sign 1"], abs=1e-4)
    (tmp_path / "metadata.csv").write_text("file_name\nphoto.png\nphoto.png\n")
    out = tmp_path / "out.csv"
    assert ended(["predict", str(run.folder), str(tmp_path / "metadata.csv"), "--out", str(out)]) == 0
    rows = pl.read_csv(out)
    assert rows.columns == ["picture", "answer", "nearest", "similarity", "probability"]
    assert rows["answer"].to_list() == ["sign 1", "sign 1"]
    page_file = tmp_path / "look.html"
    assert ended(["look", str(run.folder), str(photo), "--method", "rollout", "--out", str(page_file)]) == 0
    assert "data:image/" in page_file.read_text()


def test_a_folder_of_things_is_checked_and_trained_on(
    others: list[LabelledPicture], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path / "data", others)
    assert ended(["data", "check", "image-recognition", str(folder), "--set", "held_out=0.25"]) == 0
    said = capsys.readouterr().out
    assert "held out for it" in said
    trained = train(tmp_path / "run", data=folder, held_out=0.25, steps=2, evaluations=1, batch_pictures=8)
    assert {gallery_name(one) for one in trained.task.read(str(folder), 0)[0]["test"]} == {"test"}
    assert trained.evaluate("test", baselines=False)["examples"] == 4
    assert len(trained.task.trained) == 2 * 4


# Looking


def test_the_answer_is_read_from_what_is_known_and_that_from_the_picture(run: af.Run) -> None:
    question = run.task.read("signs", 0)[0]["test"][0]
    (found,), _ = run.predict_examples([question], run.options({}))
    record = found.attention
    (patches,), (gallery,), (label,) = (record.axes[name] for name in ("patches", "gallery", "label"))
    assert label.labels == (found.details["nearest"],)
    assert patches.spans is not None
    assert gallery.spans is not None
    assert (len(patches), len(gallery)) == (16, 20 * 16)
    assert gallery.labels[5] == f"{found.details['nearest']}: row 2, column 2"
    assert [(site.role, site.queries, site.keys) for site in record] == [
        ("self", "patches", "patches"),
        ("pool", "label", "patches"),
        ("cross", "gallery", "patches"),
        ("cross", "label", "gallery"),
    ]
    shares = record.sites[-1].weights[0, 0, 0].reshape(20, 16)
    np.testing.assert_allclose(shares, np.repeat(shares[:, :1], 16, 1), rtol=1e-5)
    assert shares[0].sum() == pytest.approx(found.details["probabilities"][found.details["nearest"]], abs=1e-4)
    for method in ("raw", "rollout", "maxflow"):
        relevance = af.flow(record, method)
        assert (relevance.stream, relevance.values.shape) == ("patches", (1, 16))


def test_the_classic_weighs_things_and_gates_places(classic: af.Run) -> None:
    question = classic.task.read("signs", 0)[0]["test"][0]
    (found,), _ = classic.predict_examples([question], classic.options({}))
    roles = [(site.role, site.queries, site.keys) for site in found.attention]
    assert roles[-2:] == [("pool", "label", "patches"), ("cross", "label", "gallery")]
    assert {role for role, _, _ in roles[:-2]} == {"gate"}
    assert found.attention.axes["gallery"][0].labels[0] == found.details["nearest"]
    assert af.page(found.attention).html


def test_a_score_is_that_of_all_that_is_known_though_some_is_shown(run: af.Run) -> None:
    """Of 160 known pictures 20 are compared again; painting the picture over makes its name unlikely."""
    given = run.task.read("signs", 0)[0]["train"][0].pixels()
    example, found = run.task.example(given), run.predict(given)
    assert len(found.raw.columns) == 20 < len(found.raw.names)
    kept = np.array([[True] * 16, [False] * 16])
    with torch.no_grad():
        whole, nothing = run.task.rescore(run.model, example, found, kept).tolist()
    assert whole == pytest.approx(found.score, abs=1e-3)
    assert whole - nothing > 0.3


def test_faithful_paints_patches_of_the_picture_over(run: af.Run, classic: af.Run) -> None:
    examples = run.task.read("signs", 0)[0]["test"][:2]
    for one in (run, classic):
        found = af.faithful(one, examples, methods=("rollout",), draws=20, samples=20, steps=2)
        assert len(found.examples) == 2
