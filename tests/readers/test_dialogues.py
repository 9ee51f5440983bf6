"""Dialogues from every kind of file, what is wrong with them, and exchanges made of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import DataError, UserError
from attentionflow.readers.dialogue_checks import check_dialogues
from attentionflow.readers.dialogues import (
    Dialogue,
    Exchanges,
    Turn,
    dialogues_of,
    fill_splits,
    read_dialogues,
    read_file,
    read_turns,
)

SAID = (Turn("user", "Hello , Ben ."), Turn("bot", "你好。"), Turn("user", "At 10:30 ?"))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def lines(*objects: Any) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)


def messages() -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.text} for turn in SAID]


def rows() -> dict[str, list[str]]:
    return {
        "dialogue_id": ["a"] * 3,
        "role": [turn.role for turn in SAID],
        "text": [turn.text for turn in SAID],
        "turn": ["1", "2", "3"],
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", lines({"messages": messages()})),
        ("a.jsonl", lines({"turns": [{"role": turn.role, "text": f" {turn.text} "} for turn in SAID]})),
        ("a.jsonl", lines(*({"dialogue_id": "a", "role": turn.role, "text": turn.text} for turn in SAID))),
        ("a.csv", "dialogue_id,role,text,turn\na,bot,你好。,2\na,user,At 10:30 ?,3\na,user,\"Hello , Ben .\",1\n"),
        ("a.tsv", "dialogue_id\ttext\trole\na\tHello , Ben .\tuser\na\t你好。\tbot\na\tAt 10:30 ?\tuser\n"),
        ("a.txt", "user: Hello , Ben .\nbot：你好。\nuser: At 10:30 ?\n"),
    ],
)  # fmt: skip
def test_the_same_dialogue_from_every_kind_of_file(tmp_path: Path, name: str, text: str) -> None:
    (found,) = read_file(written(tmp_path / name, text))
    assert found.turns == SAID
    assert found.where.startswith(f"{name}:")
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_file(packed)[0].turns == SAID


def test_parquet(tmp_path: Path) -> None:
    pl.DataFrame(rows()).write_parquet(tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet")[0].turns == SAID


def test_turns_without_roles_are_spoken_by_two_in_turn(tmp_path: Path) -> None:
    expected = (Turn("A", "one"), Turn("B", "two"), Turn("A", "three"))
    for name, text in (
        ("a.jsonl", lines({"turns": ["one", "two", "three"]})),
        ("a.txt", "one __eou__ two __eou__ three __eou__\n"),
        ("b.txt", "one __eou__ two __eou__ three\n"),
        ("c.txt", "one\ntwo\nthree\n\n\none\ntwo\nthree"),
        ("a.csv", "dialogue_id,text\n1,one\n1,two\n1,three\n"),
    ):
        found = read_file(written(tmp_path / name, text))
        assert all(one.turns == expected for one in found), name
    assert [one.where for one in read_file(tmp_path / "c.txt")] == ["c.txt:1", "c.txt:6"]


def test_a_line_without_a_name_goes_on_with_the_turn_before(tmp_path: Path) -> None:
    (found,) = read_file(written(tmp_path / "a.txt", "Ann: first\nand more\nBen: see http://x.org\n"))
    assert found.turns == (Turn("Ann", "first\nand more"), Turn("Ben", "see http://x.org"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", "{oops\n", "a.jsonl, row 1: this is no JSON"),
        ("a.jsonl", lines({"turns": ["a"]}) + "[]\n", "a.jsonl, row 2: this is no JSON object"),
        ("a.jsonl", lines({"turn": ["a"]}), "no turns or messages: did you mean 'turn'"),
        ("a.jsonl", lines({"turns": []}), "turns must be a list of turns, at least one"),
        ("a.jsonl", lines({"turns": "a"}), "must be a list"),
        ("a.jsonl", lines({"turns": ["a", 3]}), "turn 2 must be a text or an object, got int"),
        ("a.jsonl", lines({"messages": [{"role": "bot", "content": None}]}), "turn 1 needs content or text"),
        ("a.csv", "dialogue,text\na,b\n", "no column 'dialogue_id': did you mean 'dialogue'"),
        ("a.csv", "dialogue_id,text,turn\na,b,first\n", "a.csv, row 1: the turn 'first' is no number"),
        (
            "a.txt",
            "Ann: hello\nBen: hello\n\nhello again\nhello\n",
            "a.txt, row 4: this dialogue begins without a name",
        ),
        ("a.doc", "Ann: hello", "holds no dialogues: its name must end in"),
        ("a.txt", "\n\n", "there is no dialogue in it"),
    ],
)
def test_what_is_no_dialogue_is_named_with_its_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        read_file(written(tmp_path / name, text))


def test_a_folder_has_splits_under_their_usual_names(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        written(tmp_path / f"{name}.txt", f"Ann: {name}\nBen: yes\n")
    written(tmp_path / "notes.txt", "nothing")
    splits = read_dialogues(tmp_path)
    assert {name: one[0].turns[0].text for name, one in splits.items()} == {
        "train": "train",
        "val": "dev",
        "test": "test",
    }
    written(tmp_path / "valid.jsonl", lines({"turns": ["a"]}))
    with pytest.raises(UserError, match=r"'val' twice, as dev\.txt and valid\.jsonl"):
        read_dialogues(tmp_path)
    (tmp_path / "valid.jsonl").unlink()
    (tmp_path / "train.txt").unlink()
    with pytest.raises(UserError, match="no training dialogues"):
        read_dialogues(tmp_path)


def test_held_out_dialogues_are_never_in_training_too() -> None:
    train = [Dialogue((Turn("A", f"text {i // 2}"), Turn("B", "yes")), f"a:{i}") for i in range(100)]
    splits, notes = fill_splits({"train": train}, 0.1, 0)
    assert len(notes) == 2
    assert sum(map(len, splits.values())) == 100
    texts = [{one.turns[0].text for one in splits[name]} for name in ("train", "val", "test")]
    assert not texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2]


# Exchanges


def dialogues(*lengths: int) -> list[Dialogue]:
    return [
        Dialogue(tuple(Turn("AB"[i % 2], f"d{n} t{i}") for i in range(length)), f"f:{n}")
        for n, length in enumerate(lengths)
    ]


def test_every_turn_but_the_first_is_a_reply() -> None:
    found = Exchanges(dialogues(3, 1, 2), every=True)
    assert [(len(one.history), one.reply, one.role, one.where) for one in found] == [
        (1, "d0 t1", "B", "f:0 turn 2"),
        (2, "d0 t2", "A", "f:0 turn 3"),
        (1, "d2 t1", "B", "f:2 turn 2"),
    ]
    assert found.silent == ["f:1"]
    assert [one.reply for one in Exchanges(dialogues(4, 2), every=True, role="A")] == ["d0 t2"]


def test_for_training_a_dialogue_is_one_example() -> None:
    found = Exchanges(dialogues(3, 1, 4), every=False)
    assert [one.turns for one in found] == [one.turns for one in dialogues(3, 1, 4)]
    assert [one.reply for one in Exchanges(dialogues(3, 1, 4), every=False, role="B")] == ["d0 t1", "d1 t0", "d2 t3"]


@given(st.lists(st.integers(2, 6), min_size=1, max_size=5), st.booleans())
def test_dialogues_come_back_from_their_exchanges(lengths: list[int], every: bool) -> None:
    made = dialogues(*lengths)
    exchanges = Exchanges(made, every)
    assert [one.turns for one in dialogues_of(list(exchanges))] == [one.turns for one in made]
    assert dialogues_of(exchanges) == made


# As typed


def test_turns_as_typed() -> None:
    assert read_turns("Hello: there") == (Turn("A", "Hello: there"),)
    assert read_turns("one __eou__ two __eou__", ("user", "bot")) == (Turn("user", "one"), Turn("bot", "two"))
    assert read_turns("Ann: one\nBen: two") == (Turn("Ann", "one"), Turn("Ben", "two"))
    assert read_turns(("one", {"role": "x", "text": "two"})) == (Turn("A", "one"), Turn("x", "two"))
    assert read_turns({"messages": messages()}) == SAID
    assert read_turns("") == ()
    for wrong in (3, {"text": "a"}, (3,)):
        with pytest.raises(TypeError):
            read_turns(wrong)


# Checks


def found(splits: dict[str, list[Dialogue]], role: str | None = None) -> dict[str, tuple[str, int]]:
    return {one.what: (one.severity, one.count) for one in check_dialogues(splits, role)}


def test_every_fault_is_found_with_its_place() -> None:
    good = Dialogue((Turn("A", "Hello you"), Turn("B", "Hello")), "t:1")
    bad = Dialogue((Turn("A", "x" * 2001), Turn("A", ""), Turn("", "lost \ufffd"), Turn("B", "bell \x07")), "t:2")
    alone = Dialogue((Turn("A", "alone"),), "t:3")
    same = Dialogue((Turn("A", "hello, you!"), Turn("B", "hello")), "t:4")
    other = Dialogue((Turn("A", "Hello you"), Turn("C", "Hello")), "v:1")
    findings = check_dialogues({"train": [good, bad, alone, same], "val": [other], "test": []})
    told = {one.what.split(": ")[-1]: one for one in findings}
    assert told["no dialogues"].severity == "error"
    expected = {
        "an empty turn": ("t:2 turn 2",),
        "no name of a role": ("t:2 turn 3",),
        "one turn alone, so there is nothing to reply to": ("t:3",),
        "two turns of one role in a row": ("t:2 turn 2",),
        "a turn of over 2,000 characters": ("t:2 turn 1",),
        "the replacement character U+FFFD": ("t:2 turn 3",),
        "control characters": ("t:2 turn 4",),
        "the same as an earlier one": ("t:4",),
        "the dialogue is in train too": ("v:1",),
        "a role that is not in train": ("v:1",),
    }
    assert {what: one.where for what, one in told.items() if what in expected} == expected
    assert any("turns by role: A 5, B 3" in one.what for one in findings)


def test_a_role_that_nobody_has_is_an_error() -> None:
    splits = {"train": dialogues(3, 2)}
    assert not any(severity == "error" for severity, _ in found(splits, "A").values())
    faults = [one for one in check_dialogues(splits, "assistant") if one.severity == "error"]
    assert "no turn is spoken by 'assistant'" in faults[0].what
    assert "There are: A, B" in faults[0].remedy


def test_damaged_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"Ann: hello\nBen: f\xfcr\n")
    with pytest.raises(DataError, match="row 2"):
        read_file(tmp_path / "a.txt")
