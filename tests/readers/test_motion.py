"""Motions from arrays and tables; gaps are closed; each fault is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import DataError
from attentionflow.readers.motion import Motion, motion, read_motion

PLACES = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
NAMES = ("hip", "knee", "foot")


def written(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["frame,joint,x,y", *rows]) + "\n", encoding="utf-8")
    return path


def test_every_way_of_writing_gives_the_same_places(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PLACES)
    np.savez(tmp_path / "b.npz", pose=PLACES.astype(float), joints=NAMES)
    np.savez(tmp_path / "c.npz", whatever=PLACES.astype(int))
    rows = [f"{t},{NAMES[j]},{x},{y}" for t in range(4) for j in range(3) for x, y in [PLACES[t, j]]]
    table = written(tmp_path / "d.csv", rows)
    found = [read_motion(tmp_path / name, name) for name in ("a.npy", "b.npz", "c.npz", table.name)]
    assert all(np.array_equal(one.places, PLACES) for one in found)
    assert [one.joints for one in found] == [("1", "2", "3"), NAMES, ("1", "2", "3"), NAMES]


def test_a_table_may_have_depth_and_leave_cells_empty(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("frame,joint,x,y,z\n5,a,0,0,1\n6,a,,,\n7,a,2,2,3\n5,b,1,1,1\n6,b,1,1,1\n7,b,1,1,1\n")
    found = read_motion(path, "one.csv")
    assert found.places.shape == (3, 2, 3)
    assert np.isnan(found.places[1, 0]).all()
    np.testing.assert_array_equal(found.whole()[:, 0, 2], [1, 2, 3])


@given(st.integers(0, 2**32 - 1))
def test_gaps_are_closed_and_nothing_else_changes(seed: int) -> None:
    draw = np.random.default_rng(seed)
    places = draw.normal(size=(6, 4, 2)).astype(np.float32)
    places[draw.random((6, 4)) < 0.4] = np.nan
    places[:, 3] = draw.choice([0.5, np.nan])
    places[:, 0] = 1.0  # one joint is always seen
    found = Motion(places, ("a", "b", "c", "d")).whole()
    known = ~np.isnan(places)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[known], places[known])
    assert found.min() >= np.nanmin(places) - 1e-6
    assert found.max() <= np.nanmax(places) + 1e-6


@pytest.mark.parametrize(
    ("places", "fault"),
    [
        (np.zeros((4, 3)), r"holds an array of float64 \(4, 3\)"),
        (np.zeros((4, 3, 5)), r"\(4, 3, 5\), where a motion has \(frames, joints, 2 or 3"),
        (np.zeros((0, 3, 2)), "holds no frame"),
        (np.full((4, 3, 2), np.nan), "has no joint whose place is known"),
        (np.full((4, 3, 2), np.inf), "has places that are infinite"),
        (np.full((4, 3, 2), "a"), "holds an array of <U1"),
    ],
)
def test_what_is_no_motion_is_named(places: np.ndarray, fault: str) -> None:
    with pytest.raises(DataError, match=f"one: .*{fault}"):
        motion(places, None, "one")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    np.save(tmp_path / "objects.npy", np.array([{}, 1], object), allow_pickle=True)
    np.savez(tmp_path / "two.npz", one=PLACES, other=PLACES)
    np.savez(tmp_path / "names.npz", pose=PLACES, joints=["a"])
    for name, fault in (
        ("cut.npy", "cannot be read"),
        ("objects.npy", "cannot be read"),
        ("two.npz", "holds the arrays one, other. Call that of the places 'pose'"),
        ("names.npz", "names 1 joints, and its places are of 3"),
    ):
        with pytest.raises(DataError, match=f"{name}: {fault}"):
            read_motion(tmp_path / name, name)
    with pytest.raises(DataError, match=r"one\.csv, row 2: the x 'far' is no number"):
        read_motion(written(tmp_path / "one.csv", ["0,a,1,1", "1,a,far,1"]), "one.csv")
    with pytest.raises(DataError, match=r"one\.csv, row 2: a joint is there twice in a frame"):
        read_motion(written(tmp_path / "one.csv", ["0,a,1,1", "0,a,2,1"]), "one.csv")
