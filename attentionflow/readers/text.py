"""Text files by line, plain or gzipped: `Lines` reads a line when it is asked for."""

from __future__ import annotations

import gzip
import mmap
import zlib
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.one_by_one import OneByOne

BOM = b"\xef\xbb\xbf"
CHUNK = 1 << 24  # bytes searched for line ends at a time, which bounds the memory that indexing takes


def checked_path(path: str | Path) -> Path:
    """The path of a file that is there; DataError if it is not, or is a folder, or is empty."""
    path = Path(path)
    if path.is_dir():
        raise DataError("is a folder where a file is needed", file=path, remedy="Name one of the files in it")
    if not path.exists():
        twin = path.with_name(path.name.removesuffix(".gz") if path.suffix == ".gz" else path.name + ".gz")
        remedy = f"Did you mean {twin.name}?" if twin.exists() else "Check the path"
        raise DataError("there is no such file", file=path, remedy=remedy)
    if path.stat().st_size == 0:
        raise DataError("the file is empty", file=path, remedy="Check how it was written, or leave it out")
    return path


def read_bytes(path: str | Path) -> bytes:
    """The content of a file without a UTF-8 byte order mark, decompressed if its name ends in .gz."""
    path = checked_path(path)
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(
                f"the gzip data is damaged or cut short ({error})",
                file=path,
                remedy="Copy or download the file again, or take .gz off its name if it is not compressed",
            ) from error
    content = content.removeprefix(BOM)
    if not content:
        raise DataError("the file holds no text", file=path, remedy="Check how it was written, or leave it out")
    return content


def read_text(path: str | Path) -> str:
    """The whole of a UTF-8 file, line ends included."""
    content = read_bytes(path)
    check_utf8(Path(path), content)
    return content.decode()


def not_utf8(path: Path, row: int, fault: UnicodeDecodeError, head: bytes) -> DataError:
    """What to say about a byte that is not UTF-8. `head`: how the file begins, which tells some encodings."""
    if head.startswith(b"\x1f\x8b"):
        return DataError("this is gzip data", file=path, remedy=f"Name it {path.name}.gz, or decompress it")
    encoding = "UTF-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "ISO-8859-1"
    return DataError(
        f"byte 0x{fault.object[fault.start]:02x} at position {fault.start + 1} of the line is not UTF-8",
        file=path,
        row=row,
        remedy=f"Convert the file from its encoding, e.g. iconv -f {encoding} -t UTF-8 OLD > NEW",
    )


def check_utf8(path: Path, content: bytes) -> None:
    """DataError with the line and the position in it if the content is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as fault:
        row = content.count(b"\n", 0, fault.start) + 1
        start = content.rfind(b"\n", 0, fault.start) + 1
        line = UnicodeDecodeError("utf-8", content[start:], fault.start - start, fault.end - start, fault.reason)
        raise not_utf8(path, row, line, content[:2]) from fault


def _line_ends(content: bytes | mmap.mmap) -> np.ndarray:
    """Offsets of every b"\\n", and of the end of a last line that has none. (lines,) int64."""
    data = np.frombuffer(content, dtype=np.uint8)
    found = [np.flatnonzero(data[at : at + CHUNK] == ord("\n")) + at for at in range(0, len(data), CHUNK)]
    if data[-1] != ord("\n"):
        found.append(np.array([len(data)]))
    return np.concatenate(found).astype(np.int64)


class Lines(OneByOne[str]):
    """The lines of a UTF-8 file, decoded when asked for. Slices are lists.

    A line ends at "\\n" alone (never at U+2028, "\\v", "\\x85" ...) or at the file's end; a "\\r" before that is
    dropped, and so is a byte order mark. A plain file is mapped, a .gz file decompressed in memory. It pickles as
    its path.

    Raises DataError for a file that cannot be read, and on access for a line that is not UTF-8.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = checked_path(path)
        self._content: bytes | mmap.mmap
        if self.path.suffix == ".gz":
            self._content = read_bytes(self.path)
            self._first = 0
        else:
            with open(self.path, "rb") as file:
                self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._first = len(BOM) if self._content[: len(BOM)] == BOM else 0
            if len(self._content) == self._first:
                raise DataError("the file holds no text", file=self.path, remedy="Check how it was written")
        self._ends = _line_ends(self._content)

    def __reduce__(self) -> tuple[type[Lines], tuple[Path]]:
        return Lines, (self.path,)

    def __len__(self) -> int:
        return len(self._ends)

    def one(self, row: int) -> str:
        start = self._first if row == 0 else int(self._ends[row - 1]) + 1
        line = self._content[start : int(self._ends[row])].removesuffix(b"\r")
        try:
            return line.decode()
        except UnicodeDecodeError as fault:
            raise not_utf8(self.path, row + 1, fault, self._content[:2]) from fault
