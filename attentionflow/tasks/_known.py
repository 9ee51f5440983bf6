"""What a trained model knows by name: pictures kept from training, and those that were added since.

Letters: G pictures, H height, W width, C channels, D description.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from attentionflow.errors import UserError, nearest
from attentionflow.tasks._recognition_scores import UNKNOWN

PIXELS, ABOUT = "pixels", "about"


@dataclass(frozen=True)
class Known:
    """pixels (G, H, W, C) bytes, as they lie on the canvas; names: of what is on each; places: where each came from."""

    pixels: np.ndarray
    names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def counts(self) -> Mapping[str, int]:
        """Pictures by name, in the order in which they came."""
        return Counter(self.names)

    def with_picture(self, pixels: np.ndarray, name: str, place: str) -> Self:
        return type(self)(np.concatenate((self.pixels, pixels[None])), (*self.names, name), (*self.places, place))

    def without(self, name: str) -> Self:
        """UserError where nothing has this name."""
        if name not in self.counts:
            raise UserError(f"{name!r} is not enrolled; {nearest(name, self.counts) if self.names else 'nothing is'}")
        at = [row for row, other in enumerate(self.names) if other != name]
        return type(self)(self.pixels[at], tuple(self.names[i] for i in at), tuple(self.places[i] for i in at))

    def joined(self, other: Known) -> Self:
        pixels = np.concatenate((self.pixels, other.pixels))
        return type(self)(pixels, self.names + other.names, self.places + other.places)

    def holder(self, pixels: np.ndarray) -> str | None:
        """The name under which this very picture is known already."""
        same = np.flatnonzero((self.pixels == pixels).all((1, 2, 3)))
        return self.names[same[0]] if len(same) else None

    def save(self, path: Path) -> None:
        """As safetensors, with its own checksum, since what is added after training comes under no other."""
        about = {"names": self.names, "places": self.places, "sha256": _digest(self.pixels)}
        tensors = {PIXELS: np.ascontiguousarray(self.pixels)}
        path.write_bytes(save(tensors, metadata={ABOUT: json.dumps(about, ensure_ascii=False)}))

    @classmethod
    def load(cls, path: Path) -> Self:
        try:
            with safe_open(path, "np") as file:
                about, pixels = json.loads(file.metadata()[ABOUT]), file.get_tensor(PIXELS)
        except SafetensorError as error:
            raise UserError(f"{path} is damaged or cut short ({error}); take it from a backup") from None
        if _digest(pixels) != about["sha256"] or len(pixels) != len(about["names"]):
            raise UserError(f"{path} was altered since it was written; take it from a backup")
        return cls(pixels, tuple(about["names"]), tuple(about["places"]))


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def taken_in(
    known: Known, added: Known, name: str, pictures: Sequence[tuple[np.ndarray, str]]
) -> tuple[Known, list[str]]:
    """What was added with pictures (H, W, C) of a thing and where they came from; and notes on those that are there
    already. UserError, with nothing added, for a name that is none and a picture that is of no use."""
    if not name.strip() or name == UNKNOWN:
        raise UserError(f"{name!r} is no name of a thing; give it another")
    notes = []
    for pixels, place in pictures:
        holder = known.joined(added).holder(pixels)
        if (pixels == pixels[:1, :1]).all():
            raise UserError(f"{place} is of one colour all over, so there is nothing to recognise; leave it out")
        if holder not in (None, name):
            raise UserError(f"{place} is known as {holder} already, so it cannot be {name} too")
        if holder:
            notes.append(f"{place} is known as {name} already: left out")
        else:
            added = added.with_picture(pixels, name, place)
    return added, notes


def first_of_each(names: Sequence[str], most: int) -> list[int]:
    """Rows of the first few of every name; a nameless row is left out."""
    seen: Counter[str] = Counter()
    rows = []
    for row, name in enumerate(names):
        if name and seen[name] < most:
            seen[name] += 1
            rows.append(row)
    return rows


@dataclass(frozen=True, eq=False)
class Columns:
    """What pictures are compared with: known pictures of several galleries, or their things, side by side.

    names: of each column; gallery (columns,): which one it belongs to; pictures (G,): the column of each known picture.
    """

    names: tuple[str, ...]
    gallery: np.ndarray
    pictures: np.ndarray

    @classmethod
    def of(cls, galleries: Sequence[Sequence[str]], by_thing: bool) -> Self:
        """galleries: the names of their pictures. by_thing: one column a name, not a picture."""
        place: dict[tuple[int, str, int], int] = {}
        pictures = [
            place.setdefault((number, name, 0 if by_thing else row), len(place))
            for number, names in enumerate(galleries)
            for row, name in enumerate(names)
        ]
        columns = list(place)
        gallery = np.array([number for number, _, _ in columns], int)
        return cls(tuple(name for _, name, _ in columns), gallery, np.array(pictures, int))


def column_means(descriptions: Tensor, pictures: Tensor) -> Tensor:
    """Of descriptions (G, D) of known pictures, each in a column (G,), the mean of every column."""
    count = int(pictures.max()) + 1
    sums = descriptions.new_zeros(count, descriptions.shape[1]).index_add(0, pictures, descriptions)
    return sums / torch.bincount(pictures, minlength=count)[:, None]
