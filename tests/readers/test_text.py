"""Text files by line: what a line is, and every way in which a file can be wrong."""

from __future__ import annotations

import gzip
import pickle
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import DataError
from attentionflow.readers import text
from attentionflow.readers.text import Lines, read_bytes


def written(folder: Path, content: bytes, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


LETTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\n\r\u2028\u2029\x0b\x0c\x1c\x85\ufeffä水😀")


@given(
    content=st.text(LETTERS, min_size=1).filter(lambda content: content.removeprefix("\ufeff")),
    name=st.sampled_from(["a.txt", "a.gz"]),
)
def test_lines_are_what_stands_between_line_feeds(content: str, name: str) -> None:
    expected = content.removeprefix("\ufeff").removesuffix("\n").split("\n")
    with tempfile.TemporaryDirectory() as folder:
        lines = Lines(written(Path(folder), content.encode(), name))
        assert list(lines) == [line.removesuffix("\r") for line in expected]
        assert lines[:] == list(lines)
        assert lines[-1] == lines[len(lines) - 1]


def test_index_in_chunks_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "\n".join(map(str, range(1000))).encode())
    monkeypatch.setattr(text, "CHUNK", 7)
    assert list(Lines(path)) == [str(i) for i in range(1000)]


def test_index_past_the_end(tmp_path: Path) -> None:
    lines = Lines(written(tmp_path, b"a\nb\n"))
    assert len(lines) == 2
    for index in (2, -3):
        with pytest.raises(IndexError):
            lines[index]


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_pickles_as_its_path(tmp_path: Path, name: str) -> None:
    lines = Lines(written(tmp_path, b"x" * 100_000 + b"\nb", name))
    data = pickle.dumps(lines)
    assert len(data) < 1000
    assert pickle.loads(data)[1] == "b"


@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_byte_that_is_not_utf8(tmp_path: Path, name: str) -> None:
    lines = Lines(written(tmp_path, "gut\nschön\n".encode("latin-1"), name))
    assert lines[0] == "gut"
    with pytest.raises(DataError, match=r"row 2: byte 0xf6 at position 4 of the line.*iconv -f ISO-8859-1") as caught:
        lines[1]
    assert caught.value.row == 2
    assert caught.value.file == tmp_path / name


def test_utf16_is_recognised(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 1: .*iconv -f UTF-16"):
        Lines(written(tmp_path, "hello\n".encode("utf-16")))[0]


def test_gzip_without_its_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Name it a\.txt\.gz"):
        Lines(written(tmp_path, gzip.compress(b"hello")))[0]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        Lines(tmp_path / "a.txt")


def test_missing_file_with_a_twin(tmp_path: Path) -> None:
    written(tmp_path, b"x", "a.txt.gz")
    with pytest.raises(DataError, match=r"Did you mean a\.txt\.gz\?"):
        Lines(tmp_path / "a.txt")
    written(tmp_path, b"x", "b.txt")
    with pytest.raises(DataError, match=r"Did you mean b\.txt\?"):
        Lines(tmp_path / "b.txt.gz")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        Lines(tmp_path)


@pytest.mark.parametrize(("content", "name"), [(b"", "a.txt"), (b"\xef\xbb\xbf", "a.txt"), (b"", "a.gz")])
def test_no_content(tmp_path: Path, content: bytes, name: str) -> None:
    with pytest.raises(DataError, match=r"empty|holds no text"):
        Lines(written(tmp_path, content, name))


@pytest.mark.parametrize("damage", ["short", "flipped", "plain"])
def test_damaged_gzip(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(bytes(range(200)) * 50)
    content = {"short": packed[:-20], "flipped": packed[:30] + b"\xff" * 9 + packed[39:], "plain": b"hello\n"}[damage]
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    for read in (Lines, read_bytes):
        with pytest.raises(DataError, match="damaged or cut short"):
            read(path)


def test_one_empty_line(tmp_path: Path) -> None:
    assert list(Lines(written(tmp_path, b"\n"))) == [""]
