"""Tagging of sounds as a task: it learns what is heard and when, and every verb works on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from sound_data import KINDS, RATE, SECONDS, TAGGING, sound, write_tagged

import attentionflow as af
from attentionflow import _train
from attentionflow.cli import main
from attentionflow.datasets import signals
from attentionflow.errors import UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.labelled_sounds import LabelledSound
from attentionflow.readers.utterances import Held
from attentionflow.tasks.audio_processing_tagging import AudioTagging, TaggingSettings

NAME = "audio-processing/tagging"


def train(data: Path, out: Path, architecture: str = "spectrogram-transformer", **settings: Any) -> af.Run:
    given = TAGGING[architecture] | settings
    return af.train(NAME, data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tagged(tmp_path_factory.mktemp("data") / "sounds")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "run")


def held(kind: str, seconds: float = SECONDS, seed: int = 0) -> LabelledSound:
    samples = sound(kind, np.random.default_rng(seed), seconds)
    return LabelledSound(kind, (kind,), f"made:{kind}", Held(Audio(samples, RATE)))


def task(**settings: Any) -> AudioTagging:
    one = AudioTagging(TaggingSettings(**{"bands": 16, "seconds": SECONDS, "step": 4, **settings}))
    one.learn([held(kind, seed=seed) for kind in KINDS for seed in range(3)])
    return one


# Learning


def test_it_learns_what_is_heard(trained: af.Run) -> None:
    found = trained.evaluate("test")
    assert found["metrics"]["accuracy"].value >= 0.9
    assert list(found["baselines"]) == [
        "the most frequent label",
        "support vector machine on mean and deviation of each band",
    ]
    assert found["baselines"]["the most frequent label"]["accuracy"].value < 0.4
    assert [Path(path).name for path in found["pictures"]] == ["confusion-test.svg"]


def test_classic_learns(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", "classic")
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["val_nats"] for line in lines if "val_nats" in line]
    assert losses[-1] < losses[0]


def test_it_tells_when_a_label_is_heard(trained: af.Run) -> None:
    """Stretches of the answer, in their order, within the sound."""
    for seed, kind in enumerate(KINDS):
        found = trained.predict(sound(kind, np.random.default_rng(seed)))
        heard = found.raw.heard
        assert heard
        assert {event.label for event in heard} == {found.output}
        edges = [edge for event in heard for edge in (event.start, event.stop)]
        assert edges == sorted(edges)
        assert edges[-1] <= SECONDS + 0.05


def test_several_labels_each_are_a_yes_or_no(tmp_path: Path) -> None:
    settings = {**TAGGING["spectrogram-transformer"], "labels": "several", "steps": 4, "evaluations": 1}
    run = af.train(NAME, "signals", out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    example = signals.Signals("test")[0]
    (prediction,), _ = run.predict_examples([example], run.options({"k": 2}))
    assert isinstance(prediction.output, list)
    assert len(prediction.details["probabilities"]) == 2
    assert len(run.task.rows(prediction, 3)) == prediction.raw.windows
    scores = run.task.metrics([prediction], [example], cheap=True)
    assert {"micro_f1", "segment_f1"} <= scores.keys()


@pytest.mark.parametrize("architecture", TAGGING)
def test_a_resumed_run_is_the_run_itself(
    data: Path, tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 4, "evaluations": 2, "epochs": 1, "dropout": 0.1, "mixup": 0.4, "masks": 0.2}
    whole = train(data, tmp_path / "whole", architecture, **settings)
    validate = _train.Trainer.validate

    def interrupted(self: Any) -> None:
        validate(self)
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(_train.Trainer, "validate", interrupted)
        with pytest.raises(RuntimeError, match="power"):
            train(data, tmp_path / "cut", architecture, **settings)
    af.train("audio-processing", out=tmp_path / "cut", resume=True, device="cpu", quiet=True)
    one, other = (load_file(folder / "model.safetensors") for folder in (whole.folder, tmp_path / "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Batches


def test_augmentation_depends_on_seed_epoch_and_index_alone() -> None:
    one = task(mixup=0.5)
    prepared, _ = one.prepare([held(KINDS[i % 3], seconds, i) for i, seconds in enumerate((0.9, 1.5, 0.5))], True)
    together, alone = (one.collate(prepared, np.array(at), 5, 1) for at in ([0, 1, 2], [1]))
    torch.testing.assert_close(together["frames"][1], alone["frames"][0])
    torch.testing.assert_close(together["targets"][1], alone["targets"][0])
    assert not torch.equal(one.collate(prepared, np.array([1]), 5, 2)["frames"], alone["frames"])
    assert torch.equal(one.collate(prepared, np.array([0]), 5, None)["targets"], torch.tensor([[1.0, 0, 0]]))


def test_a_label_that_training_does_not_have_is_always_wrong(trained: af.Run) -> None:
    strange = LabelledSound("x", ("thunder",), "made:x", held("hiss").sound)
    prepared, notes = trained.task.prepare([held("hiss"), strange], training=True)
    assert notes == ["1 sounds without a known label are left out of training: made:x"]
    assert prepared.rows.tolist() == [0]
    (prediction,), notes = trained.predict_examples([strange], trained.options({}))
    assert notes == ["1 sounds without a known label are always counted as wrong: made:x"]
    assert trained.task.metrics([prediction], [strange], cheap=True)["accuracy"].value == 0


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match="step=6 is no multiple of 4"):
        task(step=6)
    with pytest.raises(UserError, match=r"fold=2: .*one split"):
        task(fold=2).read("signals", 0)


# Long sounds


def test_a_long_sound_is_heard_window_by_window(trained: af.Run) -> None:
    parts = [sound(kind, np.random.default_rng(4)) for kind in ("hiss", "hiss", "rise")]
    prediction = trained.predict(np.concatenate(parts))
    assert prediction.output == "hiss"
    assert prediction.raw.windows == 3
    record = prediction.attention.unfolded()
    moments, labels = record.axes["moments"][0], record.axes["labels"][0]
    assert len(labels) == 3 * len(KINDS)
    assert labels.labels[3] == "beeps, from 1.0 s"
    assert moments.spans[-1][1] == pytest.approx(3 * SECONDS, abs=0.1)
    (site,) = record.select(role="pool")
    np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-5)
    assert site.weights[0, 0, 0, len(moments) // 3 :].max() == 0, "a window sees itself alone"
    assert record.target == tuple(window * 3 + KINDS.index("hiss") for window in range(3)) or record.target is None


def test_an_hour_is_heard_in_bounded_memory(trained: af.Run, tmp_path: Path) -> None:
    """Ten minutes as samples would be 10 MB here; the spectrogram and its windows are a quarter of it."""
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for seed in range(60):
            file.write(np.concatenate([sound("hiss", np.random.default_rng((seed, i))) for i in range(10)]))
    prepared, _ = trained.task.prepare([trained.task.example(path)], training=False)
    (frames,) = prepared.frames
    assert frames.nbytes < soundfile.info(path).frames * 4 / 4
    prediction = trained.predict(str(path))
    assert prediction.raw.windows == 600
    assert prediction.output == "hiss"
    assert prediction.details["heard"][-1]["to"] > 560


# Verbs


def verb(*words: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return int(done.value.code or 0)


def test_every_verb(trained: af.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, one = str(trained.folder), str(data / "test" / "hiss" / "001.wav")
    assert verb("data", "check", "audio-processing", str(data)) == 0
    assert "train: 60 sounds, 3 labels" in " ".join(capsys.readouterr().out.split())
    assert verb("predict", folder, one) == 0
    assert capsys.readouterr().out == "hiss\n"
    assert verb("predict", folder, one, "--json") == 0
    line = json.loads(capsys.readouterr().out)
    assert line["heard"][0]["label"] == "hiss"
    out = tmp_path / "out.csv"
    assert verb("predict", folder, str(data / "test" / "hiss"), "--out", str(out)) == 0
    table = pl.read_csv(out)
    assert table.columns[:3] == ["sound", "label", "probability"]
    assert table["heard"][0].startswith("hiss ")
    assert verb("look", folder, one, "--out", str(tmp_path / "look.html")) == 0
    assert "data:image/png" in (tmp_path / "look.html").read_text()
    capsys.readouterr()
    assert verb("faithful", folder, "--examples", "2", "--method", "raw", "--json") == 0


def test_a_broken_sound_is_named(trained: af.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 1)
    for name, told in (("empty.wav", "the sound is empty"), ("slow.wav", "1 samples a second")):
        assert verb("predict", str(trained.folder), str(tmp_path / name)) == 2
        error = capsys.readouterr().err
        assert name in error
        assert told in error
