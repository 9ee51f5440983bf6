"""The task of video processing: it learns which moments matter, resumes, answers films of every kind and length, and
writes what it picked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from clip_data import write_film, write_frames
from command import ended
from killing import killed_after_state
from moment_data import FRAMES, RATE, SIDE, film, known, stamps, write_events, write_scores, write_sounding
from safetensors.torch import load_file

import attentionflow as af
from attentionflow.errors import DataError, UserError
from attentionflow.readers.moments import KnownFilm, read_known_films
from attentionflow.readers.video import FilmFile, FrameArray
from attentionflow.tasks import video_processing
from attentionflow.tasks._moments import MomentOptions
from attentionflow.tasks.video_processing import MomentSettings, VideoProcessing

SETTINGS = {
    "size": SIDE,
    "patch": 8,
    "rate": float(RATE),
    "channels": 8,
    "ema": 0.9,
    "evaluations": 2,
    "log_every": 5,
    "learning_rate": 5e-3,
}
OWN = {"local-global": {"width": 16, "layers": 1, "feedforward": 32, "reach": 4}, "classic": {"hidden": 16}}


def train(data: Path | None, out: Path, architecture: str = "local-global", **settings: Any) -> af.Run:
    chosen = SETTINGS | OWN[architecture] | settings
    return af.train(
        "video-processing", data, out=out, architecture=architecture, settings=chosen, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_events(tmp_path_factory.mktemp("data"), {"train": 40, "val": 8, "test": 16})


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "events", epochs=32)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    data = write_scores(tmp_path_factory.mktemp("scores"), {"train": 30, "val": 6, "test": 10})
    return train(data, tmp_path_factory.mktemp("runs") / "scores", "classic", epochs=16)


# Learning


def test_it_finds_events_that_much_motion_does_not_tell(run: af.Run) -> None:
    found = run.evaluate("test")
    scores, baselines = found["metrics"], found["baselines"]
    assert list(baselines) == [
        "at random",
        "how much changes from frame to frame",
        "ridge regression on small frames and their changes",
    ]
    assert scores["event_f1"].value > 0.85
    assert scores["event_f1"].value > baselines["at random"]["event_f1"].value + 0.5
    assert scores["event_f1"].value > baselines["how much changes from frame to frame"]["event_f1"].value + 0.3
    assert 0 < run.task.threshold < 1
    assert af.load(run.folder, device="cpu").task.threshold == run.task.threshold


def test_the_classic_learns_scores_of_several_people(scored: af.Run) -> None:
    log = [json.loads(line) for line in (scored.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.97
    found = scored.evaluate("test")
    assert list(found["metrics"]) == ["kendall_tau", "spearman_rho"]
    assert found["metrics"]["spearman_rho"].value > 0.6
    people = found["baselines"]["people among themselves"]["spearman_rho"].value
    assert people > 0.8
    assert abs(found["baselines"]["at random"]["spearman_rho"].value) < 0.4
    output = scored.predict(known(3, rate=None).clip.open().pixels).output
    least, most = scored.task.scale
    assert output.events is None
    assert least <= output.scores.min() <= output.scores.max() <= most


@pytest.mark.parametrize("architecture", OWN)
def test_a_run_goes_on_where_it_stopped(
    architecture: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 6, "evaluations": 3, "window": 24}
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(4, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("video-processing", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def task(**settings: Any) -> VideoProcessing:
    made = VideoProcessing(MomentSettings(**{"size": SIDE, "patch": 8, "rate": float(RATE)} | settings))
    made.learn([known(row) for row in range(6)])
    return made


def test_a_window_is_a_function_of_seed_epoch_and_index() -> None:
    made = task(window=20)
    prepared, _ = made.prepare([known(row) for row in range(6)], training=True)
    some = np.array([1, 3, 4])
    one, same, alone = (made.collate(prepared, at, 4, 2) for at in (some, some, some[1:2]))
    assert one["frames"].shape == (3, 20, 1, SIDE, SIDE)
    assert torch.equal(one["frames"], same["frames"])
    assert torch.equal(one["frames"][1:2], alone["frames"])
    assert torch.equal(one["targets"][1:2], alone["targets"])
    assert not torch.equal(one["frames"], made.collate(prepared, some, 4, 3)["frames"])
    whole = made.collate(prepared, some, 4, None)
    assert whole["counts"].tolist() == [3, 3, 3]
    assert whole.size == 9 * 20


def test_films_of_unequal_length_are_padded_and_what_is_padded_has_no_target() -> None:
    made = task()
    prepared, _ = made.prepare([known(0), known(1, frames=30)], training=False)
    batch = made.collate(prepared, np.arange(2), 0, None)
    assert batch["present"].sum(1).tolist() == [FRAMES, 30]
    assert batch["targets"][1, 30:].isnan().all()
    assert int(batch["targets"][0].sum()) == sum(b - a for a, b in film(np.random.default_rng(0))[1])
    loss = made.losses(made.build("classic", made.architectures["classic"].settings()).eval(), batch)["nats"]
    assert loss.count == FRAMES + 30


def test_films_without_scores_are_left_out_of_training_and_named() -> None:
    made = task()
    unknown = KnownFilm(known(2).clip)
    prepared, notes = made.prepare([known(0), unknown, known(1)], training=True)
    assert prepared.rows.tolist() == [0, 2]
    assert notes == ["1 films without scores are left out of training: films:2"]
    assert len(made.prepare([known(0), unknown], training=False)[0].frames) == 2


# Bad input


def test_faults_are_named(folder: Path, run: af.Run, scored: af.Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a data set of translation"):
        task().read("cldr", 0)
    with pytest.raises(UserError, match="fold=2: files of your own have one split"):
        task(fold=2).read(str(folder), 0)
    with pytest.raises(UserError, match="events=goal: the events of passing_shapes have no labels"):
        task(events="goal").read("passing_shapes", 0)
    with pytest.raises(DataError, match="learned from scores, and of this film events are told"):
        scored.task.prepare([known(0)], training=False)
    rated = scored.task.read(scored.page["data"], 0)[0]["test"]
    with pytest.raises(DataError, match="learned from events, and of this film scores are told"):
        run.task.prepare(rated, training=False)
    flat = write_scores(tmp_path, {"train": 2}, raters=())
    (flat / "train" / "metadata.csv").write_text("file_name,frame,score\n0,1,3\n1,1,3\n")
    alike = read_known_films(flat).splits["train"]
    with pytest.raises(UserError, match="all scores of the training films are 3"):
        task().learn(alike)
    with pytest.raises(UserError, match="seconds=3: of clip frames are only counted; give a share instead"):
        run.predict(film(np.random.default_rng(0))[0], seconds=3)
    with pytest.raises(DataError, match="holds joints, where the network was trained on films"):
        run.predict(np.zeros((4, 3, 2)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.mp4", "half", r"cut\.mp4: (is cut off|cannot be read as a film)"),
        ("empty.mp4", b"", r"empty\.mp4: cannot be read as a film"),
        ("text.avi", b"no film" * 50, r"text\.avi: cannot be read as a film"),
        ("tone.mp4", "sound", r"tone\.mp4: holds no pictures"),
    ],
)
def test_broken_films_are_named(name: str, content: Any, message: str, run: af.Run, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed")
    path = tmp_path / name
    if content == "half":
        whole = write_sounding(tmp_path / "whole.mp4").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "sound":
        with av.open(str(path), "w") as container:
            track = container.add_stream("aac", rate=8000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 8000
            container.mux([*track.encode(frame), *track.encode()])
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        run.predict(str(path))


# Answers


def test_a_film_of_varying_pace_is_scored_by_time(run: af.Run, tmp_path: Path) -> None:
    pixels, spans = film(np.random.default_rng(99))
    pixels = pixels.repeat(2, 1).repeat(2, 2)
    even = write_film(tmp_path / "even.mp4", pixels, stamps(FRAMES))
    times = sorted({*stamps(FRAMES), *(at + 100 for at in stamps(FRAMES)[::3])})  # some frames are shown twice
    shown = np.searchsorted(stamps(FRAMES), times, side="right") - 1
    uneven = write_film(tmp_path / "uneven.mkv", pixels[shown], times)
    one, other = (run.predict(str(path)).output for path in (even, uneven))
    assert len(one.scores) == len(other.scores) == FRAMES
    np.testing.assert_allclose(one.times(one.events), np.array(spans) / RATE, atol=0.6)
    np.testing.assert_allclose(one.scores, other.scores, atol=0.35)


def test_a_long_film_is_read_window_by_window_and_scored_alike(
    run: af.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held is a window, however long the film is."""
    run = af.load(run.folder, device="cpu")
    run.task.settings = run.task.settings.model_copy(update={"window": 24})
    pixels = np.concatenate([film(np.random.default_rng(row))[0] for row in range(4)]).repeat(2, 1).repeat(2, 2)
    path = write_film(tmp_path / "long.mp4", pixels, stamps(len(pixels)))
    held = run.predict(str(path))
    monkeypatch.setattr(video_processing, "LONG", 40)
    prepared, _ = run.task.prepare([run.task.example(str(path))], training=False)
    assert prepared.frames == [None]
    streamed = run.predict(str(path))
    np.testing.assert_array_equal(held.output.scores, streamed.output.scores)
    assert held == streamed
    record = streamed.attention.unfolded()
    assert len(record.axes["moments"][0]) == record.sites[0].weights.shape[2] > len(pixels)
    assert af.page(record).html


