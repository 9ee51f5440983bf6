"""Utterances: sound with the text that is said in it, as speech recognition learns from.

`read_utterances` reads a folder with a table metadata.csv (columns file_name and text; .tsv, .jsonl and .parquet too),
one with folders train, val and test that each hold such a table, the LJSpeech layout (metadata.csv without header,
id|text|normalised text, sounds in wavs), or such a table itself. A file name that ends in .npy or .npz is an array of
features (frames, bands) in place of a sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.audio import SOUNDS, Audio, audio_rate, read_audio
from attentionflow.readers.splits import CANONICAL, ORDER, fill_missing
from attentionflow.readers.table import TABLES, read_frame, table_kind
from attentionflow.readers.text import Lines

ARRAYS = (".npy", ".npz")
FILE = "file_name"
LAYOUTS = f"a table metadata.csv with the columns {FILE} and text, in it or in its folders train, val and test"


@dataclass(frozen=True, eq=False)
class Frames:
    """Features (T, F) that somebody else took from a sound."""

    values: np.ndarray


class Sound(Protocol):
    """Where the sound of an utterance is; nothing is read before it is asked for."""

    def load(self) -> Audio | Frames: ...
    def rate(self) -> int | None:
        """Samples a second; None where there are features in place of samples."""


@dataclass(frozen=True)
class SoundFile:
    path: Path

    def load(self) -> Audio:
        audio = read_audio(self.path)
        if len(audio.samples) == 0:
            raise DataError("the sound is empty", file=self.path, remedy="Leave the file out")
        return audio

    def rate(self) -> int:
        return audio_rate(self.path)


@dataclass(frozen=True)
class ArrayFile:
    path: Path

    def load(self) -> Frames:
        try:
            found = np.load(self.path, allow_pickle=False)
            if not isinstance(found, np.ndarray):
                if len(found.files) != 1:
                    names = ", ".join(found.files)
                    raise DataError(
                        f"there are {len(found.files)} arrays in it ({names})", file=self.path, remedy="Keep one"
                    )
                found = found[found.files[0]]
        except (OSError, ValueError, EOFError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"cannot be read ({error})", file=self.path, remedy="Write it with numpy.save") from None
        return checked_frames(found, self.path)

    def rate(self) -> None:
        return None


@dataclass(frozen=True, eq=False)
class Held:
    """A sound that is in memory."""

    value: Audio | Frames

    def load(self) -> Audio | Frames:
        return self.value

    def rate(self) -> int | None:
        return self.value.rate if isinstance(self.value, Audio) else None


def checked_frames(values: np.ndarray, file: object = None) -> Frames:
    """Features as float32; DataError unless they are finite numbers in (frames, bands)."""
    remedy = "Features are an array of numbers (frames, bands)"
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        raise DataError(f"an array of shape {values.shape} and type {values.dtype}", file=file, remedy=remedy)
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        frame = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        raise DataError(f"frame {frame} holds a value that is no finite number", file=file, remedy=remedy)
    return Frames(values)


@dataclass(frozen=True, eq=False)
class Utterance:
    """name: what its user calls it, such as the path of the file; text: what is said, None where that is not known;
    where: the table and row it comes from; speaker: who says it, None where that is not told."""

    name: str
    text: str | None
    where: str
    sound: Sound
    speaker: str | None = None


def sound_of(path: Path) -> Sound:
    """By the name of the file; DataError where there is none."""
    kind = path.suffix.lower()
    if kind not in SOUNDS + ARRAYS:
        raise UserError(f"{path} is no sound that can be read: its name must end in {', '.join(SOUNDS + ARRAYS)}")
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    return ArrayFile(path) if kind in ARRAYS else SoundFile(path)


def typed_sound(given: object, rate: int | None) -> Utterance:
    """Of a path, samples (N,) at `rate`, samples and their rate, or features (T, F)."""
    if isinstance(given, str | Path):
        path = Path(str(given).strip())
        return Utterance(str(path), None, str(path), sound_of(path))
    if isinstance(given, tuple) and len(given) == 2:
        given, rate = given
    if not isinstance(given, np.ndarray):
        raise TypeError(f"sound must be a path, an array, or an array and its rate, got {type(given).__name__}")
    if given.ndim == 2:
        return Utterance("features", None, "", Held(checked_frames(given)))
    if given.ndim != 1 or given.size == 0 or given.dtype.kind != "f" or not np.isfinite(given).all():
        raise UserError(f"samples must be finite floats (N,) from -1 to 1, got {given.dtype} of shape {given.shape}")
    if rate is None:
        raise UserError("this model reads features (frames, bands), not samples")
    return Utterance("samples", None, "", Held(Audio(given.astype(np.float32), int(rate))))


def read_utterances(path: str | Path, text: str = "text", speaker: str = "") -> dict[str, list[Utterance]]:
    """Utterances by split: "train" alone where the data have no splits. text: the column with what is said; speaker:
    that with who says it, where there is one of this name."""
    path = Path(path)
    if path.is_file():
        return _by_folder(_rows(path, text, speaker))
    table = _metadata(path)
    if table is not None:
        return _by_folder(_rows(table, text, speaker))
    tables: dict[str, Path] = {}
    for folder in sorted(path.iterdir()):
        split = _split(folder.name) if folder.is_dir() else None
        if split and (table := _metadata(folder)):
            tables[split] = table
    if "train" not in tables:
        there = ", ".join(sorted(file.name for file in path.iterdir())[:10]) or "nothing"
        raise UserError(f"{path} has no training utterances: it needs {LAYOUTS}; it holds {there}")
    return {split: _rows(tables[split], text, speaker) for split in ORDER if split in tables}


def read_sounds(path: Path, text: str = "text") -> list[Utterance]:
    """Utterances to be written down: a sound, a table that names some, or a folder with such a table or with sounds."""
    if path.is_dir():
        table = _metadata(path)
        if table is None:
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in SOUNDS + ARRAYS)
            if not files:
                raise UserError(f"{path} holds no sound: {', '.join(SOUNDS + ARRAYS)} are read")
            return [Utterance(str(file), None, str(file), sound_of(file)) for file in files]
        path = table
    if table_kind(path):
        return _rows(path, text, answers=False)
    return [Utterance(str(path), None, str(path), sound_of(path))]


def hold_out(
    splits: Mapping[str, Sequence[Utterance]], share: float, seed: int
) -> tuple[dict[str, Sequence[Utterance]], list[str]]:
    """The splits with "test" and "val" taken from "train" where they are missing, and notes that say so."""

    def take(train: Sequence[Utterance], split: str) -> tuple[list[Utterance], list[Utterance]]:
        if len(train) < 3:
            raise UserError(f"{len(train)} utterances are too few to hold some out for {split}")
        count = max(1, round(share * len(train)))
        keys = [
            blake2b(f"{seed}\n{one.name}".encode("utf-8", "surrogatepass"), digest_size=16).digest() for one in train
        ]
        held = set(sorted(range(len(train)), key=keys.__getitem__)[:count])
        return [one for i, one in enumerate(train) if i not in held], [train[i] for i in sorted(held)]

    filled, notes = fill_missing(splits, take, "utterances", seed)
    return {split: filled[split] for split in ORDER}, notes


def _metadata(folder: Path) -> Path | None:
    return next((path for kind in TABLES if (path := folder / f"metadata{kind}").is_file()), None)


def _split(name: str) -> str | None:
    name = CANONICAL.get(name.lower(), name.lower())
    return name if name in ORDER else None


def _rows(table: Path, column: str, speaker: str = "", answers: bool = True) -> list[Utterance]:
    if table.suffix.lower() == ".csv" and (found := _ljspeech(table)):
        return found
    remedy = f"Name the column with what is said: --set text=NAME; {FILE} names the sounds"
    frame, rows = read_frame(table, None, remedy=remedy)
    for name in (FILE, column) if answers else (FILE,):
        if name not in frame.columns:
            raise DataError(
                f"there is no column {name!r}; there are {', '.join(frame.columns)}", file=table, remedy=remedy
            )
    texts: Sequence[str | None] = frame[column].to_list() if column in frame.columns else [None] * len(rows)
    speakers = frame[speaker].to_list() if speaker in frame.columns else [""] * len(rows)
    given = zip(rows, frame[FILE].to_list(), texts, speakers, strict=True)
    return [_utterance(table, row, name, text, who.strip() or None) for row, name, text, who in given]


def _utterance(table: Path, row: int, name: str, text: str | None, speaker: str | None) -> Utterance:
    path = table.parent / name
    try:
        sound = sound_of(path)
    except UserError as error:
        remedy = "Names are relative to the folder of the table"
        raise DataError(str(error), file=table, row=row, remedy=remedy) from None
    text = None if text is None else " ".join(text.split())
    return Utterance(str(path), text, f"{table.name}:{row}", sound, speaker)


def _ljspeech(table: Path) -> list[Utterance] | None:
    """Of lines id|text or id|text|normalised text; None where the first line is not one."""
    lines = Lines(table)
    if len(lines) == 0 or "|" not in lines[0] or FILE in lines[0]:
        return None
    folders = [folder for folder in (table.parent / "wavs", table.parent / "audio", table.parent) if folder.is_dir()]
    there = {
        file.stem: file
        for folder in reversed(folders)
        for file in folder.iterdir()
        if file.suffix.lower() in SOUNDS + ARRAYS
    }
    found = []
    for row, line in enumerate(lines, start=1):
        cells = line.split("|")
        if len(cells) not in (2, 3):
            raise DataError(f"{len(cells)} cells where id|text has two or three", file=table, row=row)
        stem = cells[0].strip()
        file = there.get(stem) or there.get(Path(stem).stem)
        if file is None:
            raise DataError(f"there is no sound {stem} in wavs, audio or beside the table", file=table, row=row)
        text = " ".join((cells[-1].strip() or cells[1]).split())
        found.append(Utterance(str(file), text, f"{table.name}:{row}", sound_of(file)))
    return found


def _by_folder(found: list[Utterance]) -> dict[str, list[Utterance]]:
    """By the folder train, val or test that every file lies in; where one lies in none, all is train."""
    splits: dict[str, list[Utterance]] = {}
    for one in found:
        parts = [split for part in Path(one.name).parts[:-1] if (split := _split(part))]
        splits.setdefault(parts[-1] if parts else "", []).append(one)
    if "" in splits or "train" not in splits:
        return {"train": found}
    return {split: splits[split] for split in ORDER if split in splits}
