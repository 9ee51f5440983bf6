"""What the command line prints: tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from attentionflow.task import Score

ACROSS = 8  # metrics up to which each has a column


def scores_table(rows: dict[str, dict[str, Score]]) -> Table:
    """A row a system and a column a metric, or the other way round where these are many, and the signatures below."""
    first = next(iter(rows.values()))
    cells = {name: [_score(score) for score in scores.values()] for name, scores in rows.items()}
    if len(first) <= ACROSS:
        table = new_table("", *map(plain, first))
        for name, own in cells.items():
            table.add_row(plain(name), *own)
    else:
        table = new_table("", *map(plain, rows))
        for at, metric in enumerate(first):
            table.add_row(plain(metric), *(own[at] for own in cells.values()))
    table.caption = "\n".join(f"{name}: {score.signature}" for name, score in first.items() if score.signature)
    return table


def parts_told(parts: Mapping[str, float], most: int = 8) -> str:
    """All of a few, or some of many, evenly spread with the first and the last."""
    names, count = list(parts), min(most, len(parts))
    chosen = [names[round(at * (len(names) - 1) / max(1, count - 1))] for at in range(count)]
    left_out = f" (of {len(names)}; all are in metrics.json)" if len(names) > count else ""
    return ", ".join(f"{name}: {parts[name]:.4g}" for name in chosen) + left_out


def _score(score: Score) -> str:
    low_high = f" ({score.interval[0]:.4g} to {score.interval[1]:.4g})" if score.interval else ""
    return f"{score.value:.4g}{score.unit}{low_high}"


def new_table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*columns, box=SIMPLE_HEAD, pad_edge=False, caption_justify="left")


def show(what: Table) -> None:
    from rich.console import Console

    Console().print(what)


def width() -> int:
    """Characters of a line of the terminal."""
    from rich.console import Console

    return Console().width


def plain(text: str) -> str:
    """Text of a user's, safe from the terminal markup of rich."""
    from rich.markup import escape

    return escape(text)