def test_the_cut_down_film_has_the_length_that_is_asked_for(run: af.Run) -> None:
    given = known(7)
    pixels = given.clip.open()
    assert isinstance(pixels, FrameArray)
    for options, length in (({}, 0.15 * 12), ({"seconds": 5}, 5), ({"share": 1}, 12), ({"seconds": 99}, 12)):
        (found,), _ = run.predict_examples([given], run.options(options))
        spans = found.output.times(found.output.shots)
        assert sum(end - start for start, end in spans) == pytest.approx(max(2, length), abs=1 / RATE)
        assert all(end - start >= 2 for start, end in spans)
    (found,), _ = run.predict_examples([given], run.options({"threshold": 0.999999, "shot": 0, "keys": 1}))
    assert found.output.events == ()
    assert len(found.output.keys) == 1
    with pytest.raises(UserError, match="unknown setting 'shots'"):
        run.options({"shots": 3})


def test_the_verbs_write_scores_events_key_frames_and_a_film(
    run: af.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_sounding(tmp_path / "in" / "one.mp4")
    out = tmp_path / "out"
    assert (
        ended(["predict", str(run.folder), str(path), "--out", str(out), "--set", "seconds=4", "--set", "keys=2"]) == 0
    )
    rows = pl.read_csv(out / "predictions.csv")
    assert rows.columns == ["film", "second", "score", "event", "shot", "cut", "key"]
    assert rows["second"].to_list() == pytest.approx([at / RATE for at in range(48)])
    assert rows["shot"].is_not_null().sum() == 16
    assert rows["cut"].drop_nulls().to_list() == pytest.approx([at / RATE for at in range(16)])
    names = sorted(one.name for one in out.iterdir())
    keys = rows.filter(pl.col("key") == 1)["second"].to_list()
    assert names == sorted(["predictions.csv", "one-cut.mp4", *(f"one-{at + 0.125:.2f}s.png" for at in keys)])
    assert FilmFile(out / "one-cut.mp4", "").lasts == pytest.approx(4, abs=0.11)
    assert ended(["predict", str(run.folder), str(path), "--out", str(tmp_path / "short.mp4")]) == 0
    assert FilmFile(tmp_path / "short.mp4", "").lasts == pytest.approx(2, abs=0.11)
    capsys.readouterr()
    assert ended(["predict", str(run.folder), str(path), "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert page["output"].keys() == {"unit", "lasts", "events", "shots", "key_frames", "scores"}
    assert ended(["predict", str(run.folder), str(path)]) == 0
    assert "cut-down: " in capsys.readouterr().out
    assert ended(["look", str(run.folder), str(path), "--out", str(tmp_path / "look.html")]) == 0
    assert "score 0." in (tmp_path / "look.html").read_text(encoding="utf-8")
    assert ended(["data", "check", "video-processing", run.page["data"]]) == 0
    assert ended(["faithful", str(run.folder), "--examples", "2", "--method", "raw"]) == 0


def test_films_and_folders_stand_in_one_table(run: af.Run, tmp_path: Path) -> None:
    write_frames(tmp_path / "two", film(np.random.default_rng(3))[0][:20])
    write_sounding(tmp_path / "one.mp4")
    (tmp_path / "in.csv").write_text("file_name\none.mp4\ntwo\n")
    out = tmp_path / "out.csv"
    assert ended(["predict", str(run.folder), str(tmp_path / "in.csv"), "--out", str(out)]) == 0
    rows = pl.read_csv(out)
    assert rows.filter(pl.col("film") == "two")["frame"].to_list() == list(range(1, 21))
    assert rows.filter(pl.col("film") == "two")["second"].null_count() == 20
    assert rows.filter(pl.col("film") == "one.mp4")["frame"].null_count() == 48
    told = str(run.predict(str(tmp_path / "two")).output)
    assert "frames " in told
    assert list(run.task.answer_files([run.predict(str(tmp_path / "two"))])) == []


# Looking


def test_a_moment_lies_on_its_frame_and_is_read_from_its_row(run: af.Run) -> None:
    (found,), _ = run.predict_examples([known(5)], MomentOptions())
    axis = found.attention.axes["moments"][0]
    assert len(axis) == FRAMES
    assert axis.labels[4].startswith("1.00 s, score ")
    assert axis.preview is not None
    assert len({*axis.spans}) == FRAMES
    assert run.task.rows(found, 7) == 7
    assert run.task.rows(found, None) == tuple(np.flatnonzero(found.output.picked).tolist())


def test_without_what_it_saw_an_event_is_unlikely(run: af.Run) -> None:
    (found,), _ = run.predict_examples([known(5)], MomentOptions())
    kept = np.stack([np.ones(FRAMES, bool), ~found.output.picked])
    with torch.no_grad():
        whole, without = run.task.rescore(run.model, known(5), found, kept).tolist()
    assert whole == pytest.approx(found.score, abs=1e-3)
    assert without < whole - 0.2
