"""The task of video recognition: it learns from films and from motions, resumes, answers clips of every kind, and shows
when and where it looked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from clip_data import JOINTS, SIDE, SWINGS, film, swing, write_film, write_frames, write_motions
from command import ended
from killing import killed_after_state
from safetensors.torch import load_file

import attentionflow as af
from attentionflow.errors import DataError, UserError
from attentionflow.readers.clips import array_clip
from attentionflow.tasks._clip_views import ClipSettings, stretch, whole
from attentionflow.tasks.video_recognition import VideoRecognition

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

COUNTS = {"train": 120, "val": 30, "test": 60}
MOTIONS = {
    "frames": 16,
    "tube": 4,
    "batch_clips": 24,
    "opposite": "left hand-right hand",
    "flips": "none",
    "bones": "hip-knee",
    "channels": 8,
    "width": 16,
    "ema": 0.9,
    "evaluations": 2,
    "log_every": 5,
    "learning_rate": 5e-3,
}
OWN = {"space-time": {"heads": 2, "layers": 1, "feedforward": 32}, "classic": {"hidden": 16}}


def train(data: Path | str | None, out: Path, architecture: str = "space-time", **settings: Any) -> af.Run:
    return af.train(
        "video-recognition", data, out=out, architecture=architecture, settings=settings, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_motions(tmp_path_factory.mktemp("data"), COUNTS)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(None, tmp_path_factory.mktemp("runs") / "films", epochs=6, evaluations=2)


@pytest.fixture(scope="module")
def motions(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "motions", **MOTIONS | OWN["space-time"] | {"epochs": 10})


@pytest.fixture(scope="module")
def classic(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    settings = MOTIONS | OWN["classic"] | {"epochs": 5}
    return train(folder, tmp_path_factory.mktemp("runs") / "classic", "classic", **settings)


# Learning


def test_it_learns_from_films_what_no_single_frame_tells(films: af.Run) -> None:
    found = films.evaluate("test")
    accuracy = found["metrics"]["accuracy"].value
    usual, machine = (scores["accuracy"].value for scores in found["baselines"].values())
    assert usual < 0.2
    assert accuracy > 0.85
    assert accuracy > machine + 0.1
    assert [Path(one).name for one in found["pictures"]] == ["confusion-test.svg"]


def test_it_learns_from_motions(motions: af.Run) -> None:
    found = motions.evaluate("test")
    assert found["metrics"]["accuracy"].value > 0.9
    assert list(found["baselines"]) == ["the most frequent label", "support vector machine on joints in 16 frames"]


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.9


@pytest.mark.parametrize("architecture", OWN)
def test_a_run_goes_on_where_it_stopped(
    architecture: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = MOTIONS | OWN[architecture] | {"steps": 6, "evaluations": 3}
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(4, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("video-recognition", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def task(kind: str, **settings: Any) -> tuple[VideoRecognition, Any]:
    """Learned from a dozen films, or motions, of this package's tests."""
    draw = np.random.default_rng(0)
    made = VideoRecognition(ClipSettings(**{"frames": 4, "tube": 2, "size": SIDE, "patch": 8} | settings))
    labels = ("left", "right") * 6
    clips = [
        array_clip(film(label, draw), str(row), (label,), f"{row}")
        if kind == "film"
        else array_clip(swing(label, draw), str(row), (label,), f"{row}", JOINTS)
        for row, label in enumerate(labels)
    ]
    made.learn(clips)
    return made, made.prepare(clips, training=True)[0]


@pytest.mark.parametrize(("kind", "shape"), [("film", (4, 1, SIDE, SIDE)), ("motion", (4, len(JOINTS), 2))])
def test_augmentation_is_a_function_of_seed_epoch_and_index(kind: str, shape: tuple[int, ...]) -> None:
    made, prepared = task(kind, erase=1.0)
    some = np.array([3, 7, 11])
    one, same, alone = (made.collate(prepared, at, 4, 2)["clips"] for at in (some, some, some[1:2]))
    assert one.shape == (3, *shape)
    assert torch.equal(one, same)
    assert torch.equal(one[1:2], alone)
    for other in (made.collate(prepared, some, 4, 3), made.collate(prepared, some, 4, None)):
        assert not torch.equal(other["clips"], one)


@pytest.mark.parametrize("kind", ["film", "motion"])
def test_nothing_is_changed_where_nothing_may_be(kind: str) -> None:
    """A whole stretch, no turn, no zoom, no noise: what is seen in training is what is seen in evaluation, but for the
    choice between the two frames around a moment of a film."""
    made, prepared = task(kind, crop=1.0, turn=0.0, zoom=0.0, shift=0.0, erase=0.0, noise=0.0, flips="none")
    if kind == "film":
        prepared.kept[:, 1::2] = prepared.kept[:, ::2]
    changed, plain = (made.collate(prepared, np.arange(12), 0, epoch)["clips"] for epoch in (1, None))
    torch.testing.assert_close(changed, plain, atol=1e-4, rtol=1e-4)


