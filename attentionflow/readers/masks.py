"""Masks: pictures whose pixels say which class is there, by a value or by a colour, and the list of the classes.

Classes are counted in the order of their list; pixels that are neither learned nor scored have the number IGNORED.
Letters: H height, W width, K classes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.readers.image import decode_exactly

IGNORED = 255
LISTS = ("classes.txt", "classes.csv")
YES = ("1", "true", "yes", "x")
COLOURS = (("red", "green", "blue"), ("r", "g", "b"))

Code = tuple[int, ...]  # a value, or the three parts of a colour


@dataclass(frozen=True)
class ClassList:
    """Names of the classes that count; codes: how a mask writes each; ignored: codes that are passed over.

    place: the file that lists them.
    """

    names: tuple[str, ...]
    codes: tuple[Code, ...]
    ignored: tuple[Code, ...]
    place: str

    @property
    def coloured(self) -> bool:
        return any(len(code) == 3 for code in (*self.codes, *self.ignored))

    def without(self, names: Sequence[str]) -> ClassList:
        """The list with these classes among those that are passed over."""
        for name in names:
            if name not in self.names:
                raise UserError(f"ignored={name}: {self.place} has no such class; {nearest(name, self.names)}")
        kept = [at for at, name in enumerate(self.names) if name not in names]
        gone = tuple(code for at, code in enumerate(self.codes) if at not in kept)
        return replace(
            self,
            names=tuple(self.names[at] for at in kept),
            codes=tuple(self.codes[at] for at in kept),
            ignored=(*self.ignored, *gone),
        )

    def numbers(self, content: bytes, where: str) -> np.ndarray:
        """(H, W) bytes, the class of every pixel of a mask; DataError for a mask of another kind or an unknown code."""
        return self.of(decode_exactly(content, where, self.coloured), where)

    def of(self, given: np.ndarray, where: str = "") -> np.ndarray:
        """The same of its values (H, W), or colours (H, W, 3)."""
        codes = given @ np.array([1 << 16, 1 << 8, 1]) if self.coloured else given.astype(np.int64)
        known = {_packed(code): number for number, code in enumerate(self.codes)}
        known |= {_packed(code): IGNORED for code in self.ignored if _packed(code) not in known}
        ordered = np.array(sorted(known))
        at = np.searchsorted(ordered, codes).clip(max=len(ordered) - 1)
        if (strange := ordered[at] != codes).any():
            row, column = np.argwhere(strange)[0]
            value = tuple(given[row, column].tolist()) if self.coloured else int(given[row, column])
            raise DataError(
                f"{strange.sum():,} pixels are of no class of {self.place}, the first of them {value} "
                f"in row {row + 1}, column {column + 1}",
                file=where,
                remedy=f"Correct the mask, or add the class; {LISTS[1]} may mark it as ignored",
            )
        return np.array([known[code] for code in ordered.tolist()], np.uint8)[at]


def read_class_list(text: str, name: str, where: str) -> ClassList:
    """classes.txt: a name a line, the first of value 0. classes.csv: name, and value or red, green, blue; perhaps
    ignored. The value 255 is passed over where no class has it."""
    made = _of_lines(text, where) if name.endswith(".txt") else _of_table(text, where)
    for what, given in (("name", made.names), ("code", tuple(map(str, made.codes)))):
        if twice := sorted(one for one in set(given) if given.count(one) > 1):
            raise DataError(f"the {what} {twice[0]} is there twice", file=where, remedy="Give each class its own")
    if not 2 <= len(made.names) < IGNORED:
        what = f"{len(made.names)} classes that count; there must be 2 to {IGNORED - 1}"
        raise DataError(what, file=where, remedy="Pixels that are none of them are a class of their own too")
    return made if made.coloured else replace(made, ignored=(*made.ignored, (IGNORED,)))


def _of_lines(text: str, where: str) -> ClassList:
    names = tuple(line.strip() for line in text.rstrip().splitlines())
    if "" in names:
        row = names.index("") + 1
        raise DataError("this line is empty", file=where, row=row, remedy="Each line is the value of a class")
    return ClassList(names, tuple((value,) for value in range(len(names))), (), where)


def _of_table(text: str, where: str) -> ClassList:
    rows = [
        {str(k).strip().lower(): (v or "").strip() for k, v in row.items()} for row in csv.DictReader(text.splitlines())
    ]
    columns = set(rows[0]) if rows else set()
    coded = next((one for one in (("value",), *COLOURS) if columns.issuperset(one)), None)
    if "name" not in columns or coded is None:
        raise DataError("there must be the columns name, and value or red, green, blue", file=where)
    kept: list[tuple[str, Code]] = []
    ignored: list[Code] = []
    for number, row in enumerate(rows, start=2):
        try:
            code = tuple(int(row[column]) for column in coded)
        except ValueError:
            cells = ", ".join(row[column] for column in coded)
            raise DataError(f"{cells!r} is no code", file=where, row=number, remedy="Give whole numbers") from None
        if min(code) < 0 or max(code) > (255 if len(code) == 3 else 65535):
            raise DataError(f"no mask can hold the code {code}", file=where, row=number)
        if row.get("ignored", "").lower() in YES:
            ignored.append(code)
        else:
            kept.append((row["name"], code))
    return ClassList(tuple(n for n, _ in kept), tuple(c for _, c in kept), tuple(ignored), where)


def counted(numbers: Iterable[np.ndarray], classes: int) -> np.ndarray:
    """(K,) how many pixels of these masks are of each class."""
    total = np.zeros(classes, np.int64)
    for one in numbers:
        total += np.bincount(one[one != IGNORED].ravel(), minlength=classes)
    return total


def _packed(code: Code) -> int:
    return code[0] if len(code) == 1 else (code[0] << 16) + (code[1] << 8) + code[2]
