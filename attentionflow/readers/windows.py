"""Series on one calendar, and windows over them: cut when asked for, by index, from one array.

Letters: T steps, C series of a panel, L look-back, H horizon, N windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.calendar import Calendar
from attentionflow.readers.finding import Finding

Range = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Panel:
    """Series that share their dates.

    values:   (T, C) in their own units, NaN where one is missing.
    rows:     (T,) the row of each step in the file, 0 for a step that the file lacks.
    findings: what reading noticed, such as missing steps.
    further:  where the panel goes on in other files: the first step and the name of each.
    """

    file: str
    calendar: Calendar
    names: tuple[str, ...]
    values: np.ndarray
    rows: np.ndarray
    findings: tuple[Finding, ...] = ()
    further: tuple[tuple[int, str], ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def title(self) -> str:
        return f"{self.file}, {self.names[0]}" if len(self.names) == 1 else self.file

    def where(self, step: int) -> str:
        """File and row of a step; file and date of one that is not there."""
        file = next((name for first, name in reversed(self.further) if step >= first), self.file)
        row = self.rows[step] if step < len(self) else 0
        return f"{file}:{row or self.calendar.labels(step, step + 1)[0]}"


@dataclass(frozen=True)
class Series:
    """Panels, and for each split the steps of each panel that its windows forecast."""

    panels: tuple[Panel, ...]
    splits: Mapping[str, tuple[Range, ...]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """`look_back` steps of the past and the `horizon` after them, which begins at step `start` of the panel."""

    panel: Panel
    start: int
    look_back: int
    horizon: int

    @property
    def past(self) -> np.ndarray:
        """(L, C)"""
        return self.panel.values[self.start - self.look_back : self.start]

    @property
    def future(self) -> np.ndarray | None:
        """(H, C); None where it has not happened yet."""
        found = self.panel.values[self.start : self.start + self.horizon]
        return found if len(found) == self.horizon else None

    @property
    def where(self) -> str:
        return self.panel.where(self.start)

    @property
    def dates(self) -> list[str]:
        """Those of the horizon, as text."""
        return self.panel.calendar.labels(self.start, self.start + self.horizon)


class Windows(Sequence[Window]):
    """Windows over panels; which (N,) tells the panel of each, starts (N,) the first step that it forecasts."""

    def __init__(
        self, panels: Sequence[Panel], which: np.ndarray, starts: np.ndarray, look_back: int, horizon: int
    ) -> None:
        self.panels, self.which, self.starts = tuple(panels), which, starts
        self.look_back, self.horizon = look_back, horizon

    @classmethod
    def of(cls, windows: Sequence[Window]) -> Windows:
        """Any sequence of windows of one look-back and horizon as `Windows`."""
        if isinstance(windows, Windows):
            return windows
        panels = list({id(window.panel): window.panel for window in windows}.values())
        at = {id(panel): index for index, panel in enumerate(panels)}
        which = np.array([at[id(window.panel)] for window in windows], int)
        starts = np.array([window.start for window in windows], int)
        first = windows[0] if windows else None
        return cls(panels, which, starts, first.look_back if first else 0, first.horizon if first else 0)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Window: ...
    @overload
    def __getitem__(self, index: slice) -> Windows: ...
    def __getitem__(self, index: int | slice) -> Window | Windows:
        if isinstance(index, slice):
            return Windows(self.panels, self.which[index], self.starts[index], self.look_back, self.horizon)
        return self.window(self.panels[int(self.which[index])], int(self.starts[index]))

    def window(self, panel: Panel, start: int) -> Window:
        return Window(panel, start, self.look_back, self.horizon)

    def reach(self) -> list[tuple[Panel, Range]]:
        """Each panel that has windows here, with the steps from the first to the last that one of them covers."""
        found = []
        for index in np.unique(self.which):
            starts = self.starts[self.which == index]
            found.append((self.panels[index], (int(starts.min()) - self.look_back, int(starts.max()) + self.horizon)))
        return found


def cut_windows(series: Series, look_back: int, horizon: int) -> tuple[dict[str, Windows], list[str]]:
    """All windows of each split, in order of time, with notes on those that missing values rule out.

    A window forecasts steps of its split alone; its past may reach back before it. UserError for a split without one.
    """
    splits, notes, length = {}, list(series.notes), look_back + horizon
    for split, ranges in series.splits.items():
        which, starts, short, broken = [], [], [], 0
        for index, (panel, (first, stop)) in enumerate(zip(series.panels, ranges, strict=True)):
            possible = np.arange(max(first, look_back), stop - horizon + 1)
            missing = np.concatenate([[0], np.isnan(panel.values).any(1).cumsum()])
            whole = possible[missing[possible + horizon] == missing[possible - look_back]]
            if len(possible) == 0:
                short.append(panel.title)
            broken += len(possible) - len(whole)
            which.append(np.full(len(whole), index))
            starts.append(whole)
        splits[split] = Windows(series.panels, np.concatenate(which), np.concatenate(starts), look_back, horizon)
        if len(splits[split]) == 0:
            raise UserError(_no_window(series, split, look_back, horizon, broken))
        if short:
            notes.append(
                f"{split}: {len(short)} of {len(ranges)} series are too short for a window of {length} steps and are "
                f"left out: {', '.join(short[:5])}"
            )
        if broken:
            notes.append(f"{split}: {broken:,} windows that touch a missing value are left out")
    return splits, notes


def _no_window(series: Series, split: str, look_back: int, horizon: int, broken: int) -> str:
    if broken:
        return f"{split}: every window touches a missing value; fill them, or add --set missing=interpolate"
    longest = max(stop - (0 if split == "train" else first) for first, stop in series.splits[split])
    if split == "train":
        return (
            f"the training part has {longest:,} steps, but a window takes look_back={look_back} + horizon={horizon}; "
            "lower one of the two (--set look_back=... --set horizon=...), or give more data"
        )
    room = max(stop - max(first, look_back) for first, stop in series.splits[split])
    return (
        f"the {split} part has room for {max(0, room):,} steps to forecast, fewer than horizon={horizon}; lower it "
        "(--set horizon=...), or raise held_out"
    )