def test_a_mirror_exchanges_joints_and_turns_films_round() -> None:
    plain = {"crop": 1.0, "turn": 0.0, "zoom": 0.0, "shift": 0.0, "erase": 0.0, "noise": 0.0}
    made, prepared = task("motion", opposite="left hand-right hand", **plain)
    seen, given = (made.collate(prepared, np.arange(12), 0, epoch)["clips"] for epoch in (1, None))
    mirrored = given[:, :, [0, 1, 3, 2]] * torch.tensor([-1.0, 1.0])
    turned = [torch.allclose(one, other, atol=1e-5) for one, other in zip(seen, mirrored, strict=True)]
    kept = [torch.allclose(one, other, atol=1e-5) for one, other in zip(seen, given, strict=True)]
    assert [a != b for a, b in zip(turned, kept, strict=True)] == [True] * 12
    assert 0 < sum(turned) < 12
    made, prepared = task("film", **plain)
    prepared.kept[:, 1::2] = prepared.kept[:, ::2]
    seen, given = (made.collate(prepared, np.arange(12), 0, epoch)["clips"] for epoch in (1, None))
    turned = [torch.allclose(one, other.flip(-1), atol=1e-4) for one, other in zip(seen, given, strict=True)]
    assert 0 < sum(turned) < 12


