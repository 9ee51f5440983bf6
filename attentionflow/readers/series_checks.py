"""What is wrong or remarkable in time series: the checks behind `attentionflow data check` of forecasting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from attentionflow.readers.finding import Finding
from attentionflow.readers.windows import Panel, Range, Windows

FEW = 5
SHIFT = 3.0  # training deviations by which the mean of a later split may differ
SEVERITIES = ("error", "warning", "info")


def check_series(splits: Mapping[str, Windows]) -> list[Finding]:
    """All findings, the gravest first."""
    reach = {split: dict(windows.reach()) for split, windows in splits.items()}
    panels = list(dict.fromkeys(panel for spans in reach.values() for panel in spans))
    findings = [_size(panels)]
    findings += [_windows(split, windows) for split, windows in splits.items()]
    for panel in panels:
        findings += panel.findings
        findings += _constant(panel, reach.get("train", {}).get(panel))
    for split, spans in reach.items():
        if split != "train":
            findings += _shifted(split, spans, reach.get("train", {}))
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _size(panels: list[Panel]) -> Finding:
    count = sum(len(panel.names) for panel in panels)
    names = [name for panel in panels for name in panel.names]
    ends = {tuple(panel.calendar.labels(at, at + 1)[0] for at in (0, len(panel) - 1)) for panel in panels}
    steps = {str(panel.calendar.step) for panel in panels}
    lengths = sorted(len(panel) for panel in panels)
    told = f"{lengths[0]:,}" if lengths[0] == lengths[-1] else f"{lengths[0]:,} to {lengths[-1]:,}"
    when = f", {' to '.join(next(iter(ends)))}" if len(ends) == 1 else ""
    listed = ", ".join(names[:8]) + (f" and {count - 8:,} more" if count > 8 else "")
    what = f"{count:,} series ({listed}), {told} steps of {' or '.join(sorted(steps))}{when}"
    return Finding("info", what, count)


def _windows(split: str, windows: Windows) -> Finding:
    what = f"{split}: {len(windows):,} windows of {windows.look_back} steps of past and {windows.horizon} of future"
    return Finding("info", what, len(windows))


def _constant(panel: Panel, span: Range | None) -> Iterator[Finding]:
    """Series of which there is nothing to learn."""
    if span is None:
        return
    values = panel.values[slice(*span)]
    alike = [name for name, column in zip(panel.names, values.T, strict=True) if np.nanmin(column) == np.nanmax(column)]
    if alike:
        what = f"train: {len(alike)} series never change: {', '.join(alike[:FEW])}"
        remedy = "Leave them out with --set columns=..., or from the file"
        yield Finding("warning", what, len(alike), (panel.file,), remedy)


def _shifted(split: str, spans: Mapping[Panel, Range], train: Mapping[Panel, Range]) -> Iterator[Finding]:
    """Series whose level in a later split is far from that of training."""
    far = []
    for panel, span in spans.items():
        if panel not in train:
            continue
        before, after = panel.values[slice(*train[panel])], panel.values[slice(*span)]
        apart = np.abs(np.nanmean(after, 0) - np.nanmean(before, 0))
        far += [name for name, moved in zip(panel.names, apart > SHIFT * np.nanstd(before, 0), strict=True) if moved]
    if far:
        what = f"{split}: {len(far)} series are on another level than in train, over {SHIFT:g} deviations off"
        remedy = "Scores on the scale of train will be large; check that nothing broke, such as a unit that changed"
        yield Finding("warning", f"{what}: {', '.join(far[:FEW])}", len(far), (), remedy)
