"""Speech recognition as a task: it learns, every utterance counts, and every verb works on files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from speech_data import LETTERS, RATE, SETTINGS, sound, write_sounds

import attentionflow as af
from attentionflow import _train
from attentionflow.cli import main
from attentionflow.errors import DataError, UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import Frames, Held, Utterance
from attentionflow.readers.vocabulary import SPECIAL
from attentionflow.tasks._transcript_scores import transcript_scores
from attentionflow.tasks.speech_recognition import SpeechRecognition, SpeechSettings

NAME = "speech-recognition"


def train(data: Path, out: Path, architecture: str = "conformer", **settings: Any) -> af.Run:
    given = SETTINGS[architecture] | settings
    return af.train(NAME, data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("data") / "sounds")


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "run", "classic")


def task(**settings: Any) -> SpeechRecognition:
    return SpeechRecognition(SpeechSettings(**settings))


def utterance(text: str | None = "AB", seconds: float = 0.5, name: str = "a.wav") -> Utterance:
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    return Utterance(name, text, f"t.csv:{name}", Held(Audio(samples, RATE)))


# Learning


def test_it_learns_the_rule(trained: af.Run) -> None:
    found = trained.evaluate("test")
    assert found["metrics"]["cer"].value < 0.05
    assert found["metrics"]["wer"].value < 0.15
    baselines = found["baselines"]
    assert list(baselines) == ["commonest text of training", "text of the most similar sound (DTW)"]
    assert all(scores["cer"].value > 3 * found["metrics"]["cer"].value for scores in baselines.values())
    assert baselines["text of the most similar sound (DTW)"]["cer"].value < 0.7, "which is better than guessing"
    low, high = found["metrics"]["wer"].interval
    assert low <= found["metrics"]["wer"].value <= high


def test_classic_learns(classic: af.Run) -> None:
    lines = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    for name in ("ctc", "decoder"):
        losses = [line[name] for line in lines if name in line]
        assert losses[-1] < losses[0]


@pytest.mark.parametrize("architecture", SETTINGS)
def test_a_resumed_run_is_the_run_itself(
    data: Path, tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 6, "evaluations": 3, "dropout": 0.1, "speeds": 0.1, "masked_bands": 3}
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
    assert (whole.folder / "log.jsonl").read_text() == (tmp_path / "cut" / "log.jsonl").read_text()


@pytest.mark.parametrize("units", ["words", "sub-words"])
def test_other_units(data: Path, tmp_path: Path, units: str) -> None:
    run = train(data, tmp_path / "run", units=units, sub_words=128, steps=2, evaluations=1)
    again = af.load(run.folder, device="cpu")
    samples = sound("AB C", np.random.default_rng(0))
    assert again.predict(samples).output == run.predict(samples).output
    assert len(again.task.units) == len(run.task.units)
    assert run.predict(samples).attention.axes["text"][0].labels[-1] == "</s>"


def test_arrays_of_features_are_read_as_the_sounds_are(trained: af.Run, tmp_path: Path) -> None:
    arrays = write_sounds(tmp_path / "arrays", {"train": 12, "val": 3, "test": 5}, kind=".npy")
    run = train(arrays, tmp_path / "run", steps=1, evaluations=1)
    assert run.task.spectrograms.rate is None
    assert run.task.spectrograms.bands == 16
    path = next((arrays / "test").glob("*.npy"))
    assert run.predict(str(path)) == run.predict(np.load(path)) or run.predict(str(path)).input != "features"
    with pytest.raises(DataError, match="the model reads sounds, and this is one of the arrays"):
        trained.predict(str(path))
    with pytest.raises(UserError, match="reads features"):
        run.predict(np.zeros(100, np.float32))
    with pytest.raises(DataError, match="features with 3 bands"):
        run.predict(np.zeros((20, 3), np.float32))


# Preparing


def test_what_cannot_be_learned_from_is_left_out_and_said() -> None:
    one = task(max_seconds=1.0)
    good = [utterance("AB", name=f"g{i}.wav") for i in range(3)]
    one.learn(good)
    odd = [
        utterance("", name="empty.wav"),
        utterance("ABABABABABABABABABAB", name="much.wav"),
        utterance("AB", 2.0, name="long.wav"),
        utterance("AXB", name="strange.wav"),
    ]
    prepared, notes = one.prepare([*good, *odd], training=True)
    assert prepared.rows.tolist() == [0, 1, 2, 6]
    assert prepared.texts[-1] == prepared.texts[0], "what has no unit is left out of the text"
    assert notes == [
        "1 utterances with a unit that training does not have: it is left out of the text: t.csv:strange.wav",
        "1 utterances longer than max_seconds=1: left out of training: t.csv:long.wav",
        "1 utterances without text: left out of training: t.csv:empty.wav",
        "1 utterances with more text than positions: left out of training: t.csv:much.wav",
    ]
    prepared, notes = one.prepare([*good, *odd], training=False)
    assert prepared.rows.tolist() == list(range(7))
    assert max(map(len, prepared.frames)) == 100
    assert notes[1] == "1 utterances longer than max_seconds=1: cut: t.csv:long.wav"


def test_spectrograms_have_mean_0_and_deviation_1() -> None:
    one = task(bands=10)
    one.learn([utterance()])
    frames = one.prepare([utterance(seconds=1.0)], training=False)[0].frames[0]
    assert frames.shape == (101, 10)
    np.testing.assert_allclose(frames.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(frames.std(0), 1, atol=1e-3)


def test_spectrograms_may_keep_what_tells_an_utterance_from_others() -> None:
    one = task(bands=10, normalised_by="training")
    loud, quiet = (
        Utterance(
            f"{gain}",
            "A",
            "",
            Held(Audio(np.float32(gain) * np.random.default_rng(1).normal(size=RATE).astype("f4"), RATE)),
        )
        for gain in (0.5, 0.05)
    )
    one.learn([loud, quiet])
    frames = one.prepare([loud, quiet], training=False)[0].frames
    both = np.concatenate(frames)
    np.testing.assert_allclose(both.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(both.std(0), 1, atol=1e-3)
    assert frames[0].mean() > 0.5 > -0.5 > frames[1].mean()


@pytest.mark.parametrize(("given", "rate"), [(None, RATE), (2_000, 2_000)])
def test_the_rate_is_the_commonest_unless_told(given: int | None, rate: int) -> None:
    one = task(sample_rate=given)
    one.learn([utterance()] * 2 + [Utterance("x", "A", "", Held(Audio(np.zeros(100, np.float32), 9_000)))])
    assert one.spectrograms.rate == rate


def test_augmentation_depends_on_seed_epoch_and_index_alone() -> None:
    one = task()
    one.learn([utterance()])
    prepared, _ = one.prepare([utterance(seconds=s) for s in (1.0, 1.2, 0.9)], training=True)
    together = one.collate(prepared, np.array([0, 1, 2]), 5, 1)
    alone = one.collate(prepared, np.array([1]), 5, 1)
    size = alone["frames"].shape[1]
    assert torch.equal(together["frames"][1, :size], alone["frames"][0])
    for other in (one.collate(prepared, np.array([1]), 5, 2), one.collate(prepared, np.array([1]), 6, 1)):
        assert other["frames"].shape != alone["frames"].shape or not torch.equal(other["frames"], alone["frames"])
    plain = one.collate(prepared, np.array([1]), 5, None)
    np.testing.assert_array_equal(plain["frames"][0].numpy(), prepared.frames[1])


def test_a_faster_utterance_still_holds_its_text() -> None:
    """0.2 seconds are 6 positions, as many as the text has letters, so it must not become any shorter."""
    one = task(speeds=0.4)
    one.learn([utterance()])
    prepared, _ = one.prepare([utterance("ABABAB", 0.2)], training=True)
    for epoch in range(20):
        assert one.collate(prepared, np.array([0]), 0, epoch)["frames"].shape[1] > 20


def test_texts_without_room_cost_nothing_and_are_no_infinity() -> None:
    one = task()
    one.learn([utterance()])
    model = one.build("conformer", one.architectures["conformer"].settings(width=16, heads=2, encoder_layers=1)).eval()
    prepared, _ = one.prepare([utterance("AB" * 30)], training=False)
    losses = one.losses(model, one.collate(prepared, np.array([0]), 0, None))
    assert losses["ctc"].total.item() == 0
    assert torch.isfinite(losses["decoder"].total)


def test_losses_are_those_of_torch() -> None:
    one = task(label_smoothing=0.2)
    one.learn([utterance("ABCAB")])
    model = one.build(
        "conformer", one.architectures["conformer"].settings(width=16, heads=2, encoder_layers=1, dropout=0.0)
    )
    prepared, _ = one.prepare([utterance("AB"), utterance("CAB", 0.7)], training=True)
    batch = one.collate(prepared, np.array([0, 1]), 0, None)
    memory = model.encode(batch["frames"], batch.get("mask"))
    logs, present = model.decode(memory, batch["written"]), batch["present"]
    wanted = torch.nn.functional.cross_entropy(
        logs[present], batch["answers"][present], label_smoothing=0.2, reduction="sum"
    )
    losses = one.losses(model, batch)
    torch.testing.assert_close(losses["decoder"].total, 0.7 * wanted)
    assert losses["decoder"].count == losses["ctc"].count == 7


# Figures


def test_error_rates_are_counted_over_the_whole_set() -> None:
    scores = transcript_scores(["a b c", "", "x"], ["a c", "d e", ""], intervals=True)
    assert scores["wer"].value == pytest.approx((1 + 2 + 1) / 4)
    assert scores["wer"].signature == "4 of 4 words"
    assert scores["cer"].value == pytest.approx((2 + 3 + 1) / 6)
    assert scores["exact_match"].value == 0
    assert transcript_scores(["a b"], ["a b"], intervals=True)["exact_match"].interval == (1.0, 1.0)


def plain_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row[0] = row[:], i
        for j, y in enumerate(b, start=1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
    return row[-1]


def test_error_rates_are_edit_distances() -> None:
    draw = np.random.default_rng(0)
    pairs = [["".join(draw.choice(list("ab "), draw.integers(1, 9))) for _ in range(2)] for _ in range(50)]
    hypotheses, references = ([" ".join(text.split()) or "a" for text in side] for side in zip(*pairs, strict=True))
    errors = sum(map(plain_distance, hypotheses, references))
    found = transcript_scores(hypotheses, references, intervals=False)["cer"]
    assert found.value == pytest.approx(errors / sum(map(len, references)))


def test_without_jiwer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(UserError, match=r'jiwer: pip install "attentionflow\[audio\]"'):
        transcript_scores(["a"], ["a"], intervals=False)


# Words


def test_known_words_are_those_of_the_training_texts(trained: af.Run) -> None:
    noise = [np.random.default_rng(i).normal(0, 0.3, RATE).astype(np.float32) for i in range(6)]
    known = trained.predict([*noise, sound("AB C", np.random.default_rng(0))], words="known")
    assert all(word in trained.task.words for one in known for word in one.output.split())
    assert known[-1].output == "AB C"


def test_a_word_that_is_not_known_is_not_written(trained: af.Run) -> None:
    """EEEE is no word of three letters at most, as training has them."""
    samples = sound("EEEE", np.random.default_rng(0))
    known = trained.predict(samples, words="known").output
    assert "EEEE" not in trained.task.words
    assert known
    assert all(word in trained.task.words for word in known.split())


def test_known_words_are_refused_for_words(data: Path, tmp_path: Path) -> None:
    run = train(data, tmp_path / "run", units="words", steps=1, evaluations=1)
    with pytest.raises(UserError, match="words=known is for units=characters; this model writes words"):
        run.predict(sound("A", np.random.default_rng(0)), words="known")


# Verbs


def test_every_verb(trained: af.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(trained.folder)
    sounds = sorted((data / "test").glob("*.wav"))
    assert verb("data", "check", NAME, str(data)) == 0
    assert "test: 24 utterances" in capsys.readouterr().out
    assert verb("evaluate", folder, "--json", "--no-baselines", "--set", "beams=3") == 0
    assert json.loads(capsys.readouterr().out)["wer"]["value"] < 0.2
    assert verb("predict", folder, str(sounds[0]), str(sounds[1])) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert verb("predict", folder, str(data / "test"), "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(line["input"]).name for line in lines] == [path.name for path in sounds]
    out = tmp_path / "out.csv"
    assert verb("predict", folder, str(data / "test" / "metadata.csv"), "--out", str(out)) == 0
    table = pl.read_csv(out)
    assert table["output"].to_list() == [line["output"] for line in lines]
    capsys.readouterr()
    assert verb("look", folder, str(sounds[0]), "--out", str(tmp_path / "look.html")) == 0
    assert "data:image/png" in (tmp_path / "look.html").read_text()
    assert verb("faithful", folder, "--examples", "2", "--method", "raw", "--json") == 0


def verb(*words: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return int(done.value.code or 0)


def test_a_mistake_is_said_in_one_line(trained: af.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb("predict", str(trained.folder), "nowhere.wav") == 2
    assert "there is no file nowhere.wav" in capsys.readouterr().err
    assert verb("train", NAME, "--data", "nowhere", "--out", str(tmp_path / "run")) == 2
    assert "no file, folder or named data set" in capsys.readouterr().err


# Looking


def test_attention_is_on_seconds(trained: af.Run) -> None:
    samples = sound("AB C", np.random.default_rng(7))
    prediction = trained.predict(samples)
    assert prediction.output == "AB C"
    record = prediction.attention
    axis = record.axes["frames"][0]
    assert axis.labels[:2] == ("0.00 s", "0.04 s")
    assert axis.spans is not None
    assert axis.spans[-1] is not None
    assert axis.spans[-1][1] == pytest.approx(len(samples) / RATE, abs=0.011)
    assert (axis.preview or "").startswith("data:image/png;base64,")
    assert record.axes["text"][0].labels == ("A", "B", "\u2581", "C", "</s>")
    assert {(site.role, site.queries, site.keys) for site in record} == {
        ("self", "frames", "frames"),
        ("self", "text", "text"),
        ("cross", "text", "frames"),
    }


def test_the_attention_of_each_letter_lies_on_its_tone(classic: af.Run, trained: af.Run) -> None:
    for run in (classic, trained):
        (cross,) = run.record(sound("AB C", np.random.default_rng(7))).select(role="cross")
        assert cross.weights.shape[2] >= 1
        np.testing.assert_allclose(cross.weights.sum(-1), 1, atol=1e-5)


def test_what_is_recorded_while_predicting_is_the_replay(trained: af.Run, classic: af.Run) -> None:
    sounds = [sound(text, np.random.default_rng(i)) for i, text in enumerate(["AB C", "D", "E AA"])]
    for run in (trained, classic):
        for rows, predictions, record in run.predict_recorded(sounds):
            for at, row in enumerate(rows):
                alone = run.record_of(sounds[row], predictions[at])
                for site in alone:
                    own = record.example(at)[site.name].weights
                    np.testing.assert_allclose(own, site.weights, atol=1e-5)


def test_taking_the_sound_away_makes_its_text_unlikely(trained: af.Run) -> None:
    samples = sound("A B", np.random.default_rng(3))
    example, prediction = trained.task.example(samples), trained.predict(samples)
    n = len(prediction.attention.axes["frames"][0])
    kept = np.ones((3, n), bool)
    kept[1] = False
    kept[2, : n // 2] = False
    with torch.inference_mode():
        whole, nothing, half = trained.task.rescore(trained.model, example, prediction, kept).tolist()
    assert whole > half > nothing - 1e-6 or whole > nothing


def test_silence_gives_an_answer_with_a_record(trained: af.Run) -> None:
    prediction = trained.predict(np.zeros(RATE, np.float32))
    assert isinstance(prediction.output, str)
    assert prediction.attention.axes["text"][0].labels[-1] == "</s>"


def test_special_units_are_never_written(trained: af.Run) -> None:
    predictions = trained.predict([np.random.default_rng(i).normal(0, 0.3, RATE).astype(np.float32) for i in range(4)])
    assert all(unit >= len(SPECIAL) for one in predictions for unit in one.raw)
    assert set("".join(one.output for one in predictions)) <= set(LETTERS + " ")


def test_features_that_come_typed_need_a_model_of_features(trained: af.Run) -> None:
    with pytest.raises(DataError, match="the model reads sounds"):
        trained.predict(np.zeros((10, 16), np.float32))
    assert isinstance(Held(Frames(np.zeros((1, 1)))).load(), Frames)
