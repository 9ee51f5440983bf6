"""Tables: what is read, what is written, and every way in which a file can be wrong."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.errors import DataError, UserError
from attentionflow.readers.table import read_frame, read_table, table_kind, write_table

NAMES = ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.tsv.gz", "t.jsonl.gz", "t.parquet"]


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


CELLS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\n",\t水 #'), max_size=20)


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), name=st.sampled_from(NAMES))
def test_what_is_written_is_read(rows: list[tuple[str, str]], name: str) -> None:
    columns = {"a": [row[0] for row in rows], "b c": [row[1] for row in rows]}
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / name, columns)
        table = read_table(Path(folder) / name, ["b c", "a"])
        assert [path.name for path in Path(folder).iterdir()] == [name]
    assert table.columns == columns
    assert list(table.rows) == list(range(1, len(rows) + 1))
    assert len(table) == len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_figures_come_as_text(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, {"a": [1, 20], "b": [True, False], "c": [0.5, None]})
    table = read_table(tmp_path / name, ["a", "b", "c"])
    assert table.columns == {"a": ["1", "20"], "b": ["true", "false"], "c": ["0.5", ""]}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_inside_cells_and_blank_lines_at_the_end(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, ending.join(["\ufeffa,b", '"x\ny",1', "z,2", "", ""]))
    table = read_table(path, ["a", "b"])
    assert table.columns == {"a": ["x\ny", "z"], "b": ["1", "2"]}
    assert list(table.rows) == [1, 2]


def test_jsonl_rows_are_lines(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, '{"a":"x"}\n\n{"a":null,"b":1}\n{"b":2}\n', "t.jsonl"), ["a"])
    assert table.columns == {"a": ["x", "", ""]}
    assert list(table.rows) == [1, 3, 4]


def test_empty_cells_are_no_fault(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, 'a,b\n,\n"",""\n'), ["a", "b"]).columns == {"a": ["", ""], "b": ["", ""]}
    assert read_table(written(tmp_path, "a\nx\n\ny\n"), ["a"]).columns == {"a": ["x", "", "y"]}


@pytest.mark.parametrize("name", NAMES)
def test_missing_column(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, {"sources": ["x"], "target": ["y"]})
    with pytest.raises(
        DataError, match=rf"{name}: there is no column 'source': did you mean 'sources'\?.*target\. Do it"
    ):
        read_table(tmp_path / name, ["target", "source"], remedy="Do it")


def test_column_twice(tmp_path: Path) -> None:
    path = written(tmp_path, "a,a,b\n1,2,3\n")
    assert read_table(path, ["b"]).columns == {"b": ["3"]}
    with pytest.raises(DataError, match="'a' is there twice"):
        read_table(path, ["a"])


@pytest.mark.parametrize(
    ("content", "row", "message"),
    [
        ("a,b\n1,2\n3\n", 2, "1 cells where the header has 2"),
        ("a,b\n1,2\n3,4,5\n", 2, "3 cells where the header has 2"),
        ('a,b\n"1\n",2\n\n5,6\n', 2, "0 cells where the header has 2"),
        ('a,b\n1,2\n"3,4\n5,6\n', 2, "quotation marks do not match"),
        ('a,b\n1,2\n"3" or so,4\n', 2, "quotation marks do not match"),
    ],
)
def test_ragged_or_badly_quoted_rows(tmp_path: Path, content: str, row: int, message: str) -> None:
    for name, text in (("t.csv", content), ("t.tsv", content.replace(",", "\t")), ("t.csv.gz", content)):
        with pytest.raises(DataError, match=rf"row {row}: .*{message}") as caught:
            read_table(written(tmp_path, text, name), ["a"])
        assert caught.value.row == row


def test_badly_quoted_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="header cannot be read"):
        read_table(written(tmp_path, '"a" x,b\n1,2\n'), ["a"])


@pytest.mark.parametrize(
    ("line", "message"),
    [('{"a": ', "this is no JSON "), ("[1]", "no JSON object"), ('{"a":"x"} {"a":"y"}', "no JSON ")],
)
def test_broken_json_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"row 3: .*{message}"):
        read_table(written(tmp_path, f'{{"a":"x"}}\n\n{line}\n', "t.jsonl"), ["a"])


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz"])
def test_not_utf8(tmp_path: Path, name: str) -> None:
    content = '{"a": 1}\n{"a": "ö"}\n' if "jsonl" in name else "a\nx\nö\n"
    with pytest.raises(DataError, match=r"byte 0xf6 .* is not UTF-8.*iconv"):
        read_table(written(tmp_path, content.encode("latin-1"), name), ["a"])


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_header_alone(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_table(written(tmp_path, "a\n", name), ["a"])


def test_blank_jsonl(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_table(written(tmp_path, "\n\n", "t.jsonl"), ["a"])


def test_empty_missing_damaged(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="file is empty"):
        read_table(written(tmp_path, ""), ["a"])
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "u.csv", ["a"])
    (tmp_path / "v.csv.gz").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match="damaged"):
        read_table(tmp_path / "v.csv.gz", ["a"])
    with pytest.raises(DataError, match="cannot be read"):
        read_table(written(tmp_path, "no parquet", "t.parquet"), ["a"])


def test_parquet_of_bytes(tmp_path: Path) -> None:
    pl.DataFrame({"a": [b"\xff"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "t.parquet", ["a"])


def test_kind_is_told_by_the_name(tmp_path: Path) -> None:
    assert [table_kind(name) for name in ("A.CSV", "a.tsv.gz", "csv", "a.txt", "a.parquet.gz")] == [
        ".csv",
        ".tsv",
        None,
        None,
        None,
    ]
    with pytest.raises(UserError, match=r"must end in \.csv"):
        read_table(tmp_path / "a.txt", ["a"])
    with pytest.raises(UserError, match=r"must end in \.csv"):
        write_table(tmp_path / "a.txt", {"a": ["x"]})


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a\nold\n")

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("attentionflow.readers.table.os.replace", fails)
    with pytest.raises(OSError, match="disk full"):
        write_table(path, {"a": ["new"]})
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "a\nold\n"


def test_write_makes_the_folder_and_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("one.csv.gz", "two.csv.gz"):
        write_table(tmp_path / "new" / name, {"a": ["x"]})
    first, second = (tmp_path / "new" / name for name in ("one.csv.gz", "two.csv.gz"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_all_columns_are_read_where_none_are_named(tmp_path: Path, name: str) -> None:
    columns = {"a": ["1", ""], "b": ["x", "y"]}
    write_table(tmp_path / name, columns)
    frame, rows = read_frame(tmp_path / name)
    assert frame.to_dict(as_series=False) == columns
    assert list(rows) == [1, 2]


def test_a_fault_among_all_columns_has_its_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2: this is no JSON"):
        read_frame(written(tmp_path, '{"a": 1}\nx\n', "t.jsonl"))
    with pytest.raises(DataError, match="'a' is there twice"):
        read_frame(written(tmp_path, "a,a\n1,2\n"))
