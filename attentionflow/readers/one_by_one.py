"""Sequences whose items are made when asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class OneByOne(Sequence[T], ABC):
    """Says how long it is by `__len__`, and makes each item by `one`; a slice is a list of items made at once."""

    @abstractmethod
    def one(self, index: int) -> T:
        """Number `index`, from 0 on."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        places = range(len(self))[index]  # turns -1 into the last, and raises IndexError past the end
        return self.one(places) if isinstance(places, int) else [self.one(at) for at in places]
