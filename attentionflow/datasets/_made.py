"""Examples that a data set makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

from attentionflow.readers.one_by_one import OneByOne

T = TypeVar("T")


class Made(OneByOne[T]):
    """Examples of one split, made when asked for: number i depends on the seed, the split and i alone.

    name: of the data set; lengths: how many examples each split has.
    """

    name: ClassVar[str]
    lengths: ClassVar[Mapping[str, int]]

    def __init__(self, split: str, seed: int = 0) -> None:
        self.split, self.seed = split, seed

    def __len__(self) -> int:
        return self.lengths[self.split]

    def key(self, index: int) -> tuple[int, int, int]:
        """What the random numbers of an example begin with."""
        return self.seed, list(self.lengths).index(self.split), index

    def where(self, index: int) -> str:
        """What an example is called, counted from 1."""
        return f"{self.name}/{self.split}:{index + 1}"
