"""Texts that are to be said: as typed, a line of a text file, or a row of a table with who is to say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from attentionflow.errors import DataError, UserError
from attentionflow.readers.table import read_frame, table_kind
from attentionflow.readers.text import Lines
from attentionflow.readers.utterances import Utterance


@dataclass(frozen=True)
class Unspoken:
    """In place of the sound of an utterance that nobody has said yet."""

    def load(self) -> NoReturn:
        raise UserError("this text has no recording")

    def rate(self) -> None:
        return None


def script(text: str, where: str, speaker: str | None = None) -> Utterance:
    text = " ".join(text.split())
    return Utterance(text, text, where, Unspoken(), speaker)


def read_scripts(path: Path, text: str, speaker: str) -> list[Utterance]:
    """text, speaker: columns of a table; the second need not be there. Of a text file every line that is not empty."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; texts to be said come in a text file or a table")
    if not table_kind(path):
        lines = enumerate(Lines(path), start=1)
        return [script(line, f"{path.name}:{row}") for row, line in lines if line.strip()]
    frame, rows = read_frame(path, None)
    if text not in frame.columns:
        remedy = "Name the column with what is to be said: --set text=NAME in training"
        raise DataError(f"there is no column {text!r}; there are {', '.join(frame.columns)}", file=path, remedy=remedy)
    speakers = frame[speaker].to_list() if speaker in frame.columns else [""] * len(rows)
    found = zip(rows, frame[text].to_list(), speakers, strict=True)
    return [script(said, f"{path.name}:{row}", who.strip() or None) for row, said, who in found]


def recorded(utterance: Utterance) -> bool:
    return not isinstance(utterance.sound, Unspoken)
