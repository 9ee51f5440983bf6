"""Calendars: the step is found, dates go on from the first one, and what is irregular is told."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.readers.calendar import Calendar, Step

STEPS = st.one_of(
    st.builds(Step, months=st.integers(1, 24)),
    st.builds(Step, microseconds=st.integers(1, 40 * 24 * 3600).map(lambda seconds: seconds * 1_000_000)),
)


def of(*texts: str) -> tuple[Calendar, list[int]]:
    calendar, positions = Calendar.of(np.array(texts, "M8[us]"))
    return calendar, positions.tolist()


@given(
    step=STEPS,
    first=st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)),
    kept=st.sets(st.integers(25, 60), max_size=20),
)
def test_dates_made_with_a_step_are_read_back_with_it(step: Step, first: datetime, kept: set[int]) -> None:
    start = np.datetime64(first, "us")
    if step.months:  # a day that every month has
        start = start.astype("M8[M]").astype("M8[us]") + (start - start.astype("M8[D]"))
    made = Calendar(start, step)
    wanted = [*range(24), *sorted(kept)]  # the step itself is the most frequent distance
    found, positions = Calendar.of(np.array([made.dates(at, at + 1)[0] for at in wanted]))
    again = np.array([found.dates(at, at + 1)[0] for at in positions])
    assert (again == np.array([made.dates(at, at + 1)[0] for at in wanted])).all()


@pytest.mark.parametrize(
    ("dates", "step"),
    [
        (("2024-03-01T00", "2024-03-01T01", "2024-03-01T02"), "1 hour"),
        (("2024-03-01T00:00", "2024-03-01T00:15", "2024-03-01T00:30"), "15 minutes"),
        (("2024-03-01", "2024-03-02", "2024-03-03"), "1 day"),
        (("2024-03-01", "2024-03-08", "2024-03-15"), "1 week"),
        (("2024-01-01", "2024-02-01", "2024-03-01"), "1 month"),
        (("2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29"), "1 month"),
        (("2024-01-15", "2024-04-15", "2024-07-15"), "3 months"),
        (("2019-01-01", "2020-01-01", "2021-01-01"), "1 year"),
    ],
)
def test_the_step_is_found_and_goes_on(dates: tuple[str, ...], step: str) -> None:
    calendar, positions = of(*dates)
    assert str(calendar.step) == step
    assert positions == list(range(len(dates)))
    assert [str(date) for date in calendar.dates(0, len(dates))] == [str(np.datetime64(date, "us")) for date in dates]


def test_ends_of_months_stay_ends_of_months() -> None:
    calendar, _ = of("2023-12-31", "2024-01-31")
    assert calendar.labels(0, 4) == ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"]


def test_a_missing_date_leaves_its_position_open_and_an_odd_one_has_none() -> None:
    assert of("2024-03-01T00", "2024-03-01T01", "2024-03-01T02", "2024-03-01T05")[1] == [0, 1, 2, 5]
    assert of("2024-03-01T00", "2024-03-01T01", "2024-03-01T02", "2024-03-01T02:20")[1] == [0, 1, 2, -1]


def test_labels_are_as_short_as_the_step_allows() -> None:
    assert of("2024-03-01", "2024-03-02")[0].labels(0, 2) == ["2024-03-01", "2024-03-02"]
    assert of("2024-03-01T22", "2024-03-01T23")[0].labels(2, 3) == ["2024-03-02 00:00"]
    assert of("2024-03-01T22:00:01", "2024-03-01T22:00:02")[0].labels(1, 2) == ["2024-03-01 22:00:02"]
    assert Calendar.counted().labels(3, 5) == ["4", "5"]
    with pytest.raises(ValueError, match="no dates"):
        Calendar.counted().dates(0, 1)
