"""Texts with labels: every layout that people's data come in, and what is said about the others."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from attentionflow.errors import DataError, UserError
from attentionflow.readers.labelled_texts import (
    LabelledText,
    fill_splits,
    hold_out,
    one_label,
    read_inputs,
    read_texts,
    several_labels,
)

ROWS = [("a good film", "pos"), ("a dull film", "neg"), ("好电影", "pos")]


def read(path: Path) -> dict[str, list[LabelledText]]:
    return read_texts(path, "text", "label", one_label)


def plain(texts: list[LabelledText]) -> list[tuple[str, str]]:
    return [(one.text, (one.labels or ("",))[0]) for one in texts]


@pytest.mark.parametrize("name", ["train.csv", "train.tsv", "train.jsonl", "train.csv.gz"])
def test_a_table(tmp_path: Path, name: str) -> None:
    if "jsonl" in name:
        content = "".join(json.dumps({"text": t, "label": label}, ensure_ascii=False) + "\n" for t, label in ROWS)
    else:
        between = "\t" if "tsv" in name else ","
        content = f"text{between}label\n" + "".join(f"{text}{between}{label}\n" for text, label in ROWS)
    data = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    found = read(tmp_path / name)
    assert list(found) == ["train"]
    assert plain(found["train"]) == ROWS
    assert found["train"][1].where == f"{name}:2"
    assert plain(read(tmp_path)["train"]) == ROWS


def test_a_cell_may_hold_line_ends(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,label\n"one\ntwo",a\nthree,b\n', encoding="utf-8")
    assert plain(read(tmp_path / "t.csv")["train"]) == [("one\ntwo", "a"), ("three", "b")]


def test_a_folder_of_tables_by_split(tmp_path: Path) -> None:
    for name in ("train.csv", "dev.csv", "test.csv", "notes.csv"):
        (tmp_path / name).write_text(f"text,label\nof {name},x\n", encoding="utf-8")
    assert {split: plain(texts) for split, texts in read(tmp_path).items()} == {
        "train": [("of train.csv", "x")],
        "val": [("of dev.csv", "x")],
        "test": [("of test.csv", "x")],
    }


def write_folders(folder: Path) -> None:
    for label, texts in (("pos", ["good\nfilm", "nice"]), ("neg", ["dull"])):
        (folder / label).mkdir(parents=True)
        for i, text in enumerate(texts):
            (folder / label / f"{i}.txt").write_text(text, encoding="utf-8")


def test_a_folder_a_label(tmp_path: Path) -> None:
    write_folders(tmp_path)
    found = read(tmp_path)
    assert list(found) == ["train"]
    assert plain(found["train"]) == [("dull", "neg"), ("good\nfilm", "pos"), ("nice", "pos")]
    assert found["train"][0].where == "neg/0.txt"


def test_a_folder_a_label_below_every_split(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_folders(tmp_path / split)
    assert list(read(tmp_path)) == ["train", "val"]


def test_several_labels_of_a_cell() -> None:
    assert several_labels("b | a|b") == ("a", "b")
    assert several_labels('["x", "y|z"]') == ("x", "y|z")
    assert several_labels("") == several_labels("[]") == ()
    with pytest.raises(UserError, match="begin like a JSON list"):
        several_labels("[a, b]")


def test_a_list_of_labels_in_jsonl(tmp_path: Path) -> None:
    rows = [{"text": "one", "label": ["b", "a"]}, {"text": "two", "label": []}, {"text": "three", "label": ["a"]}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = read_texts(tmp_path / "t.jsonl", "text", "label", several_labels)["train"]
    assert [one.labels for one in found] == [("a", "b"), (), ("a",)]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no training texts: it needs a table .* it holds nothing"):
        read(tmp_path / "empty")
    (tmp_path / "t.csv").write_text("words,label\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no column 'text'.*--set text=NAME"):
        read(tmp_path / "t.csv")
    (tmp_path / "t.md").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="no table"):
        read(tmp_path / "t.md")
    (tmp_path / "bad.csv").write_text("text,label\nwell,a\nbad,[1\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 2: the labels"):
        read_texts(tmp_path / "bad.csv", "text", "label", several_labels)
    both = tmp_path / "both"
    write_folders(both / "train")
    (both / "train.csv").write_text("text,label\na,b\n", encoding="utf-8")
    with pytest.raises(UserError, match="leave one there"):
        read(both)
    (tmp_path / "flat" / "train").mkdir(parents=True)
    (tmp_path / "flat" / "train" / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="no folder LABEL"):
        read(tmp_path / "flat")


def test_a_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write_folders(tmp_path)
    (tmp_path / "pos" / "0.txt").write_bytes("schön".encode("latin-1"))
    with pytest.raises(DataError, match=r"0\.txt, row 1: byte 0xf6.*iconv"):
        read(tmp_path)


def test_inputs_without_labels(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    (tmp_path / "t.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    assert [one.text for one in read_inputs(tmp_path / "t.csv", "text")] == ["one", "two"]
    assert [(one.text, one.where) for one in read_inputs(tmp_path / "t.txt", "text")][1:] == [
        ("", "t.txt:2"),
        ("two", "t.txt:3"),
    ]
    write_folders(tmp_path / "folder")
    assert [one.text for one in read_inputs(tmp_path / "folder" / "pos", "text")] == ["good\nfilm", "nice"]
    with pytest.raises(UserError, match=r"holds no \.txt file"):
        read_inputs(tmp_path / "folder", "text")


def many(count: int = 200) -> list[LabelledText]:
    """Label a is three times as frequent as b; c has one text; the last text of a is there twice; one is a phrase."""
    texts = [LabelledText(f"text {i}", ("b" if i % 4 == 0 else "a",), f"t:{i}") for i in range(count)]
    more = [LabelledText("lonely", ("c",), "t:c"), LabelledText(texts[-1].text, ("a",), "t:again")]
    return [*texts, *more, LabelledText("phrase", ("a",), "t:p", part=True)]


def test_holding_out_keeps_shares_and_is_a_function_of_the_seed() -> None:
    stay, held = hold_out(many(), 0.1, 1000, 0)
    counts = [sum(one.labels == (label,) for one in held) for label in "abc"]
    assert counts[0] in (15, 16, 17)
    assert counts[1:] == [5, 0]
    assert not {one.text for one in stay} & {one.text for one in held}
    assert not any(one.part for one in held)
    assert len(stay) + len(held) == len(many())
    assert hold_out(many(), 0.1, 1000, 0)[1] == held
    assert hold_out(many(), 0.1, 1000, 1)[1] != held
    assert len(hold_out(many(), 0.4, 20, 0)[1]) <= 22


def test_many_rare_labels_still_give_their_share() -> None:
    texts = [LabelledText(f"text {i}", (f"label {i // 3}",), "") for i in range(300)]
    assert len(hold_out(texts, 0.1, 1000, 0)[1]) == 30


def test_missing_splits_are_held_out_and_said() -> None:
    splits, notes = fill_splits({"train": many()}, 0.1, 0)
    assert list(splits) == ["train", "test", "val"]
    assert [note.split(":")[0] for note in notes] == ["there is no test split", "there is no val split"]
    with pytest.raises(UserError, match="too few to hold some out"):
        fill_splits({"train": many()[:1]}, 0.1, 0)
