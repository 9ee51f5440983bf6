"""Speech synthesis as a task: it learns to speak, names its faults, and every verb works on files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from voice_data import RATE, SETTINGS, VOICES, write_voices

import attentionflow as af
from attentionflow import _train
from attentionflow.cli import main
from attentionflow.errors import DataError, UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import Frames, Held, Utterance
from attentionflow.tasks.speech_synthesis import SpeechSynthesis, SynthesisSettings

soundfile = pytest.importorskip("soundfile", reason="sounds are files: pip install attentionflow[audio]")

NAME = "speech-synthesis"


def train(data: Path, out: Path, architecture: str = "parallel", **settings: Any) -> af.Run:
    given = SETTINGS[architecture] | settings
    return af.train(NAME, data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_voices(tmp_path_factory.mktemp("data") / "voices")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "run")


def test_it_learns_to_speak(trained: af.Run) -> None:
    found = trained.evaluate("test")
    ours = found["metrics"]
    assert list(found["baselines"]) == [
        "mean spectrum",
        "mean sound of each letter",
        "recording of the most similar text by the same speaker",
    ]
    assert ours["mcd"].value < 0.6 * min(scores["mcd"].value for scores in found["baselines"].values())
    assert ours["duration_error"].value < 0.1
    assert ours["skipped_words"].value <= 0.1
    (picture,) = found["pictures"]
    assert Path(picture).read_text(encoding="utf-8").count("<image") == 12  # recordings and what was said, of six


def test_classic_learns(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", "classic")
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["val_spectrogram"] for line in lines if "val_spectrogram" in line]
    assert losses[-1] < losses[0]
    record = run.predict("ab cd").attention
    (site,) = record.sites
    assert (site.role, site.queries, site.keys) == ("cross", "frames", "text")


@pytest.mark.parametrize("architecture", SETTINGS)
def test_a_resumed_run_is_the_run_itself(
    data: Path, tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 4, "evaluations": 2, "dropout": 0.1}
    whole = train(data, tmp_path / "whole", architecture, **settings)
    validate = _train.Trainer.validate

    def interrupted(self: Any) -> None:
        validate(self)
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(_train.Trainer, "validate", interrupted)
        with pytest.raises(RuntimeError, match="power"):
            train(data, tmp_path / "cut", architecture, **settings)
    af.train(NAME, out=tmp_path / "cut", resume=True, device="cpu", quiet=True)
    one, other = (load_file(folder / "model.safetensors") for folder in (whole.folder, tmp_path / "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# What is said


def test_a_voice_is_chosen_by_the_row_and_else_by_the_option(trained: af.Run) -> None:
    assert {trained.predict(("ab", name)).output.speaker for name in VOICES} == set(VOICES)
    assert trained.predict("ab").output.speaker == "ada"
    assert trained.predict("ab", speaker="bob").output.speaker == "bob"
    assert trained.predict(("ab", "ada"), speaker="bob").output.speaker == "ada"
    higher, lower = (np.abs(np.fft.rfft(trained.predict(("aaa", name)).output.samples())) for name in ("bob", "ada"))
    assert higher.argmax() / len(higher) == pytest.approx(1.25 * lower.argmax() / len(lower), rel=0.08)
    with pytest.raises(UserError, match=r"the option speaker: there is no speaker 'eve'.*ada"):
        trained.predict("ab", speaker="eve")
    with pytest.raises(UserError, match="there is no speaker 'eve'"):
        trained.predict(("ab", "eve"))


def test_speed_makes_it_shorter(trained: af.Run) -> None:
    usual, quick = (trained.predict("abc dab", speed=speed).output.seconds for speed in (1.0, 2.0))
    assert quick == pytest.approx(usual / 2, rel=0.25)


def test_letters_that_were_never_heard_are_left_out_and_said(trained: af.Run) -> None:
    with pytest.warns(UserWarning, match="1 utterances with a letter that training does not have"):
        known = trained.predict("abx")
    assert known.output == trained.predict("ab").output
    assert known.output.letters == (" ", "a", "b", "")
    for nothing in ("xyz", "  "):
        with pytest.raises(DataError, match="there is nothing to say"):
            trained.predict(nothing)
    with pytest.raises(TypeError, match="must be a text, or a text and a speaker"):
        trained.predict(np.zeros(3))


def test_capitals_are_small_letters_unless_told_otherwise(trained: af.Run) -> None:
    assert trained.predict("AB").output == trained.predict("ab").output


def test_what_cannot_be_learned_from_is_left_out_and_said() -> None:
    def one(text: str, seconds: float) -> Utterance:
        samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
        return Utterance(text, text, f"t.csv:{text or 'none'}", Held(Audio(samples, RATE)))

    task = SpeechSynthesis(SynthesisSettings(max_seconds=2, bands=16))
    examples = [one("ab", 1), one("", 1), one("abcabcabcabcabcabc", 0.1), one("long", 3)]
    task.learn(examples)
    prepared, notes = task.prepare(examples, training=True)
    assert prepared.rows.tolist() == [0]
    assert notes == [
        "1 utterances without text: left out of training: t.csv:none",
        "1 utterances with more letters than frames: left out of training: t.csv:abcabcabcabcabcabc",
        "1 utterances longer than max_seconds=2: left out of training: t.csv:long",
    ]


def test_features_make_no_voice() -> None:
    features = Utterance("a", "a", "t:1", Held(Frames(np.zeros((5, 16), np.float32))))
    with pytest.raises(UserError, match="learned from sounds; these are arrays of features"):
        SpeechSynthesis(SynthesisSettings()).learn([features] * 3)


# Looking


def test_attention_runs_from_frames_over_letters_in_their_order(trained: af.Run) -> None:
    prediction = trained.predict("abc dab")
    record = prediction.attention
    frames, text = (record.axes[stream][0] for stream in ("frames", "text"))
    assert text.labels == ("▁", *"abc", "▁", *"dab", "</s>")
    assert text.parent is not None
    assert text.parent.labels == ("abc", "dab")
    assert frames.labels[1] == "0.04 s"
    assert frames.preview is not None
    assert frames.preview.startswith("data:image/png")
    (cross,) = record.select(role="cross")
    read = cross.weights[0, 0].argmax(-1)
    assert (np.diff(read) >= 0).all()
    assert set(read.tolist()) >= set(range(1, 8))


def test_letters_that_are_taken_out_are_missed(trained: af.Run) -> None:
    """Without the letters of a word its frames are less likely, and those of other words hardly change."""
    example, prediction = trained.task.example("abc dab"), trained.predict("abc dab")
    kept = np.ones((2, 9), bool)
    kept[1, 1:4] = False
    with torch.no_grad():
        whole, without = trained.task.rescore(trained.model, example, prediction, kept).tolist()
    assert without < whole - 0.02


# The command line


def attentionflow(*arguments: str) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments)


def test_every_verb_works_on_files(trained: af.Run, data: Path, tmp_path: Path, capsys: Any) -> None:
    run, out = str(trained.folder), tmp_path / "said"
    attentionflow("data", "check", NAME, str(data))
    assert "train: speakers and their utterances" in capsys.readouterr().out
    attentionflow("predict", run, "ab cd")
    assert "seconds" in capsys.readouterr().out
    attentionflow("predict", run, "ab cd", "--json", "--set", "speaker=bob")
    page = json.loads(capsys.readouterr().out)
    assert (page["input"], page["output"]["speaker"], page["output"]["skipped"]) == ("ab cd", "bob", [])
    table = tmp_path / "texts.csv"
    table.write_text("text,speaker\nab cd,bob\nda,\n", encoding="utf-8")
    attentionflow("predict", run, str(table), "--out", str(out))
    found = pl.read_csv(out / "predictions.csv")
    assert found["text"].to_list() == ["ab cd", "da"]
    assert found["speaker"].to_list() == ["bob", "ada"]
    for number, seconds in enumerate(found["seconds"].to_list(), start=1):
        samples, rate = soundfile.read(out / f"{number:04}.wav")
        assert rate == RATE
        assert len(samples) / rate == pytest.approx(seconds, abs=1e-3)
        assert np.abs(samples).max() > 0.05
        assert (out / f"{number:04}.svg").read_text(encoding="utf-8").startswith("<svg")
    attentionflow("predict", run, "ab cd", "--out", str(tmp_path / "one.wav"))
    assert soundfile.info(tmp_path / "one.wav").samplerate == RATE
    attentionflow("predict", run, str(table), "--out", str(tmp_path / "table.jsonl"))
    assert len((tmp_path / "table.jsonl").read_text().splitlines()) == 2
    attentionflow("look", run, "ab cd", "--out", str(tmp_path / "look.html"))
    assert "data:image/png" in (tmp_path / "look.html").read_text(encoding="utf-8")
    capsys.readouterr()
    attentionflow("faithful", run, "--examples", "3", "--method", "raw", "--json")
    assert json.loads(capsys.readouterr().out)


def test_a_text_file_is_a_text_a_line(trained: af.Run, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("ab cd\n\nda\n", encoding="utf-8")
    found = trained.task.read_inputs(path)
    assert [(one.text, one.where) for one in found] == [("ab cd", "texts.txt:1"), ("da", "texts.txt:3")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictions, notes = trained.predict_examples(found, trained.options({}))
    assert notes == []
    assert [one.input for one in predictions] == ["ab cd", "da"]


def test_data_without_speakers_are_one_voice(tmp_path: Path) -> None:
    folder = write_voices(tmp_path / "voices", {"train": 12, "val": 2, "test": 2})
    for split in ("train", "val", "test"):
        table = folder / split / "metadata.csv"
        rows = [line.rpartition(",")[0] for line in table.read_text().splitlines()]
        table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    run = train(folder, tmp_path / "run", steps=2)
    assert run.task.speakers == [""]
    assert run.predict("ab").output.speaker == ""