def test_motions_are_told_where_and_how_large_the_body_is_by_nothing() -> None:
    made, prepared = task("motion")
    np.testing.assert_allclose(prepared.kept.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(np.square(prepared.kept).sum(3).mean((1, 2)), 1, atol=1e-4)
    places = swing("left", np.random.default_rng(3))
    one, other = (
        made.view.kept([array_clip(given, "", None, "", JOINTS)])[0] for given in (places, 3 * places + [5, -2])
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_moments_are_spread_evenly_and_a_stretch_stays_inside() -> None:
    np.testing.assert_allclose(whole(8, 4), [0.5, 2.5, 4.5, 6.5])
    draw = np.random.default_rng(0)
    for _ in range(50):
        found = stretch(draw, 8, 4, 0.5)
        assert 0 <= found[0] < found[-1] <= 7
        assert 2.5 <= found[-1] - found[0] <= 6.0 + 1e-9


def test_labels_that_are_not_known_are_named() -> None:
    made, _ = task("film")
    strange = [array_clip(film("left", np.random.default_rng(9)), "a", ("round",), "a")]
    prepared, notes = made.prepare(strange, training=True)
    assert len(prepared.rows) == 0
    assert notes == ["1 clips without a known label are left out of training: a"]
    assert "always counted as wrong" in made.prepare(strange, training=False)[1][0]


# Bad input


def test_bad_settings_are_named() -> None:
    with pytest.raises(UserError, match="frames=5 is no multiple of tube=2"):
        task("film", frames=5)
    with pytest.raises(UserError, match="opposite: there is no joint 'left knee'; did you mean"):
        task("motion", opposite="left knee-right knee")
    with pytest.raises(UserError, match="bones: 'hip' is no pair of joints"):
        task("motion", bones="hip")
    with pytest.raises(UserError, match="is a data set of translation"):
        VideoRecognition(ClipSettings()).read("cldr", 0)
    with pytest.raises(UserError, match="fold=2: files of your own have one split"):
        VideoRecognition(ClipSettings(fold=2)).read(".", 0)


def test_clips_of_another_kind_are_named(folder: Path) -> None:
    film_task, motion_task = task("film")[0], task("motion")[0]
    places, pixels = swing("left", np.random.default_rng(0)), film("left", np.random.default_rng(0))
    with pytest.raises(DataError, match="clip: holds joints, where the network was trained on films"):
        film_task.prepare([film_task.example(places)], training=False)
    with pytest.raises(DataError, match="clip: is a film, where the network was trained on joints"):
        motion_task.prepare([motion_task.example(pixels)], training=False)
    with pytest.raises(DataError, match=r"is of 4 joints in 2 dimensions \(1, 2, 3, 4\). All must be .*\(hip, knee"):
        motion_task.prepare([motion_task.example(places)], training=False)
    _, notes = motion_task.prepare([], training=True)
    assert notes == [
        "motions are not mirrored in training: name the joints that change places by opposite=..., or flips=none"
    ]


# Answers


def test_the_verbs_answer_motions_and_tables(
    motions: af.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = np.random.default_rng(77)
    np.savez(tmp_path / "one.npz", pose=swing("left", draw), joints=JOINTS)
    assert ended(["predict", str(motions.folder), str(tmp_path / "one.npz")]) == 0
    assert capsys.readouterr().out.split()[-1] == "left"
    assert ended(["predict", str(motions.folder), str(tmp_path / "one.npz"), "--json", "--set", "k=2"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["input"], page["output"], len(page["probabilities"])) == ("one.npz", "left", 2)
    (tmp_path / "in.csv").write_text("file_name\none.npz\none.npz\n")
    assert ended(["predict", str(motions.folder), str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]) == 0
    rows = pl.read_csv(tmp_path / "out.csv")
    assert rows.columns == ["clip", "label", "probability", *(f"probability of {label}" for label in SWINGS)]
    assert rows["label"].to_list() == ["left", "left"]
    assert ended(["predict", str(motions.folder), str(tmp_path / "none.npz")]) == 2
    assert "there is no clip" in capsys.readouterr().err
    page_file = tmp_path / "look.html"
    arguments = ["look", str(motions.folder), str(tmp_path / "one.npz"), "--method", "rollout", "--out", str(page_file)]
    assert ended(arguments) == 0
    assert "data:image/" in page_file.read_text()
    assert ended(["faithful", str(motions.folder), "--examples", "4", "--method", "raw"]) == 0


def test_a_film_of_any_length_and_size_and_its_frames(films: af.Run, tmp_path: Path) -> None:
    pixels = np.zeros((30, 48, 64), np.uint8)
    for at, one in enumerate(pixels):  # something goes to the right
        one[18:30, 8 + at : 20 + at] = 255
    path = write_film(tmp_path / "one.mp4", pixels)
    frames = write_frames(tmp_path / "frames", pixels)
    with pytest.warns(UserWarning, match="1 of 1 clips are scaled to fit into 24 x 24 pixels"):
        found = [films.predict(given) for given in (str(path), str(frames), pixels)]
    assert {one.output for one in found} == {"right"}
    assert found[1].score == pytest.approx(found[2].score, abs=1e-4)
    labels = found[0].attention.axes["moments"][0].labels
    assert labels == ("0.00 to 0.16 s", "0.32 to 0.48 s", "0.60 to 0.76 s", "0.92 to 1.08 s")


def test_the_check_speaks_of_the_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["data", "check", "video-recognition", str(folder)]) == 0
    assert "120 clips, 3 labels" in capsys.readouterr().out


# Looking


def test_tubes_lie_on_a_strip_of_frames(films: af.Run) -> None:
    example = films.task.read("moving_digits", 0)[0]["test"][0]
    (found,), _ = films.predict_examples([example], films.options({}))
    record = found.attention
    (tubes,), (moments,) = record.axes["tubes"], record.axes["moments"]
    assert (len(tubes), len(moments)) == (4 * 9, 4)
    assert tubes.labels[13] == f"{moments.labels[1]}, row 2, column 2"
    assert tubes.spans is not None
    assert moments.spans is not None
    left, top, right, bottom = (np.array(edge) for edge in zip(*tubes.spans[9:18], strict=True))
    np.testing.assert_allclose([left.min(), top.min(), right.max(), bottom.max()], moments.spans[1])
    assert tubes.preview == moments.preview
    assert {(site.role, site.queries, site.keys) for site in record} == {
        ("self", "tubes", "tubes"),
        ("pool", "label", "tubes"),
    }
    relevance = af.flow(record, "rollout")
    assert relevance.values.shape == (1, len(tubes))
    assert relevance.values.sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["film", "motion"])
def test_what_is_taken_out_is_gone_and_the_rest_stays(kind: str) -> None:
    made, prepared = task(kind)
    clip = made.collate(prepared, np.arange(1), 0, None)["clips"]
    kept = np.ones((2, made.view.sight.moments, made.view.sight.places), bool)
    kept[1, 1, 2] = False
    whole_clip, without = made.view.without(clip, kept.reshape(2, -1))
    assert torch.equal(whole_clip, clip[0])
    gone = without[2:, :, 8:, :8] if kind == "film" else without[2:, 2]  # of four patches the third; the third joint
    assert not gone.any()
    assert int((without != whole_clip).sum()) == int((gone == 0).sum())


def test_where_nothing_is_to_be_seen_labels_are_unlikely(motions: af.Run) -> None:
    """But for the one that is given then."""
    lost = []
    for label in SWINGS:
        example = array_clip(swing(label, np.random.default_rng(5)), "", None, "", JOINTS)
        (found,), _ = motions.predict_examples([example], motions.options({}))
        kept = np.repeat([[True], [False]], 4 * len(JOINTS), axis=1)
        with torch.no_grad():
            something, nothing = motions.task.rescore(motions.model, example, found, kept).tolist()
        assert something == pytest.approx(found.score, abs=1e-4)
        lost.append(something - nothing)
    assert sorted(lost)[1] > 0.3


def test_the_classic_looks_at_moments(classic: af.Run, folder: Path) -> None:
    record = classic.predict(str(folder / "test" / "left" / "1.npz")).attention
    assert [(site.role, site.queries, site.keys) for site in record] == [("pool", "label", "moments")]
    assert record.axes["moments"][0].labels[0].startswith("frames 1 to ")
    assert af.page(record).html
