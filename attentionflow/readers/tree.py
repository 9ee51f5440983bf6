"""The files below a folder or inside a .zip, told apart by nothing but their names."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from attentionflow.errors import DataError, UserError


@dataclass(frozen=True)
class Tree:
    """Names of all files, with "/" between folders, in order; `read` gives the bytes of one, `where` says its place.

    Hidden files, and what a Mac adds to a .zip, are left aside.
    """

    root: Path
    names: tuple[str, ...]
    read: Callable[[str], bytes]

    def where(self, name: str) -> str:
        return f"{self.root.name}/{name}"

    def below(self, folder: str, endings: Iterable[str]) -> list[str]:
        """Files of these endings anywhere below a folder; "" is the root."""
        start = f"{folder}/" if folder else ""
        return [name for name in self.names if name.startswith(start) and name.lower().endswith(tuple(endings))]

    def text(self, name: str) -> str:
        try:
            return self.read(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            remedy = "Save it as UTF-8"
            raise DataError(f"this is no UTF-8 text ({error.reason})", file=self.where(name), remedy=remedy) from None


def open_tree(path: str | Path) -> Tree:
    """A folder, or a .zip, whose one outermost folder may be left out of the names."""
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        names = tuple(name for file in files if _counts(name := file.relative_to(path).as_posix()))
        return Tree(path, names, lambda name: (path / name).read_bytes())
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path} is no folder and no .zip")
    archive = zipfile.ZipFile(path)
    held = sorted(name for name in archive.namelist() if not name.endswith("/") and _counts(name))
    first = {name.split("/")[0] for name in held}
    start = f"{first.pop()}/" if len(first) == 1 and all("/" in name for name in held) else ""

    def read(name: str) -> bytes:
        try:
            return archive.read(start + name)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"cannot be read ({error})", file=f"{path}/{name}", remedy="Pack the .zip again") from None

    return Tree(path, tuple(name.removeprefix(start) for name in held), read)


def _counts(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
