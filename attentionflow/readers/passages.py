"""Running text of any size, cut into passages that are read when asked for.

`read_passages` reads one text file, a table with a column of texts, or a folder of such files; each also gzipped.
Files are mapped, never loaded whole.
"""

from __future__ import annotations

import gzip
import mmap
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.one_by_one import OneByOne
from attentionflow.readers.splits import CANONICAL, ORDER, fill_missing
from attentionflow.readers.table import read_table, table_kind
from attentionflow.readers.text import BOM, Lines, checked_path, not_utf8

BLOCK = 1 << 20  # bytes that are read together where all are needed
MOST_HELD_OUT = {"val": 200_000, "test": 1_000_000}  # bytes, where a split is cut off the end of train
BLANKS = b" \n\t\r"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of running text behind what stands before it; None where the text is still to be written.

    where: "input.txt:byte 4096".
    """

    before: str
    text: str | None
    where: str


class Source:
    """The bytes of a text file, mapped; a .gz file is unpacked into a temporary file first."""

    def __init__(self, path: str | Path) -> None:
        self.path = checked_path(path)
        self.content: bytes | mmap.mmap
        if self.path.suffix == ".gz":
            self.content = _unpacked(self.path)
        else:
            with open(self.path, "rb") as file:
                self.content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.first = len(BOM) if self.content[: len(BOM)] == BOM else 0
        if len(self.content) == self.first:
            raise DataError("the file holds no text", file=self.path, remedy="Check how it was written")

    @property
    def name(self) -> str:
        return self.path.name

    def __len__(self) -> int:
        return len(self.content)

    def text(self, start: int, stop: int) -> str:
        """DataError with line and position for bytes that are no UTF-8."""
        try:
            return self.content[start:stop].decode()
        except UnicodeDecodeError as fault:
            at = start + fault.start
            line = self.content.rfind(b"\n", 0, at) + 1
            row = sum(self.content[a : min(a + BLOCK, line)].count(b"\n") for a in range(0, line, BLOCK)) + 1
            end = at + fault.end - fault.start
            local = UnicodeDecodeError("utf-8", self.content[line:end], at - line, end - line, fault.reason)
            raise not_utf8(self.path, row, local, self.content[:2]) from fault

    def boundary(self, at: int, reach: int, blanks: bool) -> int:
        """The first place from `at` on where a character begins; a blank, where there is one in reach and `blanks`."""
        near = self.content[at : at + reach]
        if blanks and (found := [i for blank in BLANKS if (i := near.find(blank)) >= 0]):
            return at + min(found)
        return at + next((i for i, byte in enumerate(near) if byte & 0xC0 != 0x80), len(near))


class TextSource(Source):
    """A text that is there already."""

    def __init__(self, name: str, text: str) -> None:
        self.path, self.first, self.content = Path(name), 0, text.encode()


def table_source(path: Path, column: str) -> TextSource:
    """The texts of a table's column, one after the other, each as a line of its own."""
    texts = read_table(path, [column], remedy="Name the column of texts: --set column=...").columns[column]
    return TextSource(str(path), "".join(f"{text}\n" for text in texts))


@dataclass(frozen=True)
class Cut:
    """How text is cut: into passages of about so many bytes, between characters or, where `blanks`, between words.
    behind: how many of the passages before one stand before it."""

    size: int
    blanks: bool
    behind: int


Part = tuple[Source, int, int]


