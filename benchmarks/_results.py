"""Claims and their figures: every benchmark appends to results.jsonl, and RESULTS.md is drawn from its newest lines."""

from __future__ import annotations

import datetime
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _summary import summary

FOLDER = Path(__file__).parent
VERDICT = {True: "met", False: "**missed**", None: "found"}
LINES, PAGE = FOLDER / "results.jsonl", FOLDER / "RESULTS.md"
README = (FOLDER.parent / "README.md", FOLDER.parent / "README.zh-CN.md")

_started = time.perf_counter()


def claim(
    name: str,
    value: float,
    unit: str,
    bar: str,
    *,
    baseline: Mapping[str, float] | None = None,
    peer: Mapping[str, float] | str | None = None,
    seconds: float | None = None,
    **more: Any,
) -> None:
    """Write one figure down. bar: ">= 41.0" or "<= 0.3"; a value that misses it is kept and shown as a miss. "" where
    there is nothing to reach, as with a finding."""
    line = {
        "claim": name,
        "value": round(value, 4),
        "unit": unit,
        "bar": bar,
        "met": meets(value, bar) if bar else None,
        "baseline": baseline,
        "peer": peer,
        "seconds": round(seconds if seconds is not None else time.perf_counter() - _started, 1),
        "cpu_seconds": round(time.process_time(), 1),
        "cores": os.cpu_count(),
        "command": "python " + " ".join([os.path.relpath(sys.argv[0], FOLDER.parent), *sys.argv[1:]]),
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        **more,
    }
    with LINES.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(f"{VERDICT[line['met']]} {name} = {value:.4g} {unit}{f' (bar {bar})' if bar else ''}")
    draw()


def cpu_seconds() -> float:
    """Of this process and all its threads so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def trained_seconds(folder: Path) -> float:
    """Wall seconds that the run in this folder took to train, validation included, over all its sittings."""
    from attentionflow import _checkpoint

    return float(_checkpoint.read_tensors(folder / _checkpoint.STATE)[1]["progressed"]["seconds"])


def fill(page: Path, name: str, text: str) -> None:
    """Put a generated table between `<!-- generated: NAME -->` and the next `<!-- end -->` of a page."""
    block = re.compile(rf"(<!-- generated: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    filled, count = block.subn(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page.read_text(encoding="utf-8"))
    if not count:
        raise LookupError(f"{page} has no block {name!r}")
    page.write_text(filled, encoding="utf-8")


def meets(value: float, bar: str) -> bool:
    sign, limit = bar.split()
    return value >= float(limit) if sign == ">=" else value <= float(limit)


def draw() -> None:
    """RESULTS.md and the table of the README, from the newest line of each claim."""
    newest = {line["claim"]: line for line in map(json.loads, LINES.read_text(encoding="utf-8").splitlines())}
    rows = [
        f"| {VERDICT[line['met']]} | `{name}` | {line['value']:g} {line['unit']} | {line['bar']} "
        f"| {_cell(line['baseline'])} | {_cell(line['peer'])} | {line['seconds']:g} | {line['cpu_seconds']:g} "
        f"| {line['cores']} | `{line['command']}` | {line['commit']} | {line['date']} |"
        for name, line in sorted(newest.items())
    ]
    head = "| | claim | value | bar | baseline | peer | seconds | CPU seconds | cores | command | commit | date |"
    text = (
        "# Results\n\nDrawn from `results.jsonl`; the newest line of each claim counts. A miss stays a miss here.\n\n"
    )
    PAGE.write_text(text + "\n".join([head, "|---" * 12 + "|", *rows]) + "\n", encoding="utf-8")
    for language, page in enumerate(README):
        fill(page, "figures", summary(newest, language))


def _cell(value: Mapping[str, float] | str | None) -> str:
    if not value:
        return ""
    return value if isinstance(value, str) else "; ".join(f"{name} {figure:.4g}" for name, figure in value.items())


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=FOLDER, capture_output=True, text=True)
    return found.stdout.strip()
