"""What is wrong or remarkable with interactions: the checks behind `attentionflow data check recommendation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attentionflow.readers.finding import Finding
from attentionflow.readers.interactions import FEW, LEAST, Histories, History, Interactions

SEVERITIES = ("error", "warning", "info")


def check_interactions(splits: Mapping[str, Sequence[History]]) -> list[Finding]:
    """All findings, the gravest first. Splits that are no `Histories` of one file are only counted."""
    findings = []
    for name, histories in splits.items():
        findings.append(Finding("info", f"{name}: {len(histories):,} users", len(histories)))
    train = splits.get("train")
    if isinstance(train, Histories):
        log = train.log
        findings += [*log.faults, _sizes(log), *_repeats(log), *_ties(log), *_rare(log)]
        findings += [Finding("info", note, 0) for note in log.notes]
        for name in ("val", "test"):
            if isinstance(held := splits.get(name), Histories):
                findings += _new_items(name, train, held)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _sizes(log: Interactions) -> Finding:
    users, items, actions = len(log.users), len(log.items), len(log.codes)
    spread = " / ".join(f"{int(n):,}" for n in np.percentile(log.counts, [0, 50, 95, 100], method="nearest"))
    text = f"{users:,} users, {items:,} items, {actions:,} actions, {actions / (users * items):.2%} of all pairs; "
    return Finding("info", f"{text}actions of a user {spread} (least / median / 95 % / most)", actions)


def _repeats(log: Interactions) -> Iterator[Finding]:
    """The same user and item again: in the same moment, which is a repeated row, or in another."""
    users = np.repeat(np.arange(len(log.users)), log.counts)
    order = np.lexsort((np.arange(len(log.codes)), log.codes, users))
    again = (np.diff(users[order]) == 0) & (np.diff(log.codes[order]) == 0)
    at = order[1:][again]
    same = np.zeros(len(at), bool) if log.times is None else log.times[at] == log.times[order[:-1][again]]
    yield from _found(
        "warning", log, "rows repeat the user, item and time of another row", at[same], "Remove the repetitions"
    )
    yield from _found(
        "info",
        log,
        "actions take an item again that the user had before",
        at[~same],
        "Where that is to be recommended too: --set repeats=true",
    )


def _ties(log: Interactions) -> Iterator[Finding]:
    if log.times is not None:
        first = np.zeros(len(log.times), bool)
        first[log.offsets[:-1]] = True
        tied = np.flatnonzero(~first & (np.diff(log.times, prepend=np.nan) == 0))
        text = "actions have the time of the user's action before; the order of their rows decides"
        yield from _found("warning", log, text, tied, "Give finer times, or see that the rows are in the right order")


def _rare(log: Interactions) -> Iterator[Finding]:
    counts, seen = log.counts, np.bincount(log.codes, minlength=len(log.items))
    for text, few in (
        ("users have one action", counts == 1),
        (f"users have fewer than {LEAST} actions: they are in train alone", counts < LEAST),
    ):
        places = tuple(log.users[user] for user in np.flatnonzero(few)[:FEW])
        if few.any():
            yield Finding("info", f"{few.sum():,} of {len(counts):,} {text}", int(few.sum()), places)
    if (seen == 1).any():
        places = tuple(log.items[item] for item in np.flatnonzero(seen == 1)[:FEW])
        text = f"{(seen == 1).sum():,} of {len(seen):,} items occur once"
        yield Finding("info", text, int((seen == 1).sum()), places)


def _new_items(name: str, train: Histories, held: Histories) -> Iterator[Finding]:
    """Targets of a split that training never sees."""
    log = train.log
    known = np.zeros(len(log.items), bool)
    ends = log.offsets[train.users + 1] - train.held
    for user, end in zip(train.users.tolist(), ends.tolist(), strict=True):
        known[log.codes[log.offsets[user] : end]] = True
    at = log.offsets[held.users + 1] - held.held - 1
    new = at[~known[log.codes[at]]]
    yield from _found(
        "warning",
        log,
        f"are the {name} target of a user with an item that training never sees, so no model can find it",
        new,
        "They count as misses; more data, or leaving rare items out, makes them fewer",
        of=len(held),
    )


def _found(
    severity: str, log: Interactions, text: str, at: np.ndarray, remedy: str, of: int | None = None
) -> Iterator[Finding]:
    """One finding for all actions `at`, or none."""
    if len(at):
        rows = np.sort(log.rows[at])
        places = tuple(f"{log.file}:{row}" for row in rows[:FEW])
        yield Finding(severity, f"{len(at):,} of {of or len(log.rows):,} {text}", len(at), places, remedy)  # type: ignore[arg-type]