class Passages(OneByOne[Passage]):
    """Passages of some parts of sources, each from one byte to another, in order. Slices are lists."""

    def __init__(self, parts: Sequence[Part], cut: Cut) -> None:
        self.parts, self.cut = list(parts), cut
        counts = [max(1, round((stop - start) / cut.size)) for _, start, stop in self.parts]
        self._firsts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def one(self, at: int) -> Passage:
        part = int(np.searchsorted(self._firsts, at, side="right")) - 1
        number, (source, _, _) = at - int(self._firsts[part]), self.parts[part]
        start, stop = self._edge(part, number), self._edge(part, number + 1)
        before = self._edge(part, max(0, number - self.cut.behind))
        where = f"{source.name}:byte {start}"
        return Passage(source.text(before, start), source.text(start, stop), where)

    def blocks(self) -> Iterator[str]:
        """All of the text, many passages at a time."""
        step = max(1, BLOCK // self.cut.size)
        for part, (source, _, _) in enumerate(self.parts):
            count = int(self._firsts[part + 1] - self._firsts[part])
            for number in range(0, count, step):
                yield source.text(self._edge(part, number), self._edge(part, min(count, number + step)))

    @cached_property
    def nbytes(self) -> int:
        return sum(stop - start for _, start, stop in self.parts)

    def split(self, held: int) -> tuple[Passages, Passages]:
        """All but about the last `held` bytes, and those; cut at the end of a line where there is one near."""
        left, kept, last = self.nbytes - held, [], []
        for source, start, stop in self.parts:
            size = stop - start
            if size <= left:
                kept.append((source, start, stop))
            elif left <= 0:
                last.append((source, start, stop))
            else:
                at = start + left
                line = source.content.find(b"\n", at, min(stop - 1, at + 1000)) + 1
                at = line or source.boundary(at, 4, False)
                kept.append((source, start, at))
                last.append((source, at, stop))
            left -= size
        return Passages(kept, self.cut), Passages(last, self.cut)

    def _edge(self, part: int, number: int) -> int:
        """The byte at which a passage of a part begins."""
        source, start, stop = self.parts[part]
        at = start + number * self.cut.size
        if number == 0 or at >= stop or number == self._firsts[part + 1] - self._firsts[part]:
            return start if number == 0 else stop
        return min(stop, source.boundary(at, self.cut.size // 2, self.cut.blanks))


def blocks(examples: Sequence[Passage]) -> Iterator[str]:
    """The text of passages, many at a time where they follow one another."""
    if isinstance(examples, Passages):
        yield from examples.blocks()
    else:
        yield from (passage.text or "" for passage in examples)


def read_passages(path: str | Path, column: str, cut: Cut) -> dict[str, Passages]:
    """The splits of a file or folder, by name: "train" first, then those that files are named after.

    A folder with train.txt may hold val.txt (valid, validation, dev) and test.txt beside it; in any other, all text
    files are one text, in the order of their names. column: of the texts, in tables.
    """
    path = Path(path)
    if not path.is_dir():
        return {"train": _passages([path], column, cut)}
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    named: dict[str, Path] = {}
    for file in files:
        split = CANONICAL.get(_stem(file), _stem(file))
        if split in ORDER and (table_kind(file) or _is_text(file)):
            if split in named:
                raise UserError(f"{path} holds the {split} split twice: {named[split].name} and {file.name}; leave one")
            named[split] = file
    if "train" in named:
        return {split: _passages([named[split]], column, cut) for split in ORDER if split in named}
    if named:
        raise UserError(f"{path} has {', '.join(file.name for file in named.values())} but no train.txt beside it")
    if texts := [file for file in files if _is_text(file)]:
        return {"train": _passages(texts, column, cut)}
    found = ", ".join(file.name for file in files[:10]) or "nothing"
    raise UserError(f"{path} holds no text: it needs train.txt, or text files (.txt, .txt.gz, .md); it holds {found}")


def hold_out_end(splits: Mapping[str, Passages], share: float, seed: int) -> tuple[dict[str, Passages], list[str]]:
    """The splits with test and val, cut off the end of train where they are missing, and notes that say so."""

    def cut_off(train: Sequence[Passage], name: str) -> tuple[Passages, Passages]:
        assert isinstance(train, Passages)
        return train.split(min(int(train.nbytes * share), MOST_HELD_OUT[name]))

    filled, notes = fill_missing(splits, cut_off, "passages at the end", seed)
    return {name: one for name, one in filled.items() if isinstance(one, Passages)}, notes


def read_prompts(path: Path, column: str) -> list[Passage]:
    """Beginnings to write on from: the lines of a text file, or the column `prompt` or `column` of a table."""
    if table_kind(path):
        try:
            table = read_table(path, ["prompt"])
        except DataError:
            table = read_table(path, [column], remedy=f"Name the column of beginnings prompt or {column}")
        (texts,) = table.columns.values()
        return [Passage(text, None, f"{path.name}:{row}") for text, row in zip(texts, table.rows, strict=True)]
    return [Passage(line, None, f"{path.name}:{row}") for row, line in enumerate(Lines(path), start=1)]


def _passages(files: Iterable[Path], column: str, cut: Cut) -> Passages:
    sources = [table_source(file, column) if table_kind(file) else Source(file) for file in files]
    return Passages([(source, source.first, len(source)) for source in sources], cut)


def _stem(file: Path) -> str:
    return file.name.lower().removesuffix(".gz").rpartition(".")[0]


def _is_text(file: Path) -> bool:
    return file.name.lower().removesuffix(".gz").endswith((".txt", ".text", ".md"))


def _unpacked(path: Path) -> mmap.mmap | bytes:
    with tempfile.TemporaryFile() as file:
        try:
            with gzip.open(path, "rb") as packed:
                shutil.copyfileobj(packed, file, BLOCK)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(
                f"the gzip data is damaged or cut short ({error})",
                file=path,
                remedy="Copy or download the file again, or take .gz off its name if it is not compressed",
            ) from error
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""
