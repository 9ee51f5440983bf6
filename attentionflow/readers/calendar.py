"""Regular dates: the step between them is found, and any further date follows from the first one.

Letters: T steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

DAY = 86_400_000_000
UNITS = ((7 * DAY, "week"), (DAY, "day"), (DAY // 24, "hour"), (60_000_000, "minute"), (1_000_000, "second"))
SHORTEST_MONTH = 28 * DAY


@dataclass(frozen=True)
class Step:
    """The distance of two neighbouring dates: calendar months, or microseconds; neither where steps are only counted.

    month_end: the dates are the last days of their months, of whatever length.
    """

    months: int = 0
    microseconds: int = 0
    month_end: bool = False

    def __str__(self) -> str:
        if self.months:
            return _many(self.months // 12, "year") if self.months % 12 == 0 else _many(self.months, "month")
        for size, unit in UNITS:
            if self.microseconds and self.microseconds % size == 0:
                return _many(self.microseconds // size, unit)
        return f"{self.microseconds} microseconds" if self.microseconds else "1 step"


@dataclass(frozen=True)
class Calendar:
    """The dates first, first + step, first + 2 steps ... first None: steps without dates, counted from 1."""

    first: np.datetime64 | None
    step: Step

    @classmethod
    def counted(cls) -> Self:
        return cls(None, Step())

    @classmethod
    def of(cls, dates: np.ndarray) -> tuple[Self, np.ndarray]:
        """The calendar of rising dates (T,) datetime64[us], none twice, and the position of each; -1 where a date is
        off the step. The step is the most frequent distance of two neighbours."""
        months = dates.astype("M8[M]")
        within = dates - months.astype(dates.dtype)
        left = (months + 1).astype(dates.dtype) - dates  # until the next month begins
        distances = np.diff(dates).astype(np.int64)
        usual = _most_frequent(distances) if len(distances) else DAY
        for month_end, part in ((True, left), (False, within)):
            same_day = (part == part[0]).all() and (not month_end or part[0] <= np.timedelta64(DAY, "us"))
            if usual >= SHORTEST_MONTH and same_day:
                apart = months.astype(np.int64) - months[0].astype(np.int64)
                size = _most_frequent(np.diff(apart))
                return cls(dates[0], Step(months=size, month_end=month_end)), _whole(apart, size)
        return cls(dates[0], Step(microseconds=usual)), _whole((dates - dates[0]).astype(np.int64), usual)

    def dates(self, start: int, stop: int) -> np.ndarray:
        """The dates (T,) datetime64[us] at positions start..stop-1; not for counted steps."""
        if self.first is None:
            raise ValueError("these steps have no dates")
        positions = np.arange(start, stop)
        if not self.step.months:
            return self.first + positions * np.timedelta64(self.step.microseconds, "us")
        month = self.first.astype("M8[M]")
        months = month + positions * self.step.months
        if self.step.month_end:
            return (months + 1).astype("M8[us]") - ((month + 1).astype("M8[us]") - self.first)
        return months.astype("M8[us]") + (self.first - month.astype("M8[us]"))

    def labels(self, start: int, stop: int) -> list[str]:
        """Dates as text, as short as their step allows; "1", "2" ... where steps are counted."""
        if self.first is None:
            return [str(position + 1) for position in range(start, stop)]
        dates = self.dates(start, stop)
        midnight = self.first == self.first.astype("M8[D]")
        if midnight and (self.step.months or self.step.microseconds % DAY == 0):
            return np.datetime_as_string(dates, unit="D").tolist()
        fine = self.step.microseconds % 1_000_000 or self.first.astype(np.int64) % 1_000_000
        minutes = self.step.microseconds % 60_000_000 == 0 and self.first.astype(np.int64) % 60_000_000 == 0
        texts = np.datetime_as_string(dates, unit="us" if fine else "m" if minutes else "s").tolist()
        return [text.replace("T", " ") for text in texts]

    def to_json(self) -> dict[str, Any]:
        return {"first": None if self.first is None else str(self.first), "step": vars(self.step)}


def _many(count: int, unit: str) -> str:
    return f"{count} {unit}{'s' * (count != 1)}"


def _most_frequent(distances: np.ndarray) -> int:
    values, counts = np.unique(distances, return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 1


def _whole(distances: np.ndarray, size: int) -> np.ndarray:
    return np.where(distances % size == 0, distances // size, -1)
