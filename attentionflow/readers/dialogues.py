"""Dialogues: turns, each spoken in a role.

`read_dialogues` reads a folder with train, val and test, or one file:

    .jsonl                  an object a dialogue: "turns" or "messages", a list of texts, or of objects with "role" and
                            "content" or "text"
    .csv .tsv .parquet      (and .jsonl) a row a turn: dialogue_id, text, and where they are there role and turn
    .txt                    a dialogue a line, with __eou__ after every turn; or a turn a line, "Name: text" or the text
                            alone, with an empty line between dialogues

All but .parquet may be gzipped. Where no turn names a role, two roles speak in turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from attentionflow.errors import DataError, UserError, nearest
from attentionflow.readers.splits import CANONICAL, ORDER, fill_chosen, held_out
from attentionflow.readers.table import TABLES, read_frame, table_kind
from attentionflow.readers.text import Lines, checked_path

ROLES = ("A", "B")  # of turns that name none
LISTS = ("turns", "messages")
TEXTS = ("content", "text")
END_OF_TURN = "__eou__"
MOST_HELD_OUT = 1000
# "Name: text"; after an ASCII colon a blank, so that 10:30 and http:// name nobody.
_NAMED = re.compile(r"\s*(?P<role>[^:：\s][^:：]{0,39}?)\s*(?::(?=\s|$)|：)(?P<text>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Turn:
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """where: "train.jsonl:17", the row that it begins in."""

    turns: tuple[Turn, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was said, and what is said to it. reply: None where it is not known; role: who replies, "" for whose turn
    it is."""

    history: tuple[Turn, ...]
    reply: str | None
    role: str
    where: str

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, the reply with them."""
        return self.history if self.reply is None else (*self.history, Turn(self.role, self.reply))


class Exchanges(Sequence[Exchange]):
    """Replies of dialogues, each with what went before, made when asked for.

    every: each turn but a dialogue's first is a reply; otherwise its last turn alone. role: of this role alone.
    silent: where the dialogues stand that have no reply.
    """

    def __init__(self, dialogues: Sequence[Dialogue], every: bool, role: str | None = None) -> None:
        self.dialogues = dialogues
        self._places = [
            (row, at)
            for row, dialogue in enumerate(dialogues)
            for at in (range(1, len(dialogue.turns)) if every else [_last(dialogue, role)])
            if not every or role in (None, dialogue.turns[at].role)
        ]
        spoken = {row for row, _ in self._places}
        self.silent = [one.where for row, one in enumerate(dialogues) if row not in spoken]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> list[Exchange]: ...
    def __getitem__(self, index: int | slice) -> Exchange | list[Exchange]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        row, at = self._places[index]
        dialogue = self.dialogues[row]
        reply = dialogue.turns[at]
        return Exchange(dialogue.turns[:at], reply.text, reply.role, f"{dialogue.where} turn {at + 1}")


def _last(dialogue: Dialogue, role: str | None) -> int:
    """The last turn of a role; the last of all where it has none."""
    at = len(dialogue.turns) - 1
    return next((i for i in range(at, -1, -1) if role in (None, dialogue.turns[i].role)), at)


def dialogues_of(exchanges: Sequence[Exchange]) -> list[Dialogue]:
    """The dialogues that exchanges are of: those that are not the beginning of the next."""
    if isinstance(exchanges, Exchanges):
        return list(exchanges.dialogues)
    found = [Dialogue(one.turns, one.where.partition(" turn ")[0]) for one in exchanges]
    return [
        one for one, after in zip(found, [*found[1:], None], strict=True) if not (after and _begins(after, one.turns))
    ]


def _begins(dialogue: Dialogue, turns: tuple[Turn, ...]) -> bool:
    return dialogue.turns[: len(turns)] == turns


def read_dialogues(path: str | Path) -> dict[str, list[Dialogue]]:
    """The splits of a folder or file, by name: "train" first. Validation may be called valid, validation, dev."""
    path = Path(path)
    if not path.is_dir():
        return {"train": read_file(checked_path(path))}
    files: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        split = CANONICAL.get(stem := file.name.split(".")[0], stem)
        if split in ORDER and file.is_file() and _kind(file):
            if split in files:
                raise UserError(
                    f"{path} holds {split!r} twice, as {files[split].name} and {file.name}; leave one there"
                )
            files[split] = file
    if "train" not in files:
        there = ", ".join(sorted(file.name for file in path.iterdir())[:10]) or "nothing"
        raise UserError(
            f"{path} has no training dialogues: it needs train.txt or a table train.csv, .tsv, .jsonl or .parquet; it "
            f"holds {there}"
        )
    return {split: read_file(files[split]) for split in ORDER if split in files}


def read_file(path: Path) -> list[Dialogue]:
    kind = _kind(path)
    if kind is None:
        raise UserError(f"{path} holds no dialogues: its name must end in .txt or {', '.join(TABLES)} (.gz is fine)")
    if kind == ".txt":
        found = _of_text(path)
    elif kind == ".jsonl" and (rows := _objects(path)) and not {"dialogue_id", "text"} <= rows[0][1].keys():
        found = [_of_object(path, row, given) for row, given in rows]
    else:
        found = _of_table(path)
    if not found:
        raise DataError("there is no dialogue in it", file=path, remedy="Check how it was written, or leave it out")
    return found


def read_turns(given: Any, names: Sequence[str] = ROLES) -> tuple[Turn, ...]:
    """Turns as typed or given from Python: a text, whose turns end in __eou__ or stand one a line, with or without
    "Name:" before every one; a sequence of texts or of objects; or an object with such a list.

    names: of the roles that speak in turn, where none is named.
    """
    if isinstance(given, str):
        parts = given.split(END_OF_TURN) if END_OF_TURN in given else given.split("\n")
        lines = [part.strip() for part in parts if part.strip()]
        named = [_NAMED.fullmatch(line) for line in lines]
        if len(lines) > 1 and all(named):
            return tuple(Turn(one["role"], one["text"].strip()) for one in named if one)
        return _in_turn(lines, names)
    if isinstance(given, Mapping):
        key = next((key for key in LISTS if key in given), None)
        if key is None:
            raise TypeError(f"a dialogue given as an object needs {' or '.join(LISTS)}; it has {', '.join(given)}")
        given = given[key]
    if not isinstance(given, Sequence):
        raise TypeError(f"a dialogue must be a text or a sequence of turns, got {type(given).__name__}")
    return tuple(_turn(one, at, names) for at, one in enumerate(given))


def fill_splits(
    splits: Mapping[str, Sequence[Dialogue]], share: float, seed: int
) -> tuple[dict[str, Sequence[Dialogue]], list[str]]:
    """The splits with "val" and "test" held out where they are missing, and notes that say so.

    Dialogues of the same words stay together, so none is on both sides.
    """

    def chosen(train: Sequence[Dialogue]) -> np.ndarray:
        keys = ["\n".join(turn.text for turn in dialogue.turns) for dialogue in train]
        return held_out(keys, share, MOST_HELD_OUT, seed, "dialogues")

    return fill_chosen(splits, chosen, "dialogues", seed)


def _kind(path: Path) -> str | None:
    return ".txt" if path.name.lower().removesuffix(".gz").endswith(".txt") else table_kind(path)


def _in_turn(texts: Sequence[str], names: Sequence[str] = ROLES) -> tuple[Turn, ...]:
    return tuple(Turn(names[at % len(names)], text.strip()) for at, text in enumerate(texts))


def _turn(given: Any, at: int, names: Sequence[str] = ROLES) -> Turn:
    """One turn of a list, the one with this number from 0; TypeError for what is none."""
    if isinstance(given, Turn):
        return given
    if isinstance(given, str):
        return Turn(names[at % len(names)], given.strip())
    if not isinstance(given, Mapping):
        raise TypeError(f"turn {at + 1} must be a text or an object, got {type(given).__name__}")
    text = next((given[key] for key in TEXTS if key in given), None)
    role = given.get("role", names[at % len(names)])
    if not isinstance(text, str) or not isinstance(role, str):
        keys = ", ".join(map(str, given)) or "nothing"
        raise TypeError(f"turn {at + 1} needs {' or '.join(TEXTS)}, and role, each a text; it has {keys}")
    return Turn(role.strip(), text.strip())


def _objects(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """Row and object of every line that is not empty."""
    found: list[tuple[int, Mapping[str, Any]]] = []
    for row, line in enumerate(Lines(path), start=1):
        if line.strip():
            try:
                given = json.loads(line)
            except ValueError as error:
                raise DataError(f"this is no JSON ({error})", file=path, row=row, remedy="One object a line") from None
            if not isinstance(given, dict):
                raise DataError("this is no JSON object", file=path, row=row, remedy='One object a line: {"turns": []}')
            found.append((row, given))
    return found


def _of_object(path: Path, row: int, given: Mapping[str, Any]) -> Dialogue:
    remedy = 'Write {"turns": ["text", "text"]} or {"messages": [{"role": "user", "content": "text"}]}'
    key = next((key for key in LISTS if key in given), None)
    if key is None:
        raise DataError(
            f"there is no {' or '.join(LISTS)}: {nearest(LISTS[0], given)}", file=path, row=row, remedy=remedy
        )
    if not isinstance(given[key], list) or not given[key]:
        raise DataError(f"{key} must be a list of turns, at least one", file=path, row=row, remedy=remedy)
    try:
        turns = tuple(_turn(one, at) for at, one in enumerate(given[key]))
    except TypeError as error:
        raise DataError(str(error), file=path, row=row, remedy=remedy) from None
    return Dialogue(turns, f"{path.name}:{row}")


def _of_table(path: Path) -> list[Dialogue]:
    remedy = "A row is a turn, with the columns dialogue_id, text, and if you like role and turn"
    frame, rows = read_frame(path, remedy=remedy)
    for name in ("dialogue_id", "text"):
        if name not in frame.columns:
            raise DataError(f"there is no column {name!r}: {nearest(name, frame.columns)}", file=path, remedy=remedy)
    members: dict[str, list[int]] = {}
    for at, name in enumerate(frame["dialogue_id"].to_list()):
        members.setdefault(name, []).append(at)
    texts: list[str] = frame["text"].to_list()
    roles: list[str] | None = frame["role"].to_list() if "role" in frame.columns else None
    if "turn" in frame.columns:
        numbers = [_number(path, row, cell) for row, cell in zip(rows, frame["turn"].to_list(), strict=True)]
        members = {name: sorted(at, key=numbers.__getitem__) for name, at in members.items()}
    found = []
    for own in members.values():
        turns = _in_turn([texts[i] for i in own])
        if roles is not None:
            turns = tuple(Turn(roles[i].strip(), turn.text) for i, turn in zip(own, turns, strict=True))
        found.append(Dialogue(turns, f"{path.name}:{rows[min(own)]}"))
    return found


def _number(path: Path, row: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"the turn {cell!r} is no number", file=path, row=row, remedy="Number turns by time") from None


def _of_text(path: Path) -> list[Dialogue]:
    lines = Lines(path)
    if any(END_OF_TURN in line for line in lines):
        return [
            Dialogue(_in_turn([part.strip() for part in _parts(line)]), f"{path.name}:{row}")
            for row, line in enumerate(lines, start=1)
            if line.strip()
        ]
    blocks = list(_blocks(lines))
    named = [_NAMED.fullmatch(block[0]) is not None for _, block in blocks]
    if any(named) and not all(named):
        row = blocks[named.index(not named[0])][0]
        raise DataError(
            f"this dialogue begins {'with' if not named[0] else 'without'} a name, and the first one in the file does "
            f"{'not' if not named[0] else 'with one'}",
            file=path,
            row=row,
            remedy='Write "Name: text" in every dialogue, or in none',
        )
    return [Dialogue(_spoken(block) if named[0] else _in_turn(block), f"{path.name}:{row}") for row, block in blocks]


def _parts(line: str) -> list[str]:
    """What stands before each end of a turn, and behind the last one where there is more."""
    parts = line.split(END_OF_TURN)
    return parts if parts[-1].strip() else parts[:-1]


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines between empty ones, with the row of the first."""
    block: list[str] = []
    for row, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            yield row - len(block), block
            block = []


def _spoken(block: Sequence[str]) -> tuple[Turn, ...]:
    """Turns of named lines; a line without a name goes on with the turn before it."""
    turns: list[Turn] = []
    for line in block:
        if found := _NAMED.fullmatch(line):
            turns.append(Turn(found["role"], found["text"].strip()))
        else:
            turns[-1] = Turn(turns[-1].role, f"{turns[-1].text}\n{line.strip()}")
    return tuple(turns)
