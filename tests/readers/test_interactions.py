"""Interactions from every kind of file, split by leaving the last two actions out; faults are counted and placed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import DataError, UserError
from attentionflow.readers.interaction_checks import check_interactions
from attentionflow.readers.interactions import (
    Histories,
    Interactions,
    arranged,
    leave_one_out,
    read_histories,
    read_interactions,
    read_names,
)

ROWS = [("ann", "a", 3), ("ann", "b", 1), ("bob", "c", 2), ("ann", "c", 2), ("bob", "a", 9), ("bob", "b", 4)]
EXPECTED = {"ann": ["b", "c", "a"], "bob": ["c", "b", "a"]}


def by_user(log: Interactions) -> dict[str, list[str]]:
    at = log.offsets
    return {u: [log.items[c] for c in log.codes[at[i] : at[i + 1]]] for i, u in enumerate(log.users)}


def write(path: Path, text: str) -> Path:
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def as_text(separator: str, header: tuple[str, ...] = ("user", "item", "timestamp")) -> str:
    return "\n".join(separator.join(map(str, row)) for row in [header, *ROWS]) + "\n"


FILES: dict[str, Callable[[], str]] = {
    "a.csv": lambda: as_text(","),
    "a.csv.gz": lambda: as_text(","),
    "a.tsv": lambda: as_text("\t", ("user_id", "item_id", "time")),
    "a.inter": lambda: as_text("\t", ("user_id:token", "item_id:token", "timestamp:float")),
    "a.inter.gz": lambda: as_text("\t", ("user_id:token", "item_id:token", "timestamp:float")),
    "a.jsonl": lambda: "\n".join(f'{{"user": "{u}", "item": "{i}", "timestamp": {t}}}' for u, i, t in ROWS),
    "a.txt": lambda: "ann b\nbob c\nann c\nbob b\nann a\nbob a\n",
    "a.txt.gz": lambda: "ann b\nbob c\nann c\nbob b\nann a\nbob a",
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_actions_in_time_order(name: str, tmp_path: Path) -> None:
    log = read_interactions(write(tmp_path / name, FILES[name]()))
    assert by_user(log) == EXPECTED
    assert not log.faults


def test_parquet(tmp_path: Path) -> None:
    users, items, times = zip(*ROWS, strict=True)
    pl.DataFrame({"user": users, "item": items, "timestamp": times}).write_parquet(tmp_path / "a.parquet")
    assert by_user(read_interactions(tmp_path / "a.parquet")) == EXPECTED


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", as_text(",", ("who", "what", "when")))
    assert by_user(read_interactions(path, user="who", item="what", time="when")) == EXPECTED
    with pytest.raises(DataError, match=r"no column 'user'.*--set user=NAME"):
        read_interactions(path)
    with pytest.raises(DataError, match=r"no column 'wen'.*did you mean 'when'.*--set time=NAME"):
        read_interactions(path, user="who", item="what", time="wen")


def test_dates_are_times_too_and_equal_times_keep_the_order_of_rows(tmp_path: Path) -> None:
    text = "user,item,timestamp\nann,a,2024-03-01T10:00:00Z\nann,b,2024-02-29\nann,c,2024-02-29T00:00:00+00:00\n"
    assert by_user(read_interactions(write(tmp_path / "a.csv", text))) == {"ann": ["b", "c", "a"]}


def test_without_times_the_rows_are_in_order_and_that_is_said(tmp_path: Path) -> None:
    log = read_interactions(write(tmp_path / "a.csv", "user,item\nann,b\nbob,c\nann,a\nann,c\n"))
    assert by_user(log) == {"ann": ["b", "a", "c"], "bob": ["c"]}
    assert "no column of times" in log.notes[0]


def test_rows_that_cannot_be_read_are_left_out_counted_and_placed(tmp_path: Path) -> None:
    text = "user,item,timestamp\nann,a,1\n,a,2\nann,,3\nann,b,\nann,b,soon\nann,b,nan\nann,c,7\nann,d,8\n"
    log = read_interactions(write(tmp_path / "a.csv", text))
    assert by_user(log) == {"ann": ["a", "c", "d"]}
    assert [(fault.count, fault.where) for fault in log.faults] == [
        (1, ("a.csv:2",)),
        (1, ("a.csv:3",)),
        (1, ("a.csv:4",)),
        (2, ("a.csv:5", "a.csv:6")),
    ]
    _, notes = leave_one_out(log)
    assert "2 of 8 rows have a 'timestamp' that is no number and no date; they are left out: a.csv:5, a.csv:6" in notes


def test_low_ratings_are_left_out_and_counted(tmp_path: Path) -> None:
    text = "user,item,timestamp,rating\nann,a,1,5\nann,b,2,1.5\nann,c,3,good\nann,d,4,4\n"
    log = read_interactions(write(tmp_path / "a.csv", text), least_rating=4)
    assert by_user(log) == {"ann": ["a", "d"]}
    assert log.notes == ("1 of 4 rows are rated below least_rating=4: left out",)
    assert log.faults[0].where == ("a.csv:3",)
    with pytest.raises(DataError, match="no column 'rating'"):
        read_interactions(write(tmp_path / "b.csv", "user,item\nann,a\n"), least_rating=1)


def test_a_folder_holds_interactions_and_names(tmp_path: Path) -> None:
    write(tmp_path / "games.inter", FILES["a.inter"]())
    write(tmp_path / "games.item", "item_id:token\ttitle:token_seq\na\tAda's Game\nb\t\n")
    log = read_interactions(tmp_path)
    assert by_user(log) == EXPECTED
    assert log.names == {"a": "Ada's Game"}
    write(tmp_path / "interactions.csv", FILES["a.csv"]())
    with pytest.raises(UserError, match=r"several files of interactions: games\.inter, interactions\.csv"):
        read_interactions(tmp_path)


def test_names_are_a_table_of_items(tmp_path: Path) -> None:
    path = write(tmp_path / "n.csv", 'item,name\na,"Ada, the game"\n')
    assert read_names(path) == {"a": "Ada, the game"}
    with pytest.raises(DataError, match="no column 'name'"):
        read_names(write(tmp_path / "m.csv", "item,label\na,b\n"))
    with pytest.raises(UserError, match="no table of names"):
        read_names(write(tmp_path / "n.txt", "a b\n"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "ann a\nann\n", r"a\.txt, row 2: 1 words where a user and an item are needed"),
        ("a.txt", "ann a 5\n", "row 1: 3 words"),
        ("a.txt", "", "the file is empty"),
        ("a.csv", "user,item,timestamp\nann,a,never\n", "no row is left"),
        ("a.csv", "user,item,timestamp\n", "has no rows"),
        ("a.csv", "user,item,timestamp\nann,a\n", "2 cells where the header has 3"),
    ],
)
def test_files_that_cannot_be_read_are_named(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_interactions(write(tmp_path / name, text))


def test_a_text_file_has_no_columns_to_choose(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no columns that could be chosen \(who\)"):
        read_interactions(write(tmp_path / "a.txt", "ann a\n"), user="who")


def test_an_empty_folder_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no interactions: it needs interactions\.csv.*it holds nothing"):
        read_interactions(tmp_path)


# Leaving out


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=60))
def test_the_last_action_is_for_test_and_the_one_before_for_val(rows: list[tuple[int, int]]) -> None:
    log = arranged("x", [f"u{user}" for user, _ in rows], [f"i{item}" for _, item in rows])
    whole = {u: [f"i{i}" for v, i in rows if f"u{v}" == u] for u in dict.fromkeys(f"u{v}" for v, _ in rows)}
    if all(len(items) < 3 for items in whole.values()):
        with pytest.raises(UserError, match="no user has 3 actions"):
            leave_one_out(log)
        return
    splits, notes = leave_one_out(log)
    scored = {user: items for user, items in whole.items() if len(items) >= 3}
    assert {one.user: list(one.whole) for one in splits["test"]} == scored
    assert {one.user: list(one.whole) for one in splits["val"]} == {u: items[:-1] for u, items in scored.items()}
    train = {user: items[:-2] if len(items) >= 3 else items for user, items in whole.items()}
    assert {one.user: list(one.whole) for one in splits["train"]} == train
    assert any("fewer than 3 actions" in note for note in notes) == (len(scored) < len(whole))


def test_histories_are_made_when_asked_for_and_say_where_they_end(tmp_path: Path) -> None:
    log = read_interactions(write(tmp_path / "a.csv", FILES["a.csv"]()))
    splits, _ = leave_one_out(log)
    test = splits["test"]
    assert isinstance(test, Histories)
    assert (test[0].items, test[0].target, test[0].user, test[0].where) == (("b", "c"), "a", "ann", "a.csv:1")
    assert test[-1].user == "bob"
    assert [one.user for one in test[1:]] == ["bob"]
    assert splits["train"][0].items == ()


# Inputs to predict for


def test_histories_to_go_on_from(tmp_path: Path) -> None:
    lines = read_histories(write(tmp_path / "h.txt", "a b c\n\nc\n"))
    assert [one.items for one in lines] == [("a", "b", "c"), (), ("c",)]
    assert [one.where for one in lines] == ["h.txt:1", "h.txt:2", "h.txt:3"]
    table = read_histories(write(tmp_path / "h.csv", FILES["a.csv"]()))
    assert {one.user: list(one.items) for one in table} == EXPECTED
    assert all(one.target is None for one in table)
    with pytest.raises(DataError, match=r"1 of 1 rows|no row is left"):
        read_histories(write(tmp_path / "b.csv", "user,item,timestamp\nann,a,soon\n"))
    with pytest.raises(DataError, match=r"h2\.csv: 1 of 2 rows have a 'timestamp'.*h2\.csv:2"):
        read_histories(write(tmp_path / "h2.csv", "user,item,timestamp\nann,a,1\nann,b,soon\n"))


# Looking over


def test_data_check_finds_each_fault(tmp_path: Path) -> None:
    rows = [
        *("ann,a,1", "ann,a,1", "ann,b,2", "ann,c,2", "ann,a,9"),  # a repeated row, a tie, an item taken again
        *("bob,a,1", "bob,b,2", "bob,c,3", "bob,z,4"),  # z is in test alone
        *("cid,a,1", "dan,a,1", "dan,q,x"),
    ]
    log = read_interactions(write(tmp_path / "a.csv", "\n".join(["user,item,timestamp", *rows]) + "\n"))
    splits, _ = leave_one_out(log)
    found = {finding.what: finding for finding in check_interactions(splits)}
    severities = [finding.severity for finding in found.values()]
    assert severities == sorted(severities, key=("error", "warning", "info").index)

    def only(part: str) -> tuple[str, int, tuple[str, ...]]:
        (finding,) = [finding for what, finding in found.items() if part in what]
        return finding.severity, finding.count, finding.where

    assert only("no number and no date") == ("error", 1, ("a.csv:12",))
    assert only("repeat the user, item and time") == ("warning", 1, ("a.csv:2",))
    assert only("take an item again") == ("info", 1, ("a.csv:5",))
    assert only("time of the user's action before") == ("warning", 2, ("a.csv:2", "a.csv:4"))
    assert only("users have one action") == ("info", 2, ("cid", "dan"))
    assert only("fewer than 3 actions") == ("info", 2, ("cid", "dan"))
    assert only("items occur once") == ("info", 1, ("z",))
    assert only("test target") == ("warning", 1, ("a.csv:9",))
    assert only("11 actions, ")[0] == "info"
    assert only("test: 2 users")[1] == 2


def test_tidy_data_have_nothing_to_mend() -> None:
    users = np.repeat([f"u{i}" for i in range(9)], 4)
    log = arranged("x", users.tolist(), [f"i{(k + k // 4) % 4}" for k in range(36)], np.arange(36.0))
    assert {finding.severity for finding in check_interactions(leave_one_out(log)[0])} == {"info"}
