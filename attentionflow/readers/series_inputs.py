"""Series to forecast from: the end of a table, or numbers as typed.

Letters: T steps, C series, L look-back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.calendar import Calendar
from attentionflow.readers.windows import Panel, Windows


def typed_panel(given: Any) -> Panel:
    """Numbers as text, "41.2 40.7 ...", or an array (T,) or (T, C); steps are counted, since they have no dates."""
    if isinstance(given, str):
        cells = re.split(r"[\s,;]+", given.strip())
        try:
            values = np.array([float(cell) for cell in cells])
        except ValueError as error:
            shown = given if len(given) <= 60 else f"{given[:60]}..."
            raise UserError(
                f"{shown!r} is neither a table nor numbers ({error}); give a file such as history.csv, or numbers with "
                "blanks between them"
            ) from None
    else:
        try:
            values = np.asarray(given, float)
        except (TypeError, ValueError):
            kind = type(given).__name__
            raise TypeError(f"a history is a path, numbers as text, or an array (T,) or (T, C); got {kind}") from None
    if values.ndim not in (1, 2) or values.size == 0:
        raise UserError(f"a history is numbers (steps,) or (steps, series); got shape {values.shape}")
    if not np.isfinite(values).all():
        raise UserError("a history must hold finite numbers alone")
    values = values.reshape(len(values), -1)
    names = ("value",) if values.shape[1] == 1 else tuple(f"series {at + 1}" for at in range(values.shape[1]))
    return Panel("input", Calendar.counted(), names, values, np.zeros(len(values), int))


def last_windows(panels: Sequence[Panel], look_back: int, horizon: int) -> Windows:
    """The window after the last step of each panel. DataError where the past is too short or has gaps."""
    for panel in panels:
        if len(panel) < look_back:
            raise DataError(
                f"{panel.title} has {len(panel):,} steps, but the model looks back over {look_back:,}",
                file=panel.file,
                remedy="Give more of the past",
            )
        gone = np.flatnonzero(np.isnan(panel.values[-look_back:]).any(1))
        if len(gone):
            at = len(panel) - look_back + int(gone[0])
            raise DataError(
                f"{panel.title} has no value at {panel.calendar.labels(at, at + 1)[0]}, and so at {len(gone):,} of its "
                f"last {look_back:,} steps",
                file=panel.file,
                row=int(panel.rows[at]) or None,
                remedy="Fill them, or train with --set missing=interpolate",
            )
    starts = np.array([len(panel) for panel in panels], int)
    return Windows(panels, np.arange(len(panels)), starts, look_back, horizon)
