"""Tables of reading times and of marks; and bad ones, one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attentionflow.errors import DataError
from attentionflow.readers.reading import joined, read_readings, split_words

HEADER = "text_id,reader,word_index,word,duration\n"
GOOD = HEADER + "a,r1,0,Good,210\na,r1,1,film,0\na,r1,2,!,\na,r2,0,Good,180\na,r2,1,film,90\na,r2,2,!,\n"


def written(folder: Path, text: str, name: str = "times.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_times_become_a_reading_with_a_row_a_reader(tmp_path: Path) -> None:
    (found,), notes = read_readings(written(tmp_path, GOOD))
    assert found.text == "Good film !"
    assert found.words == ("Good", "film", "!")
    assert found.people == ("r1", "r2")
    assert found.attention[:, :2].tolist() == [[210, 0], [180, 90]]
    assert np.isnan(found.attention[:, 2]).all()
    assert notes == []


def test_who_looked_at_nothing_is_left_out_and_counted(tmp_path: Path) -> None:
    more = "a,r3,0,Good,0\na,r3,1,film,0\nb,r1,0,No,0\nb,r1,1,one,0\n"
    (found,), notes = read_readings(written(tmp_path, GOOD + more))
    assert np.isnan(found.attention[2]).all()
    assert "2 readings in which a person looked at no word are left out (times.csv, text a (r3)" in notes[0]
    assert "1 texts that nobody looked at are left out" in notes[1]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("a,r1,0,Good,-3\n", "row 1: the duration '-3' is negative"),
        ("a,r1,0,Good,long\n", "row 1: the duration 'long' is no number"),
        ("a,r1,0,Good,nan\n", "row 1: the duration 'nan' is no number"),
        ("a,r1,zero,Good,3\n", "row 1: word_index 'zero' is no whole number"),
        ("a,r1,0, ,3\n", "row 1: the word is empty"),
        ("a,r1,0,Good,3\na,r2,0,Bad,3\n", "row 2: word 0 of text 'a' is 'Bad' here and 'Good' above"),
        ("a,r1,0,Good,3\na,r1,0,Good,4\n", "row 2: word 0 of text 'a' is there twice for reader 'r1'"),
        ("a,r1,0,Good,3\na,r1,2,film,4\n", "text 'a' has no word 1"),
        ("a,r1,0,Good,210\na,r2,0,Good,200\na,r3,0,Good,0.2\n", "reader 'r3' has a median duration of 0.2"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, fault: str) -> None:
    with pytest.raises(DataError) as raised:
        read_readings(written(tmp_path, HEADER + rows))
    assert fault in str(raised.value)
    assert "times.csv" in str(raised.value)


def test_marks_as_stretches_of_characters(tmp_path: Path) -> None:
    path = written(tmp_path, 'text,reader,spans\n"A very good film",r1,2-11\n"A very good film",r2,7-11 12-16\n')
    (found,), _ = read_readings(path)
    assert found.attention.tolist() == [[0, 1, 1, 0], [0, 0, 1, 1]]


def test_marks_on_chinese_without_readers(tmp_path: Path) -> None:
    (found,), _ = read_readings(written(tmp_path, "text,spans\n很好看,1-3\n"))
    assert found.words == ("很", "好", "看")
    assert found.attention.tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("spans", ["5", "4-2", "0-99", "a-b"])
def test_a_stretch_outside_the_text_is_named(tmp_path: Path, spans: str) -> None:
    with pytest.raises(DataError, match=r"row 1: .* is no stretch of the text's 4 characters"):
        read_readings(written(tmp_path, f"text,spans\nGood,{spans}\n"))


def test_other_columns_are_told_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Reading times need the columns text_id, reader, word_index, word, duration"):
        read_readings(written(tmp_path, "sentence,ms\na,3\n"))
    with pytest.raises(DataError, match="this is no table"):
        read_readings(written(tmp_path, "x", "times.txt"))


def test_words_and_where_they_stand() -> None:
    text, spans = joined(["a", "bc"])
    assert (text, spans) == ("a bc", ((0, 1), (2, 4)))
    assert split_words(" a  bc 好的") == ((1, 2), (4, 6), (7, 8), (8, 9))


def test_a_number_for_every_word(tmp_path: Path) -> None:
    rows = 'text,reader,importance\n"A very good film",r1,0 0.5 2 1\n"A very good film",r2,0 0 0 0\n'
    (found,), notes = read_readings(written(tmp_path, rows))
    assert found.attention[0].tolist() == [0, 0.5, 2, 1]
    assert np.isnan(found.attention[1]).all()
    assert notes == ["1 readings in which a person looked at no word are left out (times.csv, row 1 (r2))"]


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        ("1 2", "2 numbers for the 3 words of 'A' ..."),
        ("1 -2 0", "importance '1 -2 0' is not all numbers from 0 up"),
        ("1 high 0", "importance '1 high 0' is not all numbers from 0 up"),
    ],
)
def test_importance_that_does_not_fit_is_named(tmp_path: Path, numbers: str, fault: str) -> None:
    with pytest.raises(DataError, match="row 2: ") as raised:
        read_readings(written(tmp_path, f"text,importance\nGood film,1 1\nA good film,{numbers}\n"))
    assert fault in str(raised.value)


def test_a_text_judged_twice_by_one_reader_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2: reader 'r' judged this text twice"):
        read_readings(written(tmp_path, "text,reader,importance\nGood film,r,1 1\nGood film,r,1 2\n"))
