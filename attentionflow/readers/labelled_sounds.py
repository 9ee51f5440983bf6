"""Sounds with labels: folders named after labels, or a metadata table beside sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.audio import SOUNDS, Audio
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_tree import (
    COLUMN,
    METADATA,
    Item,
    in_order,
    items_of_folders,
    items_of_tables,
    metadata_tables,
)
from attentionflow.readers.splits import fill_chosen, held_out_by_label
from attentionflow.readers.tree import open_tree
from attentionflow.readers.utterances import Held, Sound, SoundFile, read_sounds, typed_sound

MOST_HELD_OUT = 5000

ReadLabels = Callable[[str], tuple[str, ...]]


class Event(NamedTuple):
    """A label is heard from `start` to `stop`, in seconds."""

    label: str
    start: float
    stop: float


@dataclass(frozen=True, eq=False)
class LabelledSound:
    """A sound, read when asked for, and its labels (None: not known); events: when they are heard, where that is known.

    name: what its user calls it, such as the path of the file; where: the file or row it comes from.
    """

    name: str
    labels: tuple[str, ...] | None
    where: str
    sound: Sound
    events: tuple[Event, ...] | None = None

    def content(self) -> bytes:
        """Few bytes that only equal sounds share."""
        if isinstance(self.sound, SoundFile):
            return blake2b(self.sound.path.read_bytes(), digest_size=16).digest()
        loaded = self.sound.load()
        values = loaded.samples if isinstance(loaded, Audio) else loaded.values
        return blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).digest()


@dataclass(frozen=True)
class LabelledSounds:
    """Splits of sounds, "train" first, and what was found wrong on the way."""

    splits: Mapping[str, Sequence[LabelledSound]]
    faults: Sequence[Finding] = ()


def read_labelled_sounds(path: str | Path, label: str, labels: ReadLabels) -> LabelledSounds:
    """Of a folder. label: column of a metadata table; labels: what a cell of it, or the name of a folder, says."""
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is no folder of sounds")
    tree = open_tree(path)
    names = tree.below("", SOUNDS)
    if tables := metadata_tables(tree):
        remedy = "Name the column of the labels: --set label=NAME"
        items, faults = items_of_tables(tree, tables, names, [label], "sound", remedy)
    else:
        items, faults = items_of_folders(tree, names, "sounds")
    if not items:
        raise UserError(
            f"{path} holds no sounds ({', '.join(SOUNDS)}) in folders of their labels (LABEL/one.wav or "
            f"train/LABEL/one.wav), and none that a {METADATA}.csv ({COLUMN}, {label}) names"
        )

    def made(item: Item) -> LabelledSound:
        return LabelledSound(item.name, labels(item.cells[0]), item.where, SoundFile(tree.root / item.name))

    splits = in_order(items, made)
    if "train" not in splits:
        raise UserError(f"{path} has no training sounds: its splits are {', '.join(splits)}")
    return LabelledSounds(splits, faults)


def read_inputs(path: Path) -> list[LabelledSound]:
    """Sounds without labels: a sound, a folder of them, or a table with file_name."""
    return [LabelledSound(one.name, None, one.where, one.sound) for one in read_sounds(path)]


def one_input(given: object, rate: int) -> LabelledSound:
    """A path, samples (N,) at `rate`, or samples and their rate."""
    if isinstance(given, LabelledSound):
        return given
    one = typed_sound(given, rate)
    if isinstance(one.sound, Held) and not isinstance(one.sound.value, Audio):
        raise UserError("this model hears samples, not features (frames, bands)")
    return LabelledSound(one.name, None, one.where, one.sound)


def fill_splits(
    splits: Mapping[str, Sequence[LabelledSound]], share: float, seed: int
) -> tuple[dict[str, Sequence[LabelledSound]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so.

    Of every label, or set of labels, about the same share; equal sounds stay together.
    """

    def chosen(sounds: Sequence[LabelledSound]) -> np.ndarray:
        labels, keys = [one.labels or () for one in sounds], [one.content() for one in sounds]
        return held_out_by_label(labels, keys, share, MOST_HELD_OUT, seed, "sounds")

    return fill_chosen(splits, chosen, "sounds", seed)
