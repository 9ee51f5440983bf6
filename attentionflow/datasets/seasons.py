"""Hourly series made of a daily and a weekly season, a trend, and noise that remembers.

    x_t = trend + day + week + n_t,    n_t = MEMORY · n_{t-1} + e_t,    e_t normal

Whoever knew the formula could forecast trend and seasons exactly and n_{t+h} as MEMORY^h · n_t, and would be off by a
variance of s² (1 - MEMORY^2h) / (1 - MEMORY²) at step h, where s is the deviation of e. So the least possible error is
known, and the notes of `read` say it.

Letters: T steps, C series.
"""

from __future__ import annotations

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.calendar import DAY, Calendar, Step
from attentionflow.readers.windows import Panel, Series

DATASET = Dataset(
    name="seasons",
    task="time-series-forecasting",
    summary="Four hourly series of daily and weekly seasons, a trend and autocorrelated noise, made here: 2,400 steps "
    "train, 800 val, 800 test. The least possible error is known, and said.",
    licence="None needed: the data are made.",
    reference="None published: the data is made here. The notes of a run give the error of the best possible forecast.",
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "patch-transformer": {
        "look_back": 192,
        "horizon": 48,
        "dropout": 0.0,
        "learning_rate": 3e-3,
        "epochs": 8,
        "evaluations": 6,
        "ema": 0.99,
    },
    "classic": {
        "look_back": 192,
        "horizon": 48,
        "dropout": 0.0,
        "learning_rate": 3e-3,
        "epochs": 12,
        "evaluations": 6,
        "ema": 0.99,
    },
}

SPLITS = {"train": (0, 2_400), "val": (2_400, 3_200), "test": (3_200, 4_000)}
NAMES = ("north", "east", "south", "west")
MEMORY = 0.8
NOISE = 0.25  # deviation of e


def read(horizon: int, seed: int = 0) -> Series:
    """The series of this seed, with a note on the least error of a forecast of `horizon` steps."""
    length = SPLITS["test"][1]
    values = np.column_stack([_series(np.random.default_rng((seed, at)), length) for at in range(len(NAMES))])
    calendar = Calendar(np.datetime64("2024-01-01", "us"), Step(microseconds=DAY // 24))
    panel = Panel("seasons", calendar, NAMES, values, np.arange(1, length + 1))
    note = (
        f"the data set 'seasons' is made, not measured; no forecast of {horizon} steps has a lower expected MSE than "
        f"{least_error(values, horizon):.4f}"
    )
    return Series((panel,), {split: (steps,) for split, steps in SPLITS.items()}, [note])


def least_error(values: np.ndarray, horizon: int) -> float:
    """Expected MSE of the best forecast, mean over steps and series, on the scale of the training part of (T, C)."""
    ahead = np.arange(1, horizon + 1)
    variance = NOISE**2 * (1 - MEMORY ** (2 * ahead)) / (1 - MEMORY**2)
    return float(variance.mean() * np.mean(1 / values[slice(*SPLITS["train"])].var(0)))


def _series(draw: np.random.Generator, length: int) -> np.ndarray:
    hours = np.arange(length)
    day = _season(draw, hours / 24, harmonics=3)
    week = _season(draw, hours / (7 * 24), harmonics=2)
    noise, kept = np.zeros(length), 0.0
    for at, shock in enumerate(draw.normal(0, NOISE, length)):
        kept = MEMORY * kept + shock
        noise[at] = kept
    level, slope = draw.normal(0, 5), draw.normal(0, 0.5)
    return level + slope * hours / length + day + 0.5 * week + noise


def _season(draw: np.random.Generator, cycles: np.ndarray, harmonics: int) -> np.ndarray:
    """A random periodic course (T,) of unit mean square, its harmonics ever smaller."""
    order = np.arange(1, harmonics + 1)
    height, phase = draw.uniform(0.5, 1, harmonics) / order, draw.uniform(0, 1, harmonics)
    waves = height * np.sin(2 * np.pi * (order * cycles[:, None] + phase))
    return waves.sum(1) * np.sqrt(2 / (height**2).sum())
