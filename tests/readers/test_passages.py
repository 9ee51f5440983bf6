"""Passages of running text: together they are the text, whatever its size and wherever it is cut."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.errors import DataError, UserError
from attentionflow.readers import passages
from attentionflow.readers.passages import (
    Cut,
    Passage,
    Passages,
    Source,
    TextSource,
    blocks,
    hold_out_end,
    read_passages,
    read_prompts,
)
from attentionflow.readers.stored import stored

CUT = Cut(16, False, 1)
ANY = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n你好ä🙂"), min_size=1, max_size=300)


def written(folder: Path, name: str, text: str = "One line.\nAnother one, a little longer.\n") -> Path:
    content = text.encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder / name


@settings(max_examples=80, deadline=None)
@given(text=ANY, size=st.integers(8, 40), blanks=st.booleans(), behind=st.integers(1, 3))
def test_passages_make_up_the_text_and_know_what_stands_before_them(
    text: str, size: int, blanks: bool, behind: int
) -> None:
    made = Passages([(source := TextSource("t", text), 0, len(source))], Cut(size, blanks, behind))
    found = list(made)
    assert "".join(one.text or "" for one in found) == text
    assert "".join(blocks(made)) == "".join(blocks(found)) == text
    for at, one in enumerate(found):
        assert one.before == "".join(earlier.text or "" for earlier in found[max(0, at - behind) : at])
    assert made[-1] == found[-1]
    assert made[1:3] == found[1:3]


@settings(max_examples=60, deadline=None)
@given(text=ANY, held=st.integers(0, 200))
def test_what_is_cut_off_the_end_and_what_stays_are_the_text(text: str, held: int) -> None:
    source = TextSource("t", text)
    half = source.boundary(len(source) // 2, 4, False)
    parts = [part for part in ((source, 0, half), (source, half, len(source))) if part[1] < part[2]]
    kept, last = Passages(parts, CUT).split(held)
    assert "".join(blocks(kept)) + "".join(blocks(last)) == text


def test_passages_end_between_words_where_that_is_wanted() -> None:
    text = "several words of different lengths stand here in a row " * 5
    found = list(Passages([(TextSource("t", text), 0, len(text))], Cut(32, True, 1)))
    assert all((one.text or " ")[0] == " " for one in found[1:])


def test_blocks_hold_many_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "BLOCK", 64)
    text = "0123456789" * 50
    made = Passages([(TextSource("t", text), 0, 500)], CUT)
    parts = list(made.blocks())
    assert "".join(parts) == text
    assert [len(part) for part in parts[:-1]] == [64] * (len(parts) - 1)


@pytest.mark.parametrize("name", ["input.txt", "input.txt.gz"])
def test_a_file_is_mapped_and_its_end_held_out(tmp_path: Path, name: str) -> None:
    lines = "".join(f"this is line {i}\n" for i in range(2000))
    splits = read_passages(written(tmp_path, name, "\ufeff" + lines), "text", CUT)
    assert list(splits) == ["train"]
    assert "".join(blocks(splits["train"])) == lines, "the byte order mark is no text"
    filled, notes = hold_out_end(splits, 0.1, 0)
    assert list(filled) == ["train", "test", "val"]
    assert "".join("".join(blocks(filled[split])) for split in ("train", "val", "test")) == lines
    assert "".join(blocks(filled["test"])).startswith("this is line 1"), "a split begins with a line"
    assert 0.09 < filled["test"].nbytes / len(lines) < 0.11
    assert len(notes) == 2
    assert "passages at the end of train were held out" in notes[0]


def test_splits_have_files_of_their_own_names(tmp_path: Path) -> None:
    for name in ("train.txt", "valid.txt.gz", "test.txt", "notes.pdf"):
        written(tmp_path, name, f"text of {name}\n")
    splits = read_passages(tmp_path, "text", CUT)
    assert list(splits) == ["train", "val", "test"]
    assert "".join(blocks(splits["val"])) == "text of valid.txt.gz\n"
    assert hold_out_end(splits, 0.1, 0)[1] == []


def test_other_files_of_a_folder_are_one_text_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt.gz", "c.md", "d.bin"):
        written(tmp_path, name, f"text of {name}\n")
    splits = read_passages(tmp_path, "text", CUT)
    assert "".join(blocks(splits["train"])) == "text of a.txt.gz\ntext of b.txt\ntext of c.md\n"
    assert {one.where.partition(":")[0] for one in splits["train"]} == {"a.txt.gz", "b.txt", "c.md"}


def test_a_table_gives_the_texts_of_a_column(tmp_path: Path) -> None:
    path = written(tmp_path, "data.csv", 'text,other\n"one, two",x\nthree,y\n')
    assert "".join(blocks(read_passages(path, "text", CUT)["train"])) == "one, two\nthree\n"
    with pytest.raises(DataError, match=r"no column 'story'.*--set column"):
        read_passages(path, "story", CUT)


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no text: it needs train\.txt"):
        read_passages(tmp_path, "text", CUT)
    written(tmp_path, "val.txt")
    with pytest.raises(UserError, match=r"has val.txt but no train.txt beside it"):
        read_passages(tmp_path, "text", CUT)
    written(tmp_path, "dev.txt")
    with pytest.raises(UserError, match=r"the val split twice: dev.txt and val.txt"):
        read_passages(tmp_path, "text", CUT)


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    for content, fault in ((b"", "the file is empty"), (b"\xef\xbb\xbf", "holds no text")):
        (tmp_path / "a.txt").write_bytes(content)
        with pytest.raises(DataError, match=fault):
            Source(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(b"first line\nsecond \xff line\n" + b"x" * 100)
    with pytest.raises(DataError, match=r"(?s)a.txt.*2.*0xff at position 8 of the line is not UTF-8"):
        list(blocks(read_passages(tmp_path / "a.txt", "text", CUT)["train"]))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"text" * 1000)[:-20])
    with pytest.raises(DataError, match="damaged or cut short"):
        Source(tmp_path / "b.txt.gz")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match="holds no text"):
        Source(tmp_path / "c.txt.gz")


def test_prompts_are_lines_or_a_column(tmp_path: Path) -> None:
    path = written(tmp_path, "prompts.txt", "Once upon\n  indented\n")
    assert read_prompts(path, "text") == [
        Passage("Once upon", None, "prompts.txt:1"),
        Passage("  indented", None, "prompts.txt:2"),
    ]
    for column in ("prompt", "text"):
        table = written(tmp_path, "prompts.csv", f"id,{column}\n1,Once\n2,Twice\n")
        assert [one.before for one in read_prompts(table, "text")] == ["Once", "Twice"]
    with pytest.raises(DataError, match="column of beginnings prompt or text"):
        read_prompts(written(tmp_path, "other.csv", "id,x\n1,a\n"), "text")


def test_numbers_are_stored_in_the_least_room_and_mapped() -> None:
    parts = [np.arange(5, dtype=np.uint32), np.zeros(0, np.uint32), np.array([65_535], np.uint32)]
    for largest, size in ((65_535, 2), (65_536, 4)):
        found = stored(iter(parts), largest)
        assert found.dtype.itemsize == size
        assert isinstance(found, np.memmap)
        assert found.tolist() == [0, 1, 2, 3, 4, 65_535]
    assert len(stored([], 10)) == 0


def test_an_unpacked_file_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    source = Source(written(tmp_path, "a.txt.gz", "text " * 1000))
    assert source.text(0, 5) == "text "
    assert list((tmp_path / "tmp").iterdir()) == []
