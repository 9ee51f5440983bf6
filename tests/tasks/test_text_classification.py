"""Text classification: it learns, in both architectures; one label and several; every verb; bad inputs one by one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from killing import killed_after_state
from label_data import QUICK, QUICK_CLASSIC, TOPICS, sentences, write_several, write_table
from tiny_encoder import write_encoder

import attentionflow as af
from attentionflow.cli import main
from attentionflow.readers.labelled_texts import LabelledText
from attentionflow.tasks.text_classification import ClassificationSettings, TextClassification

pytest.importorskip("sklearn")


def train(data: Path, out: Path, settings: dict[str, Any], **more: Any) -> af.Run:
    return af.train("text-classification", data, out=out, settings=settings, device="cpu", quiet=True, **more)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("data") / "t.csv")


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(data, tmp_path_factory.mktemp("runs") / "default", QUICK)


def ended(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return stop.value.code


# Learning


def test_the_default_learns(run: af.Run) -> None:
    found = run.evaluate("test")
    guess, machine = found["baselines"].values()
    assert guess["accuracy"].value < 0.6
    assert machine["accuracy"].value > 0.8
    assert found["metrics"]["accuracy"].value > 0.8


def test_without_a_line_it_learns_too(data: Path, tmp_path: Path) -> None:
    found = train(data, tmp_path / "run", QUICK | {"line": False, "learning_rate": 1e-2, "feature_dropout": 0.1})
    assert found.evaluate("test", baselines=False)["metrics"]["accuracy"].value > 0.7


def test_classic_learns_and_is_recorded(data: Path, tmp_path: Path) -> None:
    found = train(data, tmp_path / "run", QUICK_CLASSIC | {"epochs": 8}, architecture="classic")
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [row["nats"] for row in rows if "nats" in row]
    assert losses[-1] < 0.7 * losses[0]
    record = found.predict("the soup was on 3").attention
    assert [(site.role, site.weights.shape) for site in record] == [("pool", (1, 1, 1, 5))]
    assert record.axes["words"][0].labels == ("the", "soup", "was", "on", "3")


@pytest.mark.parametrize(("architecture", "settings"), [("transformer", QUICK), ("classic", QUICK_CLASSIC)])
def test_a_resumed_run_is_the_run_itself(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str, settings: dict[str, Any]
) -> None:
    """The lines that did not see a text are fitted anew."""
    short = settings | {"epochs": 1.0, "evaluations": 2}
    train(data, tmp_path / "whole", short, architecture=architecture)
    rows = map(json.loads, (tmp_path / "whole" / "log.jsonl").read_text(encoding="utf-8").splitlines())
    first = min(row["step"] for row in rows if "val_accuracy" in row)
    with killed_after_state(first, monkeypatch):
        train(data, tmp_path / "cut", short, architecture=architecture)
    af.train("text-classification", out=tmp_path / "cut", resume=True, device="cpu", quiet=True)
    names = ("model.safetensors", "log.jsonl", "labels.json")
    assert all((tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes() for name in names)


def test_a_tuned_encoder_is_predicted_with_from_its_folder_alone(data: Path, tmp_path: Path) -> None:
    encoder = write_encoder(tmp_path / "tiny")
    train(data, tmp_path / "run", {"pretrained": str(encoder), "steps": 3, "evaluations": 1})
    for file in encoder.iterdir():
        file.unlink()
    again = af.load(tmp_path / "run", device="cpu")
    assert again.page["architecture"] == "pretrained"
    prediction = again.predict("the soup was on 3")
    assert prediction.output in TOPICS
    record = prediction.attention
    assert [site.role for site in record] == ["self", "self", "pool"]
    assert record.axes["words"][0].labels[0] == "[CLS]"


def test_the_line_is_fitted_to_validation_texts_once_they_are_scored(data: Path, tmp_path: Path) -> None:
    short = QUICK | {"epochs": 1.0, "evaluations": 1}
    with_val, without = (train(data, tmp_path / f"{refit}", short | {"refit": refit}) for refit in (True, False))
    assert not torch.equal(with_val.model.line, without.model.line)
    assert torch.equal(with_val.model.out.weight, without.model.out.weight)
    pages = [json.loads((run.folder / "metrics.json").read_text(encoding="utf-8")) for run in (with_val, without)]
    assert pages[0] == pages[1], "validation is scored before"
    card = (with_val.folder / "README.md").read_text(encoding="utf-8")
    assert re.search(r"fitted to the \d+ validation texts too", card)


# Answers


def test_probabilities_are_told_the_likeliest_first(run: af.Run) -> None:
    prediction = run.predict("the bill was on 7", k=2)
    told = prediction.details["probabilities"]
    assert len(told) == 2
    assert next(iter(told)) == prediction.output == "money"
    assert list(told.values()) == sorted(told.values(), reverse=True)
    assert np.exp(prediction.score) == pytest.approx(told["money"], abs=1e-5)


def test_several_labels(tmp_path: Path) -> None:
    data = write_several(tmp_path / "t.jsonl")
    found = train(data, tmp_path / "run", QUICK | {"labels": "several"})
    scores = found.evaluate("test")
    guess, machine = scores["baselines"].values()
    assert scores["metrics"]["micro_f1"].value > guess["micro_f1"].value + 0.2
    assert machine["micro_f1"].value > 0.8
    assert scores["pictures"] == []
    both = found.predict("the soup was on 9 and not the bill")
    assert isinstance(both.output, list)
    assert set(both.output) <= set(TOPICS)
    table = found.task.table([both])
    assert table["label"] == ["|".join(both.output)]
    record = found.record("the soup was on 9", gradients=True, target=1)
    assert record.target == 0


def test_temperature_is_fitted_to_validation_and_saved(run: af.Run) -> None:
    task = run.task
    assert task.temperature != 1.0
    assert af.load(run.folder, device="cpu").task.temperature == task.temperature
    val = list(task.read(run.page["data"], run.page["seed"])[0]["val"])
    predictions, _ = run.predict_examples(val, run.options({}))
    before = task.temperature
    task.calibrate(run.model, predictions, val)
    assert task.temperature == pytest.approx(before)  # nothing is left to be done


def test_long_and_empty_and_strange_texts_are_said(run: af.Run) -> None:
    settings = run.task.settings.model_copy(update={"max_words": 5})
    task = TextClassification.load(settings, run.folder)
    examples = [
        LabelledText("one two three four five six", ("food",), "t:1"),
        LabelledText("", ("food",), "t:2"),
        LabelledText("soup", ("strange",), "t:3"),
    ]
    kept, notes = task.prepare(examples, training=True)
    assert kept.rows.tolist() == [0]
    assert [note.split(":")[0] for note in notes] == [
        "1 texts without a word are left out of training",
        "1 texts longer than 5 words are cut",
        "1 texts without a known label are left out of training",
    ]
    assert notes[0].endswith("t:2")
    kept, notes = task.prepare(examples, training=False)
    assert kept.rows.tolist() == [0, 1, 2]
    assert "always counted as wrong: t:3" in notes[2]
    assert len(task.axes(examples[:1], [run.predict("x")])["words"][0]) == 5


def test_an_empty_text_gets_an_answer(run: af.Run) -> None:
    with pytest.warns(UserWarning, match="without a word"):
        assert run.predict("").output in TOPICS
    with pytest.raises(TypeError, match="must be a string"):
        run.predict(3)


# Verbs


def test_every_verb(run: af.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(run.folder)
    assert ended(["data", "check", "text-classification", str(data)]) == 0
    assert ended(["evaluate", folder]) == 0
    assert "confusion-test.svg: a picture" in capsys.readouterr().out.replace("\n", "")
    assert (run.folder / "confusion-test.svg").read_text(encoding="utf-8").startswith("<svg")
    assert ended(["predict", folder, "the soup was on 3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == "food"
    (tmp_path / "in.csv").write_text("text\nthe bed was on 4\nthe refund was on 5\n", encoding="utf-8")
    assert ended(["predict", folder, str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]) == 0
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("text,label,probability,probability of food")
    assert [line.split(",")[1] for line in lines[1:]] == ["room", "money"]
    assert ended(["look", folder, "the soup was on 3", "--method=gradient", "--out", str(tmp_path / "l.html")]) == 0
    assert "soup" in (tmp_path / "l.html").read_text(encoding="utf-8")
    assert ended(["faithful", folder, "--examples", "2", "--method=raw", "--json"]) == 0


# What users get wrong


@pytest.mark.parametrize(
    ("settings", "architecture", "message"),
    [
        ({"shortest_ngram": 5, "longest_ngram": 3}, None, "shortest_ngram=5 is over longest_ngram=3"),
        ({"label": "topic"}, None, "no column 'topic'"),
        ({"labels": "many"}, None, "labels='many'"),
        ({}, "pretrained", "the architecture pretrained needs a setting: --set pretrained="),
        ({"pretrained": "x"}, "classic", "pretrained is for the architecture pretrained, not for classic"),
    ],
)
def test_a_wrong_setting_is_said(
    data: Path, tmp_path: Path, settings: dict[str, Any], architecture: str | None, message: str
) -> None:
    with pytest.raises(af.UserError, match=message):
        train(data, tmp_path / "run", settings, architecture=architecture)


def test_one_label_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\n" + "a text,x\n" * 30 + "b text,x\n" * 9, encoding="utf-8")
    with pytest.raises(af.UserError, match=r"have 1 labels \(x\)|too few"):
        train(tmp_path / "t.csv", tmp_path / "run", {})


def test_data_of_another_task_is_refused() -> None:
    with pytest.raises(af.UserError, match="sst2 is a data set of sentiment"):
        TextClassification(ClassificationSettings()).read("sst2", 0)


def test_sentences_are_what_they_say() -> None:
    assert {topic for _, topic in sentences(50, 0)} == set(TOPICS)
