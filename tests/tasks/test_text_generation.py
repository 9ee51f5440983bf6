"""The task of text generation: it learns, resumes, writes on, and scores every unit once, whatever is cut where."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command import ended
from killing import killed_after_state
from safetensors.torch import load_file
from text_data import FOLLOWERS, QUICK, write_text

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.readers.passages import Passage
from attentionflow.readers.units import UNKNOWN
from attentionflow.tasks._text_windows import cut_windows
from attentionflow.tasks._writing import Spelling
from attentionflow.tasks.text_generation import TextGeneration, TextGenerationSettings


def train(data: Path, out: Path, architecture: str = "transformer", **settings: Any) -> af.Run:
    return af.train(
        "text-generation",
        data,
        out=out,
        architecture=architecture,
        settings=QUICK[architecture] | settings,
        device="cpu",
        quiet=True,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("data") / "text.txt")


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "classic", "classic")


# Learning


def test_it_learns_and_beats_the_simple_baselines_on_unseen_text(run: af.Run) -> None:
    found = run.evaluate("test")
    own = {name: score.value for name, score in found["metrics"].items()}
    others = {name: scores["nats"].value for name, scores in found["baselines"].items()}
    assert own["nats"] < 0.6 * others["frequency of the units"]
    assert own["nats"] < 1.1 * others["n-grams up to 7 (Kneser-Ney)"]
    assert own["bits_per_character"] == pytest.approx(own["nats"] / math.log(2))
    assert own["perplexity"] == pytest.approx(math.exp(own["nats"]))
    log = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["network"] for line in log if "network" in line]
    assert losses[-1] < losses[0] * 0.5


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.7
    assert not (classic.folder / "counts.safetensors").exists()


def test_what_it_writes_follows_the_rule(run: af.Run) -> None:
    lines = run.predict("\n", length=300, temperature=0.5, seed=1).output.split("\n")[:-1]
    words = [line.split() for line in lines]
    right = [b in FOLLOWERS.get(a, ()) for line in words for a, b in itertools.pairwise(line)]
    assert len(right) > 10
    assert np.mean(right) > 0.8


def test_a_resumed_run_is_the_same_bit_for_bit(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for architecture in ("transformer", "classic"):
        settings = {"steps": 8, "evaluations": 2}
        whole = train(data, tmp_path / f"whole-{architecture}", architecture, **settings)
        out = tmp_path / f"cut-{architecture}"
        with killed_after_state(4, monkeypatch):
            train(data, out, architecture, **settings)
        af.train("text-generation", out=out, resume=True, device="cpu", quiet=True)
        one, other = (load_file(folder / "model.safetensors") for folder in (whole.folder, out))
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert (whole.folder / "log.jsonl").read_text() == (out / "log.jsonl").read_text()


# Scoring


def test_every_unit_is_scored_once_from_half_a_context_at_least(run: af.Run, data: Path) -> None:
    examples = run.task.read(str(data), 0)[0]["test"]
    prepared, _ = run.task.prepare(examples, False)
    scored = 0
    for at in range(len(examples)):
        windows = cut_windows([prepared.text(at)], [prepared.behind[at]], 32)
        assert windows.tokens.shape[1] <= 32
        assert at == 0 or (windows.present.int().argmax(1) >= 16).all()
        scored += int(windows.present.sum())
    assert scored == sum(len(one.text or "") for one in examples)


def test_a_score_does_not_depend_on_how_many_are_scored_together(run: af.Run, data: Path) -> None:
    examples = list(run.task.read(str(data), 0)[0]["test"])[:20]
    together, _ = run.predict_examples(examples, run.options({}))
    for one, prediction in zip(examples, together, strict=True):
        (alone,), _ = run.predict_examples([one], run.options({}))
        assert alone.score == pytest.approx(prediction.score, abs=1e-3)
        assert prediction.output == one.text


@pytest.mark.parametrize("length", [20, 100])
def test_a_text_longer_than_the_context_is_scored_as_it_would_be_written(run: af.Run, length: int) -> None:
    prompt = "the cat sees the dog"
    written = run.predict(prompt, length=length, temperature=0.7, seed=3)
    with torch.no_grad():
        again = run.task.replay(run.model, [run.task.example(prompt)], [written], scored=True)
    assert again.shape == (1, length)
    assert float(again.sum()) == pytest.approx(written.score, abs=1e-2)


def test_unknown_characters_are_counted_and_said(run: af.Run) -> None:
    with pytest.warns(UserWarning, match=r"2 of 9 characters are none of the \d+ that the model has"):
        run.predict("the ☃ ☃ c", length=3)
    (scored,), notes = run.predict_examples([Passage("the ", "cat ☃", "")], run.options({}))
    assert int((scored.raw.units == UNKNOWN).sum()) == 1
    assert "1 of 9 characters" in notes[0]


# Writing


def test_an_answer_does_not_depend_on_its_neighbours(run: af.Run) -> None:
    prompts = ["the cat", "the dog", "a stone\n", "the cat"]
    together = run.predict(prompts, length=40)
    again = run.predict(["stone", *prompts[1:]], length=40)
    assert [one.output for one in together[1:]] == [one.output for one in again[1:]]
    assert together[0].output != together[3].output, "each row has draws of its own"
    assert run.predict(prompts, length=40, seed=1)[0].output != together[0].output


def test_the_likeliest_units_are_written_at_temperature_zero(run: af.Run) -> None:
    one, other = (run.predict("the cat", length=30, temperature=0, seed=seed).output for seed in (0, 1))
    assert one == other
    assert run.predict("the cat", length=30, top_k=1).output == one


def test_a_stop_text_ends_the_writing_and_is_left_out(run: af.Run) -> None:
    found = run.predict("the cat ", length=200, stop=r"\n")
    assert "\n" not in found.output
    assert len(found.output) < 200
    assert found.output == run.predict("the cat ", length=200).output.split("\n")[0]
    assert len(found.raw.units) == len(found.output) + 1, "the stop text was written too"


def test_spelling_holds_back_what_may_stop_and_bytes_that_are_no_character() -> None:
    spelling = Spelling(["END", "\n"])
    assert [spelling.add(raw, False) for raw in (b"a", b"E", b"N", b"x", b"E")] == ["a", "", "", "ENx", ""]
    assert spelling.add(b"ND", False) == ""
    assert spelling.stopped
    spelling = Spelling([])
    raw = "é你".encode()
    assert "".join(spelling.add(raw[i : i + 1], False) for i in range(len(raw))) == "é你"
    assert spelling.add(raw[:1], True) == "\ufffd"
    spelling = Spelling(["END"])
    assert spelling.add(b"an E", False) + spelling.add(b"N", True) == "an EN"


def test_what_streams_is_what_is_predicted(run: af.Run, capsys: pytest.CaptureFixture[str]) -> None:
    options = run.options({"length": 30, "stop": "xyz"})
    pieces, notes = run.stream(run.task.example("the cat"), options)
    assert pieces is not None
    assert notes == []
    parts = list(pieces)
    assert len(parts) == 30
    assert "".join(parts) == run.predict("the cat", length=30).output


def test_a_terminal_gets_the_text_as_it_comes(
    run: af.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["predict", str(run.folder), "the cat " * 8, "--set", "length=20", "--device", "cpu"]
    ended(arguments)
    plain = capsys.readouterr()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ended(arguments)
    assert capsys.readouterr() == plain
    assert "1 beginnings are longer than context=32 characters; of these the model sees the last 16" in plain.err


# Looking


def test_the_record_shows_the_prompt_and_what_was_written(run: af.Run, classic: af.Run) -> None:
    for each in (run, classic):
        found = each.predict("the cat", length=5)
        record = found.attention
        (axis,) = record.axes["text"]
        assert axis.labels == (
            "<s>",
            *(c if c != " " else "␣" for c in ("the cat" + found.output)[:-1].replace("\n", "⏎")),
        )
        assert record.target == tuple(range(7, 12))
        (site, *_) = record.sites
        assert site.weights.shape[2:] == (12, 12)
        assert np.triu(site.weights[0, 0], 1).max() == 0, "nothing looks ahead"


def test_the_record_of_a_long_text_is_put_together_from_its_windows(run: af.Run) -> None:
    record = run.predict("the cat", length=70).attention
    assert any(site.fold is not None for site in record.sites)
    for site in record.unfolded():
        weights = site.weights[0, 0]
        assert weights.shape == (77, 77)
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
        seen = [int((row[1:] > 0).sum()) for row in weights]
        assert max(seen) <= 31
        assert min(seen[40:]) >= 16
    assert af.page(record).html


def test_hiding_what_an_answer_hangs_on_costs_it_most(run: af.Run) -> None:
    example = Passage("the cat", " ", "")
    (prediction,), _ = run.predict_examples([example], run.options({}))
    kept = ~np.eye(8, dtype=bool)
    with torch.no_grad():
        found = run.task.rescore(run.model, example, prediction, np.concatenate([np.ones((1, 8), bool), kept]))
    assert float(found[0] - found[1]) == pytest.approx(0, abs=1e-6), "what every window begins with always stays"
    assert int((found[0] - found[1:]).argmax()) >= 5, "the last letters tell that the word has ended"


def test_faithful_judges_the_flow_of_text(run: af.Run, data: Path) -> None:
    examples = list(run.task.read(str(data), 0)[0]["test"])[1:3]
    found = af.faithful(run, examples, ["raw", "rollout"], draws=20, steps=2, samples=100)
    assert set(found.scores) >= {"raw", "rollout"}


# The verbs


def test_the_verbs_do_their_work(run: af.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["data", "check", "text-generation", str(data)]) == 0
    assert "characters in 700 lines" not in (checked := capsys.readouterr().out)
    assert "train:" in checked
    ended(["predict", str(run.folder), "the cat", "--json", "--set", "length=4", "--device", "cpu"])
    page = json.loads(capsys.readouterr().out)
    assert page["input"] == "the cat"
    assert len(page["output"]) == 4
    (tmp_path / "prompts.csv").write_text("prompt\nthe cat\nthe dog sees\n", encoding="utf-8")
    out = tmp_path / "answers.csv"
    ended(["predict", str(run.folder), str(tmp_path / "prompts.csv"), "--out", str(out), "--set", "length=6"])
    assert out.read_text().startswith("input,output,score\nthe cat,")
    ended(
        [
            "look",
            str(run.folder),
            "the cat",
            "--set",
            "length=4",
            "--method",
            "rollout",
            "--out",
            str(tmp_path / "a.html"),
        ]
    )
    assert "rollout" in (tmp_path / "a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "fault"),
    [("temperature=-1", "greater than or equal to 0"), ("top_p=0", "greater than 0"), ("lenght=3", "length")],
)
def test_a_wrong_option_is_named(run: af.Run, capsys: pytest.CaptureFixture[str], given: str, fault: str) -> None:
    assert ended(["predict", str(run.folder), "the", "--set", given]) == 2
    assert fault in capsys.readouterr().err


def test_other_inputs_are_refused(run: af.Run) -> None:
    with pytest.raises(TypeError, match="must be a string, got int"):
        run.predict(3)
    nothing = run.task.example("the")
    (written,), _ = run.predict_examples([Passage("the", "", "")], run.options({}))
    assert written.score == 0
    with pytest.raises(UserError, match="nothing to look at"):
        run.task.axes([nothing], [written])


@pytest.mark.parametrize("units", ["characters", "bytes", "bpe", "words"])
def test_chinese_works_in_all_units(units: str, tmp_path: Path) -> None:
    lines = ["我 喜欢 吃 苹果 。", "他 不 喜欢 吃 苹果 。", "今天 天气 很 好 ， 我 喜欢 。"] * 40
    (tmp_path / "text.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = {"units": units, "vocabulary": 300, "steps": 4, "evaluations": 1, "ngrams": 3}
    made = train(tmp_path / "text.txt", tmp_path / "run", **given)
    found = made.predict("我 喜欢", length=8)
    assert len(found.raw.units) == 8
    assert found.attention.axes["text"][0].parent is not None
    scores = made.evaluate("test", baselines=True)
    assert np.isfinite(scores["metrics"]["bits_per_character"].value)
    assert all(np.isfinite(each["nats"].value) for each in scores["baselines"].values())


def test_a_training_text_shorter_than_a_window_is_learned_from_whole() -> None:
    task = TextGeneration(TextGenerationSettings(context=64))
    passage = Passage("", "a short text", "")
    task.learn([passage])
    prepared, _ = task.prepare([passage], training=True)
    batch = task.collate(prepared, np.array([0]), seed=0, epoch=0)
    assert batch["answers"].shape == (1, 12)
    assert task.units.decode(batch["answers"][0].tolist()) == "a short text"


def test_an_epoch_holds_every_unit_once_but_near_the_ends(data: Path) -> None:
    task = TextGeneration(TextGenerationSettings(context=32, masked=0.1))
    train = task.read(str(data), 0)[0]["train"]
    task.learn(train)
    prepared, _ = task.prepare(train, training=True)
    for epoch in (0, 1, 2):
        rows = np.concatenate(task.batches(prepared, 5, epoch))
        batch = task.collate(prepared, np.sort(rows), 5, epoch)
        text = task.units.decode(batch["answers"].flatten().tolist())
        whole = task.units.decode(prepared.ids.tolist())
        assert text[64:-64] in whole
        hidden = (batch["tokens"] == UNKNOWN).float().mean()
        assert 0.07 < float(hidden) < 0.13
        again = task.collate(prepared, np.sort(rows), 5, epoch)
        assert torch.equal(batch["tokens"], again["tokens"])
