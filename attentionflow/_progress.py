"""What a person sees while a run works, and how they stop it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress


class Progress:
    """A bar with a rate and the time left on a terminal; a line a validation elsewhere; nothing when quiet."""

    def __init__(self, quiet: bool) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self._bar: RichProgress | None = None
        self._task = TaskID(0)
        self._work, self._text = 0, ""

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def bar(self, steps: int, done: int, unit: str) -> Iterator[None]:
        """Show `done` of `steps`; the rate is in `unit` per second."""
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=self.console, disable=self.console.quiet) as self._bar:
            self._unit = unit
            self._task = self._bar.add_task("", total=steps, completed=done, rate="", text="")
            yield
        self._bar = None

    def advance(self, work: int) -> None:
        """One step more, which was so much work."""
        if self._bar is None:
            return
        self._work += work
        task = self._bar.tasks[0]
        elapsed = task.elapsed or 0.0
        rate = f"{self._work / elapsed:,.0f} {self._unit}/s" if elapsed > 1 else ""
        self._bar.update(self._task, advance=1, rate=rate)

    def show(self, losses: dict[str, float]) -> None:
        self._text = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if self._bar is not None:
            self._bar.update(self._task, text=self._text)

    def validated(self, name: str, value: float, better: bool) -> None:
        step = f"step {int(self._bar.tasks[0].completed):,}" if self._bar is not None else ""
        self.say(f"{step}  {self._text}  val {name} {value:.4g}{'  (best)' if better else ''}")


class Stopper:
    """Ctrl-C and SIGTERM end the step at hand and set `stop`; a second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.stop = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.stop:
            raise KeyboardInterrupt
        self.stop = True
