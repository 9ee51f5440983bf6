"""Texts that are to be said: from the command line, text files and tables; and utterances with their speakers."""

from __future__ import annotations

from pathlib import Path

import pytest
from voice_data import write_voices

from attentionflow.errors import DataError, UserError
from attentionflow.readers.scripts import read_scripts, recorded, script
from attentionflow.readers.utterances import read_utterances


def test_a_table_may_name_speakers(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("said\twho\n good  morning \tann\nyes\t\n", encoding="utf-8")
    found = read_scripts(path, "said", "who")
    assert [(one.text, one.speaker, one.where) for one in found] == [
        ("good morning", "ann", "t.tsv:1"),
        ("yes", None, "t.tsv:2"),
    ]
    assert [one.speaker for one in read_scripts(path, "said", "speaker")] == [None, None]
    with pytest.raises(DataError, match=r"t\.tsv.*there is no column 'text'; there are said, who"):
        read_scripts(path, "text", "who")


def test_a_text_file_has_a_text_a_line(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("one\n\n two  three\n", encoding="utf-8")
    assert [(one.text, one.where) for one in read_scripts(path, "text", "")] == [
        ("one", "t.txt:1"),
        ("two three", "t.txt:3"),
    ]
    with pytest.raises(UserError, match="is a folder"):
        read_scripts(tmp_path, "text", "")


def test_what_nobody_has_said_has_no_sound() -> None:
    one = script(" a  b ", "typed", "ann")
    assert (one.text, one.name, one.speaker, recorded(one), one.sound.rate()) == ("a b", "a b", "ann", False, None)
    with pytest.raises(UserError, match="no recording"):
        one.sound.load()


def test_utterances_name_their_speakers_where_the_column_is_there(tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="sounds are files: pip install attentionflow[audio]")
    folder = write_voices(tmp_path / "voices", {"train": 2, "test": 2})
    found = read_utterances(folder, speaker="speaker")
    assert [one.speaker for one in found["train"]] == ["ada", "bob"]
    assert all(map(recorded, found["train"]))
    assert {one.speaker for one in read_utterances(folder)["train"]} == {None}
    assert {one.speaker for one in read_utterances(folder, speaker="reader")["train"]} == {None}
