"""Sentences as trees whose phrases have labels, (3 (2 It) (4 (2 's) (4 great))), one a line (Socher et al. 2013)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attentionflow.errors import DataError
from attentionflow.readers.labelled_texts import LabelledText
from attentionflow.readers.splits import CANONICAL, ORDER
from attentionflow.readers.text import Lines

_PART = re.compile(r"\(|\)|[^\s()]+")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def tree_files(path: Path) -> dict[str, Path]:
    """Split -> file: of a folder with train.txt and perhaps val.txt and test.txt, or of one file, with "(" in front."""
    if path.is_file():
        return {"train": path} if _is_text(path) and _begins(path) else {}
    found = {}
    for file in sorted(path.iterdir()) if path.is_dir() else ():
        split = CANONICAL.get(file.name.split(".")[0], file.name.split(".")[0])
        if split in ORDER and _is_text(file) and _begins(file):
            found[split] = file
    return {split: found[split] for split in ORDER if split in found} if "train" in found else {}


def read_tree_splits(files: Mapping[str, Path], phrases: bool) -> dict[str, list[LabelledText]]:
    """phrases: with those of training sentences, each with its own label; the same phrase and label counts once."""
    splits = {}
    for split, file in files.items():
        found: list[LabelledText] = []
        seen: set[tuple[str, str]] = set()
        for row, line in enumerate(Lines(file), start=1):
            if not line.strip():
                continue
            where = f"{file.name}:{row}"
            *below, (text, label) = read_tree(line, file, row)
            found.append(LabelledText(text, (label,), where))
            for one in below if phrases and split == "train" else ():
                if one not in seen:
                    seen.add(one)
                    found.append(LabelledText(one[0], (one[1],), where, part=True))
        splits[split] = found
    return splits


def read_tree(line: str, file: Path, row: int) -> list[tuple[str, str]]:
    """(text, label) of every phrase, the whole sentence last."""
    found: list[tuple[str, str]] = []
    open_: list[tuple[str, list[str]]] = []  # label and words of each phrase that is not closed yet
    parts: Iterator[str] = iter(_PART.findall(line))
    for part in parts:
        if part == "(":
            label = next(parts, "")
            if label in ("", "(", ")") or (found and not open_):
                raise _wrong("a phrase must begin with ( and its label", file, row)
            open_.append((label, []))
        elif not open_:
            raise _wrong(f"{part!r} is outside of all brackets", file, row)
        elif part == ")":
            label, words = open_.pop()
            if not words:
                raise _wrong("a phrase holds no word", file, row)
            found.append((" ".join(words), label))
            if open_:
                open_[-1][1].extend(words)
        else:
            open_[-1][1].append(_BRACKETS.get(part, part.replace("\\/", "/")))
    if open_ or not found:
        raise _wrong("a bracket is not closed" if open_ else "there is no tree", file, row)
    return found


def _wrong(problem: str, file: Path, row: int) -> DataError:
    return DataError(problem, file=file, row=row, remedy="A tree is (LABEL word) or (LABEL tree tree ...), one a line")


def _is_text(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith((".txt", ".txt.gz", ".ptb", ".ptb.gz"))


def _begins(path: Path) -> bool:
    return Lines(path)[0].lstrip().startswith("(")
