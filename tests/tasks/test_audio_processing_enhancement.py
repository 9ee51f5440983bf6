"""Enhancement of sounds as a task: noise goes, and every verb works on files."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from sound_data import ENHANCEMENT, RATE, pair, write_pairs

import attentionflow as af
from attentionflow import _train
from attentionflow.cli import main
from attentionflow.errors import UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.noisy_sounds import NoisySound
from attentionflow.readers.utterances import Held
from attentionflow.tasks import _cleaned, audio_processing_enhancement
from attentionflow.tasks.audio_processing_enhancement import AudioEnhancement, EnhancementSettings

pytest.importorskip("pystoi", reason="STOI is measured with pystoi: pip install attentionflow[audio]")

NAME = "audio-processing/enhancement"


def train(data: Path, out: Path, architecture: str = "mask-transformer", **settings: Any) -> af.Run:
    given = ENHANCEMENT[architecture] | settings
    return af.train(NAME, data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "sounds")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "run")


def held(seed: int, seconds: float = 0.96) -> NoisySound:
    noisy, clean = (Held(Audio(one, RATE)) for one in pair(np.random.default_rng((9, seed)), seconds))
    return NoisySound(f"made{seed}", f"made:{seed}", noisy, clean)


def test_it_learns_to_take_noise_out(trained: af.Run) -> None:
    found = trained.evaluate("test")
    assert found["metrics"]["si_sdr_improvement"].value > 4
    assert list(found["baselines"]) == ["the sound as it is", "Wiener filter, its noise that of the quietest frames"]
    assert found["baselines"]["the sound as it is"]["si_sdr_improvement"].value == 0


def test_classic_learns(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", "classic")
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["val_error_db"] for line in lines if "val_" in line]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("architecture", ENHANCEMENT)
def test_a_resumed_run_is_the_run_itself(
    data: Path, tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 4, "evaluations": 2, "epochs": 1, "dropout": 0.1}
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


# Batches


@pytest.mark.parametrize("remix", [True, False])
def test_mixtures_depend_on_seed_epoch_and_index_alone(remix: bool) -> None:
    one = AudioEnhancement(EnhancementSettings(seconds=0.64, overlap=0.16, remix=remix))
    examples = [held(seed, seconds) for seed, seconds in enumerate((0.96, 0.3, 0.64))]
    one.learn(examples)
    prepared, _ = one.prepare(examples, training=True)
    together, alone = (one.collate(prepared, np.array(at), 5, 1) for at in ([0, 1, 2], [1]))
    assert torch.equal(together["noisy"][1], alone["noisy"][0])
    assert torch.equal(together["clean"][1], alone["clean"][0])
    assert not torch.equal(one.collate(prepared, np.array([0]), 5, 2)["noisy"], together["noisy"][:1])
    low, high = one.ratios
    assert low < high


def test_settings_that_cannot_be_are_refused(data: Path) -> None:
    with pytest.raises(UserError, match=r"overlap=0\.5 must be less than half of seconds"):
        AudioEnhancement(EnhancementSettings(seconds=0.64, overlap=0.5)).learn([held(0)])
    with pytest.raises(UserError, match="lowest_ratio=5 is above highest_ratio=1"):
        AudioEnhancement(EnhancementSettings(lowest_ratio=5, highest_ratio=1)).read(str(data), 0)


def test_strength_is_the_share_that_is_taken_out(trained: af.Run) -> None:
    noisy = pair(np.random.default_rng(3))[0]
    none, half, whole = (trained.predict(noisy, strength=share).output.samples for share in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(none, noisy, atol=1e-5)
    np.testing.assert_allclose(half, (none + whole) / 2, atol=1e-5)


# Long sounds


def test_a_long_file_is_cleaned_as_its_samples_are_piece_by_piece(
    trained: af.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = pair(np.random.default_rng(5), 70.0)[0].clip(-1, 1)
    soundfile.write(tmp_path / "long.wav", noisy, RATE, subtype="FLOAT")
    whole = trained.predict(noisy)
    monkeypatch.setattr(audio_processing_enhancement, "LONG", 1.0)
    monkeypatch.setattr(_cleaned, "IN_MEMORY", 1000)
    streamed = trained.predict(str(tmp_path / "long.wav"))
    assert isinstance(streamed.output.samples, np.memmap)
    np.testing.assert_allclose(streamed.output.samples, whole.output.samples, atol=1e-5)
    assert streamed.score == pytest.approx(whole.score, abs=1e-5)
    assert streamed.output.removed == pytest.approx(whole.output.removed, abs=1e-3)


def test_an_hour_needs_no_more_memory_than_a_minute(trained: af.Run, tmp_path: Path) -> None:
    """Half an hour at 4 kHz is 29 MB of samples; what Python and NumPy hold at once stays far below it."""
    minute = pair(np.random.default_rng(5), 60.0)[0].clip(-1, 1)
    with soundfile.SoundFile(tmp_path / "long.flac", "w", RATE, 1) as file:
        for _ in range(6):
            file.write(minute)
    tracemalloc.start()
    windows = trained.task.windows
    count = sum(1 for group in trained.task._groups(trained.task.example(tmp_path / "long.flac")) for _ in group)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == windows.count(6 * len(minute))
    assert peak < 6 * minute.nbytes / 2


# Verbs


def verb(*words: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return int(done.value.code or 0)


def test_every_verb(trained: af.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, noisy = str(trained.folder), data / "test" / "noisy"
    one = str(noisy / "000.wav")
    assert verb("data", "check", NAME, str(data)) == 0
    assert "test: 16 sounds" in capsys.readouterr().out
    assert verb("predict", folder, one) == 0
    assert capsys.readouterr().out.startswith("0.96 seconds, ")
    assert verb("predict", folder, one, "--json") == 0
    assert json.loads(capsys.readouterr().out)["output"]["sample_rate"] == RATE
    assert verb("predict", folder, one, "--out", str(tmp_path / "clean.wav")) == 0
    samples, rate = soundfile.read(tmp_path / "clean.wav", dtype="float32")
    assert (len(samples), rate) == (round(0.96 * RATE), RATE)
    assert verb("predict", folder, str(noisy), "--out", str(tmp_path / "cleaned")) == 0
    np.testing.assert_array_equal(soundfile.read(tmp_path / "cleaned" / "000.wav", dtype="float32")[0], samples)
    table = pl.read_csv(tmp_path / "cleaned" / "predictions.csv")
    assert table.columns == ["sound", "seconds", "sample_rate", "removed_db"]
    assert len(table) == 16
    assert verb("look", folder, one, "--out", str(tmp_path / "look.html")) == 0
    assert "data:image/png" in (tmp_path / "look.html").read_text()
    capsys.readouterr()
    assert verb("faithful", folder, "--examples", "2", "--method", "raw", "--json") == 0


def test_the_record_lies_on_seconds(trained: af.Run) -> None:
    record = trained.predict(pair(np.random.default_rng(3), 2.0)[0]).attention.unfolded()
    axis = record.axes["frames"][0]
    assert axis.spans is not None
    assert axis.spans[0][0] == 0
    assert max(span[1] for span in axis.spans if span) == pytest.approx(2.0)
    assert {(site.role, site.queries, site.keys) for site in record} == {("self", "frames", "frames")}


def test_a_broken_sound_is_named(trained: af.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "cut.wav", np.ones(4000) / 9, RATE)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:3000])
    assert verb("predict", str(trained.folder), str(tmp_path / "cut.wav")) == 2
    assert "cut.wav: the sound is cut off" in capsys.readouterr().err
