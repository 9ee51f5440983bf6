"""Sentences as trees: every phrase with its label, and what is said about a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from attentionflow.errors import DataError
from attentionflow.readers.sentiment_trees import read_tree, read_tree_splits, tree_files

TREE = "(3 (2 It) (4 (2 's) (4 (3 lovely) (2 -RRB-))))"


def test_every_phrase_has_its_label() -> None:
    assert read_tree(TREE, Path("t"), 1) == [
        ("It", "2"),
        ("'s", "2"),
        ("lovely", "3"),
        (")", "2"),
        ("lovely )", "4"),
        ("'s lovely )", "4"),
        ("It 's lovely )", "3"),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("(3 (2 It)", "a bracket is not closed"),
        ("(3)", "holds no word"),
        ("(3 a) b", "outside of all brackets"),
        ("(3 a) (2 b)", "must begin"),
        ("((2 a))", "must begin"),
        ("3 a", "outside"),
    ],
)
def test_a_broken_tree_is_named(line: str, problem: str) -> None:
    with pytest.raises(DataError, match=rf"t, row 7: .*{problem}"):
        read_tree(line, Path("t"), 7)


def test_phrases_are_learned_from_and_sentences_are_judged(tmp_path: Path) -> None:
    for name in ("train.txt", "dev.txt"):
        (tmp_path / name).write_text(f"{TREE}\n\n{TREE}\n", encoding="utf-8")
    files = tree_files(tmp_path)
    assert list(files) == ["train", "val"]
    splits = read_tree_splits(files, phrases=True)
    assert [one.part for one in splits["train"]] == [False, *[True] * 6, False]
    assert [one.text for one in splits["val"]] == ["It 's lovely )"] * 2
    assert splits["train"][-1].where == "train.txt:3"
    assert len(read_tree_splits(files, phrases=False)["train"]) == 2


def test_other_files_are_no_trees(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("no tree\n", encoding="utf-8")
    assert tree_files(tmp_path) == {}
    assert tree_files(tmp_path / "train.txt") == {}
    (tmp_path / "train.txt").write_text("(1 a)\n", encoding="utf-8")
    assert tree_files(tmp_path / "train.txt") == {"train": tmp_path / "train.txt"}
