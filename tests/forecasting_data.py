"""Small series whose next steps are a rule: each repeats after 12 hours, with a little noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attentionflow.readers.table import write_table

PERIOD = 12

# Settings with which a model learns the rule in seconds on one core.
QUICK = {
    "look_back": 36,
    "horizon": 8,
    "batch_windows": 16,
    "patch": 6,
    "stride": 3,
    "width": 16,
    "heads": 2,
    "layers": 1,
    "feedforward": 32,
    "dropout": 0.0,
    "learning_rate": 1e-2,
    "epochs": 6,
    "evaluations": 3,
    "log_every": 5,
    "ema": 0.9,
}
OWN = ("patch", "stride", "width", "heads", "layers", "feedforward")
QUICK_CLASSIC = {k: v for k, v in QUICK.items() if k not in OWN} | {"block": 6, "hidden": 24, "attention": 8}
SETTINGS = {"patch-transformer": QUICK, "classic": QUICK_CLASSIC}


def courses(steps: int = 600, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """(T, 2): two shapes of a period on different levels and scales."""
    draw, phase = np.random.default_rng(seed), 2 * np.pi * np.arange(steps) / PERIOD
    shapes = np.column_stack([np.sin(phase), np.abs(((phase / np.pi) % 2) - 1) * 2 - 1])
    return (shapes + draw.normal(0, noise, (steps, 2))) * [10, 0.1] + [100, -3]


def tents(steps: int = 3000, seed: int = 0) -> np.ndarray:
    """(T, 1): y(t) = 1 - 1.99 |y(t - PERIOD)|, a rule of which a line sees nothing, with a little noise."""
    draw = np.random.default_rng(seed)
    values = list(draw.uniform(-1, 1, PERIOD))
    for noise in draw.normal(0, 0.01, steps - PERIOD):
        values.append(float(np.clip(1 - 1.99 * abs(values[-PERIOD]) + noise, -1, 1)))
    return np.array(values)[:, None]


def dates(steps: int, first: str = "2024-03-01T00:00", hours: int = 1) -> list[str]:
    found = np.datetime64(first, "m") + np.arange(steps) * np.timedelta64(hours, "h")
    return [text.replace("T", " ") for text in np.datetime_as_string(found, unit="m").tolist()]


def write_wide(path: Path, values: np.ndarray | None = None, names: tuple[str, ...] = ("load", "price")) -> Path:
    """date, and one column a series."""
    values = courses() if values is None else values
    columns = dict(zip(names, values.T.tolist(), strict=True))
    write_table(path, {"date": dates(len(values)), **columns})
    return path


def write_long(path: Path, values: np.ndarray | None = None, names: tuple[str, ...] = ("load", "price")) -> Path:
    """series, date, value."""
    values = courses() if values is None else values
    when = dates(len(values)) * len(names)
    which = [name for name in names for _ in range(len(values))]
    write_table(path, {"series": which, "date": when, "value": values.T.ravel().tolist()})
    return path
