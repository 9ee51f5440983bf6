"""Series from tables: wide, long, by split; every fault has its place and its remedy."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from forecasting_data import courses, dates, write_long, write_wide
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.errors import DataError, UserError
from attentionflow.readers.series import Columns, read_panels, read_series
from attentionflow.readers.series_checks import check_series
from attentionflow.readers.series_inputs import last_windows, typed_panel
from attentionflow.readers.windows import Panel, Series, Windows, cut_windows

NOT_SAID = Columns()


def table(folder: Path, *lines: str, name: str = "t.csv") -> Path:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name


def one(path: Path, columns: Columns = NOT_SAID, missing: str = "skip") -> Panel:
    (panel,) = read_panels(path, columns, missing)  # type: ignore[arg-type]
    return panel


# What is read


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet", "t.csv.gz"])
@pytest.mark.parametrize("write", [write_wide, write_long])
def test_wide_and_long_tables_of_every_format_hold_the_same(tmp_path: Path, name: str, write: object) -> None:
    panel = one(write(tmp_path / name))  # type: ignore[operator]
    assert panel.names == ("load", "price")
    np.testing.assert_allclose(panel.values, courses(), rtol=1e-12)
    assert panel.calendar.labels(0, 2) == dates(2)
    assert panel.rows[:3].tolist() == [1, 2, 3]
    assert not panel.findings


def test_dates_of_parquet_keep_their_type(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 9), eager=True)
    pl.DataFrame({"when": days, "x": range(9)}).write_parquet(tmp_path / "t.parquet")
    assert one(tmp_path / "t.parquet", Columns(date="when")).calendar.labels(0, 1) == ["2024-01-01"]


@pytest.mark.parametrize(
    ("first", "second", "form"),
    [
        ("2024-03-01", "2024-03-02", None),
        ("2024-03-01T10:00:00Z", "2024-03-01T11:00:00Z", None),
        ("2024-03-01 10:00:00+0200", "2024-03-01 11:00:00+0200", None),
        ("2024/03/01 10:00", "2024/03/01 11:00", None),
        ("01.03.2024", "02.03.2024", None),
        ("2024-03", "2024-04", None),
        ("2023", "2024", None),
        ("03/01/2024", "03/02/2024", "%m/%d/%Y"),
        ("Mar 1 2024 5:00 PM", "Mar 1 2024 6:00 PM", "%b %d %Y %I:%M %p"),
    ],
)
def test_dates_in_many_writings(tmp_path: Path, first: str, second: str, form: str | None) -> None:
    panel = one(table(tmp_path, "date,x", f"{first},1", f"{second},2"), Columns(date_format=form))
    assert len(panel) == 2


def test_series_with_dates_of_their_own_stay_apart(tmp_path: Path) -> None:
    path = table(tmp_path, "id,date,y", "a,2024-01-01,1", "a,2024-01-02,2", "b,2024-01-02,3", "b,2024-01-03,4")
    panels = read_panels(path, NOT_SAID, "skip")
    assert [(panel.names, len(panel)) for panel in panels] == [(("a",), 2), (("b",), 2)]
    assert panels[1].rows.tolist() == [3, 4]


def test_columns_are_chosen_by_name(tmp_path: Path) -> None:
    path = table(tmp_path, "when,x,y,note", "2024-01-01,1,2,a", "2024-01-02,3,4,b")
    assert one(path, Columns(columns=("y",))).values.tolist() == [[2], [4]]
    path = table(tmp_path, "day,shop,sold", "2024-01-01,s,2", "2024-01-02,s,4")
    assert one(path, Columns(series="shop", value="sold")).names == ("s",)


def test_rows_out_of_order_are_put_in_order_and_said(tmp_path: Path) -> None:
    panel = one(table(tmp_path, "date,x", "2024-01-02,2", "2024-01-01,1", "2024-01-03,3"))
    assert panel.values[:, 0].tolist() == [1, 2, 3]
    assert panel.rows.tolist() == [2, 1, 3]
    (finding,) = panel.findings
    assert (finding.count, finding.where) == (1, ("t.csv:2",))


def test_missing_steps_and_cells_are_named_and_left_open_or_filled(tmp_path: Path) -> None:
    lines = ["date,x", "2024-01-01,1", "2024-01-02,2", "2024-01-03,", "2024-01-06,6", "2024-01-07,NA", "2024-01-08,8"]
    panel = one(table(tmp_path, *lines))
    assert np.isnan(panel.values[:, 0]).tolist() == [False, False, True, True, True, False, True, False]
    steps, cells = panel.findings
    assert steps.where == ("t.csv, after row 3: 2024-01-04", "t.csv, after row 3: 2024-01-05")
    assert cells.where == ("t.csv:3", "t.csv:5")
    filled = one(table(tmp_path, *lines), missing="interpolate")
    np.testing.assert_allclose(filled.values[:, 0], [1, 2, 3, 4, 5, 6, 7, 8])
    assert "4 missing values were interpolated" in filled.findings[-1].what


# Splits and windows


def test_one_table_is_cut_by_time(tmp_path: Path) -> None:
    series = read_series(write_wide(tmp_path / "t.csv"), NOT_SAID, "skip", 0.2)
    assert series.splits == {"train": ((0, 360),), "val": ((360, 480),), "test": ((480, 600),)}
    splits, _ = cut_windows(series, 24, 6)
    assert {name: len(windows) for name, windows in splits.items()} == {"train": 331, "val": 115, "test": 115}
    assert splits["test"][0].start == 480, "the past of a window may lie in another split"
    assert splits["train"][-1].future is not None
    assert splits["train"][-1].start + 6 == 360, "what is forecast may not"


def test_a_folder_has_a_table_a_split(tmp_path: Path) -> None:
    values, when = courses(100), dates(100)
    for name, (first, stop) in {"train": (0, 60), "validation": (60, 80), "test": (80, 100)}.items():
        rows = [f"{d},{a}" for d, a in zip(when[first:stop], values[first:stop, 0], strict=True)]
        table(tmp_path, "date,x", *rows, name=f"{name}.csv")
    series = read_series(tmp_path, NOT_SAID, "skip", 0.2)
    assert series.splits == {"train": ((0, 60),), "val": ((60, 80),), "test": ((80, 100),)}
    np.testing.assert_allclose(series.panels[0].values[:, 0], values[:, 0])
    windows, _ = cut_windows(series, 6, 2)
    assert {name: split[0].where for name, split in windows.items()} == {
        "train": "train.csv:7",
        "val": "validation.csv:1",
        "test": "test.csv:1",
    }
    table(tmp_path, "date,x", *rows[1:], name="test.csv")
    with pytest.raises(DataError, match=r"test\.csv.*would go on at 2024-03-04T08:00"):
        read_series(tmp_path, NOT_SAID, "skip", 0.2)
    (tmp_path / "validation.csv").unlink()
    with pytest.raises(UserError, match="has no table val"):
        read_series(tmp_path, NOT_SAID, "skip", 0.2)


@settings(max_examples=50)
@given(gone=st.sets(st.integers(0, 59), max_size=4), look_back=st.integers(1, 12), horizon=st.integers(1, 6))
def test_windows_are_all_those_without_a_gap(gone: set[int], look_back: int, horizon: int) -> None:
    values = np.arange(60, dtype=float)[:, None]
    values[list(gone)] = np.nan
    panel = Panel("t.csv", typed_panel("1").calendar, ("x",), values, np.arange(1, 61))
    try:
        splits, notes = cut_windows(Series((panel,), {"train": ((0, 60),)}), look_back, horizon)
    except UserError:
        found: list[int] = []
    else:
        found = splits["train"].starts.tolist()
        broken = 60 - look_back - horizon + 1 - len(found)
        assert any(f" {broken:,} windows" in note for note in notes) == (broken > 0)
    plain = [s for s in range(look_back, 61 - horizon) if not gone & set(range(s - look_back, s + horizon))]
    assert found == plain


def test_windows_behave_as_a_sequence(tmp_path: Path) -> None:
    splits, _ = cut_windows(read_series(write_wide(tmp_path / "t.csv"), NOT_SAID, "skip", 0.2), 24, 6)
    windows = splits["val"]
    assert [w.start for w in windows[5:8]] == [365, 366, 367]
    assert windows[-1].start == windows.starts[-1]
    again = Windows.of([windows[3], windows[9]])
    assert again.starts.tolist() == [363, 369]
    assert again.panels == windows.panels
    assert windows[0].where == "t.csv:361"
    assert windows[0].dates == dates(366)[360:]
    assert windows[0].past.base is not None, "a window is a view, not a copy"


def test_series_too_short_for_a_window_are_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"{name},{d},1" for name, count in (("long", 60), ("short", 8)) for d in dates(count)]
    series = read_series(table(tmp_path, "id,date,y", *rows), NOT_SAID, "skip", 0.2)
    splits, notes = cut_windows(series, 8, 4)
    assert any("train: 1 of 2 series are too short" in note and "short" in note for note in notes)
    assert set(splits["train"].which) == {0}


@pytest.mark.parametrize(
    ("look_back", "horizon", "message"),
    [
        (400, 6, r"training part has 360 steps.*look_back=400 \+ horizon=6"),
        (24, 150, "val part has room for 120 steps"),
    ],
)
def test_data_too_short_for_any_window(tmp_path: Path, look_back: int, horizon: int, message: str) -> None:
    series = read_series(write_wide(tmp_path / "t.csv"), NOT_SAID, "skip", 0.2)
    with pytest.raises(UserError, match=message):
        cut_windows(series, look_back, horizon)


# What is wrong with a table


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["date,x", "2024-01-01,1", "2024-01-02,two"], r"row 2: 'two' in column 'x' is no number"),
        (["date,x", "2024-01-01,1", '2024-01-02,"1,5"'], r"row 2.*Decimals are written with a point"),
        (["date,x", "2024-01-01,1", "2024-01-02,inf"], r"row 2: 'inf'"),
        (["date,x", "2024-01-01,1", "soon,2"], r"row 2: 'soon' in column 'date' is no date of the form of the first"),
        (["date,x", "soon,1", "2024-01-02,2"], r"row 1: 'soon' in column 'date' is no date"),
        (["date,x", "2024-01-01,1", ",2"], r"row 2: '' in column 'date' is no date"),
        (["a,b", "x,1", "y,2"], r"no column holds dates; there are a, b"),
        (["date", "2024-01-01", "2024-01-02"], r"no column beside 'date'"),
        (
            ["date,x", "2024-01-01,1", "2024-01-02,2", "2024-01-02,3"],
            r"row 3: 2024-01-02.* is there twice, in rows 2 and 3",
        ),
        (
            ["date,x", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3", "2024-01-03 07:00,4"],
            r"is no date of the form of the first",
        ),
        (
            ["date,x", *(f"2024-01-01 0{hour}:00,1" for hour in range(5)), "2024-01-01 05:20,1"],
            r"row 6: 2024-01-01T05:20.* is off the usual step of 1 hour",
        ),
        (
            ["date,x", *(f"2024-01-01 0{hour}:00,1" for hour in range(5)), "2024-03-01 05:00,1"],
            r"only 6 are there.*coarser step",
        ),
    ],
)
def test_a_fault_has_its_row_and_its_remedy(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message) as stop:
        read_panels(table(tmp_path, *lines), NOT_SAID, "skip")
    assert "t.csv" in str(stop.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns(date="when"), r"no column 'when' \(date=\)"),
        (Columns(columns=("z",)), r"no column 'z' \(columns=\)"),
        (Columns(series="x"), "needs --set value=COLUMN"),
        (Columns(value="x"), "needs --set series=COLUMN"),
        (Columns(columns=("x",), series="x"), "leave one out"),
        (Columns(date_format="%Q"), "date_format=%Q cannot be used|no date of the form %Q"),
        (Columns(date_format="%d/%m/%Y"), "no date of the form %d/%m/%Y"),
    ],
)
def test_settings_that_do_not_fit_the_table(tmp_path: Path, columns: Columns, message: str) -> None:
    path = table(tmp_path, "date,x", "2024-01-01,1", "2024-01-02,2")
    with pytest.raises(UserError, match=message):
        read_panels(path, columns, "skip")


# Checks


def findings(path: Path) -> dict[str, list[str]]:
    splits, _ = cut_windows(read_series(path, NOT_SAID, "skip", 0.2), 24, 6)
    found: dict[str, list[str]] = {}
    for finding in check_series(splits):
        found.setdefault(finding.severity, []).append(finding.what)
    return found


def test_a_clean_table_has_facts_alone(tmp_path: Path) -> None:
    found = findings(write_wide(tmp_path / "t.csv"))
    assert found.keys() == {"info"}
    assert "2 series (load, price), 600 steps of 1 hour, 2024-03-01 00:00 to 2024-03-25 23:00" in found["info"][0]


def test_constant_series_jumps_and_gaps_are_found(tmp_path: Path) -> None:
    values = courses()
    values[:, 0] = 7
    values[500:, 1] += 5
    values[100, 1] = np.nan
    found = findings(write_wide(tmp_path / "t.csv", values))["warning"]
    assert any("1 series never change: load" in what for what in found)
    assert any(what.startswith("test: 1 series are on another level") for what in found)
    assert any("1 of 600 steps have an empty cell" in what for what in found)


# Inputs


def test_numbers_as_typed_and_arrays() -> None:
    assert typed_panel("1 2.5, -3;4e1").values[:, 0].tolist() == [1, 2.5, -3, 40]
    assert typed_panel(np.ones((5, 3))).names == ("series 1", "series 2", "series 3")
    for wrong, kind, message in (
        ("one two", UserError, "neither a table nor numbers"),
        ("", UserError, "neither a table nor numbers"),
        ([1, float("nan")], UserError, "finite"),
        (np.ones((2, 2, 2)), UserError, r"\(2, 2, 2\)"),
        ({"a": 1}, TypeError, "got dict"),
    ):
        with pytest.raises(kind, match=message):
            typed_panel(wrong)


def test_the_window_after_the_end(tmp_path: Path) -> None:
    (window,) = last_windows([one(write_wide(tmp_path / "t.csv"))], 24, 3)
    assert window.future is None
    assert window.dates == dates(603)[600:]
    assert window.where == "t.csv:2024-03-26 00:00"
    with pytest.raises(DataError, match=r"600 steps, but the model looks back over 700"):
        last_windows([window.panel], 700, 3)
    window.panel.values[590] = np.nan
    with pytest.raises(DataError, match=r"row 591: .*no value at 2024-03-25 14:00, and so at 1 of its last 24"):
        last_windows([window.panel], 24, 3)


def test_a_gzipped_input_is_read(tmp_path: Path) -> None:
    path = write_wide(tmp_path / "t.csv")
    (tmp_path / "u.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(one(tmp_path / "u.csv.gz").values, one(path).values)
