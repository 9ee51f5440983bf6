"""Motions: where the joints of a body are, frame after frame, from .npz, .npy and .csv.

    frame,joint,x,y            the columns of a .csv, and z where there is one; a row a joint and frame
    0,neck,0.31,0.20

Arrays are (T, J, D); of an .npz the one named `pose`, or its only one; `joints` holds their names. A place that is not
known is NaN or an empty cell.
Letters: T frames, J joints, D coordinates, 2 or 3.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.table import column_names, read_table

MOTIONS = (".npz", ".npy", ".csv")
POSE, NAMES = "pose", "joints"  # arrays of an .npz
SHAPE = "(frames, joints, 2 or 3 coordinates)"


@dataclass(frozen=True, eq=False)
class Motion:
    """places (T, J, D) float32, NaN where not known; joints: their names."""

    places: np.ndarray
    joints: tuple[str, ...]

    def whole(self) -> np.ndarray:
        """(T, J, D) with what is not known put between the frames around it, or, of a joint that is never seen, at the
        middle of the others."""
        if not np.isnan(self.places).any():
            return self.places
        found, times = self.places.copy(), np.arange(len(self.places))
        known = ~np.isnan(found).any(2)
        for joint in np.flatnonzero(~known.all(0)):
            at = times[known[:, joint]]
            for axis in range(found.shape[2] if len(at) else 0):
                found[:, joint, axis] = np.interp(times, at, found[at, joint, axis])
        never = np.flatnonzero(~known.any(0))
        if len(never):
            found[:, never] = np.nanmean(found, axis=1, keepdims=True)
        return found


def motion(places: np.ndarray, joints: tuple[str, ...] | None, where: str) -> Motion:
    """Checked: of the right shape, with frames and numbers in it. Joints without names are counted from 1."""
    places = np.asarray(places)
    if places.ndim != 3 or places.shape[2] not in (2, 3) or places.dtype.kind not in "fiu":
        what = f"holds an array of {places.dtype} {places.shape}, where a motion has {SHAPE}"
        raise DataError(what, file=where, remedy="Put frames first, then joints, then x and y")
    if not places.size:
        raise DataError("holds no frame", file=where, remedy="Leave it out")
    places = places.astype(np.float32)
    if np.isinf(places).any() or np.isnan(places).any(2).all():
        what = "has places that are infinite" if np.isinf(places).any() else "has no joint whose place is known"
        raise DataError(
            what, file=where, remedy="Write NaN where a joint is not seen, and leave out what holds nothing"
        )
    joints = tuple(str(number + 1) for number in range(places.shape[1])) if joints is None else joints
    if len(joints) != places.shape[1]:
        what = f"names {len(joints)} joints, and its places are of {places.shape[1]}"
        raise DataError(what, file=where, remedy=f"Correct the array {NAMES!r}")
    return Motion(places, joints)


def read_motion(path: Path, where: str) -> Motion:
    if path.suffix.lower() == ".csv":
        return _of_table(path, where)
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        what = f"cannot be read ({error})"
        raise DataError(what, file=where, remedy="Write it with numpy.save or numpy.savez, without objects") from None
    if isinstance(found, np.ndarray):
        return motion(found, None, where)
    with found:
        arrays = [name for name in found.files if name != NAMES]
        name = POSE if POSE in arrays else arrays[0] if len(arrays) == 1 else None
        if name is None:
            what = f"holds the arrays {', '.join(arrays) or 'none'}"
            raise DataError(what, file=where, remedy=f"Call that of the places {POSE!r}")
        names = tuple(str(one) for one in found[NAMES]) if NAMES in found.files else None
        return motion(found[name], names, where)


def _of_table(path: Path, where: str) -> Motion:
    axes = ["x", "y"] + ["z"] * ("z" in column_names(path))
    table = read_table(
        path, ["frame", "joint", *axes], remedy="A motion has the columns frame, joint, x, y and maybe z"
    )
    joints = tuple(dict.fromkeys(table.columns["joint"]))
    values: dict[str, np.ndarray] = {}
    for name in ("frame", *axes):
        column = []
        for row, cell in zip(table.rows, table.columns[name], strict=True):
            try:
                column.append(float(cell) if cell.strip() or name == "frame" else np.nan)
            except ValueError:
                what = f"the {name} {cell!r} is no number"
                raise DataError(what, file=where, row=row, remedy="Leave a cell empty where it is not known") from None
        values[name] = np.array(column)
    frames, at = np.unique(values["frame"], return_inverse=True)
    number = {name: place for place, name in enumerate(joints)}
    joint = np.array([number[name] for name in table.columns["joint"]])
    pairs, first = np.unique(at * len(joints) + joint, return_index=True)
    if len(pairs) < len(at):
        row = table.rows[int(np.setdiff1d(np.arange(len(at)), first)[0])]
        raise DataError("a joint is there twice in a frame", file=where, row=row, remedy="Leave one row each")
    places = np.full((len(frames), len(joints), len(axes)), np.nan, np.float32)
    places[at, joint] = np.stack([values[axis] for axis in axes], axis=1)
    return motion(places, joints, where)
