"""Summarisation: it learns to copy, it resumes, its record shows what is copied, and bad input is named."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from summary_data import QUICK, SIZES, chat, write_chats

import attentionflow as af
from attentionflow import cli
from attentionflow.errors import DataError
from attentionflow.readers.pairs import Pair
from attentionflow.readers.table import read_table, write_table
from attentionflow.tasks._simple_summaries import first, longest, utterances
from attentionflow.tasks.summarisation import Summarisation, SummarisationSettings


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chats(tmp_path_factory.mktemp("chats"))


def train(chats: Path, out: Path, architecture: str = "transformer", **settings: Any) -> af.Run:
    chosen = QUICK | SIZES[architecture] | settings
    return af.train(
        "summarisation", chats, out=out, architecture=architecture, settings=chosen, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def run(chats: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(chats, tmp_path_factory.mktemp("runs") / "run")


# Learning


def test_it_learns_to_copy(run: af.Run) -> None:
    found = run.evaluate("test")
    best = max(scores["rougeL"].value for scores in found["baselines"].values())
    assert found["metrics"]["rougeL"].value > 90 > 1.5 * best


def test_what_it_copies_stands_where_it_looks(run: af.Run) -> None:
    draw, hits = random.Random(5), []
    for _ in range(10):
        text, summary = chat(draw)
        prediction = run.predict(text)
        if prediction.output != summary:
            continue
        record = prediction.attention
        weights = record["pointer"].weights[0, 0]
        source, target = record.axes["source"][0], record.axes["target"][0]
        thing = summary.removesuffix(".").split()[-1]
        row = target.labels.index(thing)
        hits.append(source.labels[int(weights[row].argmax())] == thing)
    assert len(hits) >= 5
    assert np.mean(hits) > 0.8


def test_classic_learns_and_both_its_losses_fall(chats: Path, tmp_path: Path) -> None:
    run = train(chats, tmp_path / "run", "classic", log_every=10)
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line for line in lines if "coverage" in line]
    assert losses[-1]["nats"] < 0.6 * losses[0]["nats"]
    assert losses[-1]["coverage"] < losses[0]["coverage"]
    assert [site.name for site in run.record(chat(random.Random(1))[0])] == ["attention"]


def test_classic_without_coverage_has_one_loss(chats: Path, tmp_path: Path) -> None:
    run = train(chats, tmp_path / "run", "classic", coverage=0.0, steps=2, log_every=1)
    assert "coverage" not in (run.folder / "log.jsonl").read_text("utf-8")


# Text


def test_case_and_line_ends_come_back() -> None:
    task = Summarisation(SummarisationSettings(vocabulary=400))
    pairs = [Pair("Ann: hi\nBob: hello", "Ann greets Bob.\nBob greets Ann.", "")] * 3
    task.learn(pairs)
    (ids,) = task.vocabulary.encode([pairs[0].target])
    (text,) = task.vocabulary.decode([ids])
    assert text == "ann greets bob. \n bob greets ann."
    assert task.finished(text, pairs[0]) == pairs[0].target


def test_a_cased_model_keeps_no_table_of_case(chats: Path, tmp_path: Path) -> None:
    run = train(chats, tmp_path / "run", lowercase=False, steps=2)
    assert not (run.folder / "letter_case.json").exists()
    assert af.load(run.folder).predict("A11: please bring tea, B22").output is not None


def test_long_texts_are_cut_and_long_summaries_left_out_and_both_are_said() -> None:
    task = Summarisation(SummarisationSettings(vocabulary=400, max_source=6, max_target=4))
    pairs = [
        Pair("a b c", "a b", "t:1"),
        Pair("a b c a b c a b c", "a", "t:2"),
        Pair("a b", "a b c a b", "t:3"),
        Pair("", "a", "t:4"),
    ]
    task.learn(pairs)
    encoded, notes = task.prepare(pairs, training=True)
    assert encoded.rows.tolist() == [0, 1]
    assert [len(source) for source in encoded.sources] == [4, 6]
    assert notes == [
        "1 pairs with an empty side are left out of training: t:4",
        "1 pairs with a summary of more than max_target=4 tokens are left out of training: t:3",
        "1 pairs with a text of more than max_source=6 tokens have its end cut off: t:2",
    ]
    encoded, notes = task.prepare(pairs, training=False)
    assert encoded.rows.tolist() == [0, 1, 2, 3]
    assert len(notes) == 1


def test_options_of_the_search(run: af.Run) -> None:
    text = "A11: please bring tea, B22\nB22: fine"
    assert len(run.predict(text, shortest=20).raw) >= 20
    assert run.predict(text, temperature=0.5, seed=3) == run.predict(text, temperature=0.5, seed=3)
    tokens = run.predict(text, shortest=30, no_repeat=2, beams=1).raw
    pairs = list(pairwise(tokens))
    assert len(set(pairs)) == len(pairs)
    assert run.predict("").output == ""


# Files


@pytest.mark.parametrize("names", [("source", "target"), ("document", "summary"), ("article", "highlights")])
def test_columns_are_found_by_their_usual_names(tmp_path: Path, names: tuple[str, str]) -> None:
    write_table(tmp_path / "t.jsonl", {"id": ["1"] * 9, names[0]: list("abcdefghi"), names[1]: list("ABCDEFGHI")})
    splits, _ = Summarisation(SummarisationSettings(held_out=0.2)).read(str(tmp_path / "t.jsonl"), 0)
    assert {pair.target for split in splits.values() for pair in split} == set("ABCDEFGHI")


def test_unusual_columns_must_be_named(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", {"chat": ["a"] * 3, "abstract": ["b"] * 3})
    with pytest.raises(DataError, match=r"no column 'source'.*--set source=NAME"):
        Summarisation(SummarisationSettings()).read(str(tmp_path / "t.csv"), 0)


def test_parallel_files_of_texts_and_summaries(tmp_path: Path) -> None:
    for side in ("document", "summary"):
        (tmp_path / f"train.{side}").write_text("".join(f"{side} {i}\n" for i in range(20)), encoding="utf-8")
    splits, notes = Summarisation(SummarisationSettings(held_out=0.1)).read(str(tmp_path), 0)
    assert splits["train"][0].source.startswith("document")
    assert splits["train"][0].target.startswith("summary")
    assert len(notes) == 2


def test_a_text_file_is_one_text_and_a_table_one_a_row(run: af.Run, tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text("A11: please bring tea, B22\nB22: fine\n", encoding="utf-8")
    (one,) = run.task.read_inputs(tmp_path / "chat.txt")
    assert one.source == "A11: please bring tea, B22\nB22: fine"
    write_table(tmp_path / "chats.csv", {"dialogue": [one.source, "B: tea"]})
    assert [pair.source for pair in run.task.read_inputs(tmp_path / "chats.csv")] == [one.source, "B: tea"]


def test_the_command_line_reads_and_writes(
    run: af.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(tmp_path / "in.csv", {"dialogue": ["A11: please bring tea, B22", "C33: please bring fish, D44"]})
    with pytest.raises(SystemExit, match="0"):
        cli.main(["predict", str(run.folder), str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")])
    assert read_table(tmp_path / "out.csv", ["output"]).columns["output"] == [
        run.predict(text).output for text in ("A11: please bring tea, B22", "C33: please bring fish, D44")
    ]
    text = "A11: please bring tea, B22\nB22: fine"
    with (tmp_path / "stdin").open("w+", encoding="utf-8") as file:
        file.write(text)
        file.seek(0)
        monkeypatch.setattr("sys.stdin", file)
        with pytest.raises(SystemExit, match="0"):
            cli.main(["predict", str(run.folder), "--json"])
    assert json.loads(capsys.readouterr().out)["input"] == text


def test_what_is_no_text_is_refused(run: af.Run) -> None:
    with pytest.raises(TypeError, match="a text to summarise must be a string, got int"):
        run.predict(3)


# Simple summaries


def test_turns_and_sentences() -> None:
    assert utterances("Ann: hi. there\nBob: hello\n\n: odd") == ["Ann: hi. there", "Bob: hello", ": odd"]
    assert utterances("One. Two!\nThree") == ["One.", "Two!", "Three"]
    assert utterances("小李：你好。\n小王：再见。") == ["小李：你好。", "小王：再见。"]
    assert utterances("今天下雨。我们不去了！") == ["今天下雨。", "我们不去了！"]
    assert first("One. Two. Three. Four.", 3) == "One.\nTwo.\nThree."
    assert longest("A long one. B. A longer one. Cc. Mid.", 2) == "A long one.\nA longer one."
    assert first("", 3) == longest("", 3) == ""
