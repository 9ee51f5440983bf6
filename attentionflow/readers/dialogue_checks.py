"""What is wrong with dialogues: the checks behind `attentionflow data check dialogue`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attentionflow.errors import nearest
from attentionflow.readers.dialogues import Dialogue
from attentionflow.readers.finding import Finding, Severity
from attentionflow.readers.pair_checks import CONTROL, FEW, SEVERITIES

LONG = 2_000  # characters of a turn
MANY = 8  # roles that are named in a finding


def check_dialogues(splits: Mapping[str, Sequence[Dialogue]], role: str | None = None) -> list[Finding]:
    """All findings, the gravest first; "train" is compared with every other split. role: whose turns are replies."""
    findings: list[Finding] = []
    known = {turn.role for one in splits.get("train", ()) for turn in one.turns}
    for name, dialogues in splits.items():
        if not dialogues:
            findings.append(Finding("error", f"{name}: no dialogues", 0, (), "Add some, or leave the split out"))
            continue
        findings += _facts(name, dialogues)
        findings += _faults(name, dialogues)
        if role is not None:
            findings += _silent(name, dialogues, role)
        findings += _found("warning", name, dialogues, "the same as an earlier one", _again(dialogues), "Remove them")
        if name != "train":
            findings += _beside_train(name, dialogues, splits.get("train", ()), known)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _facts(name: str, dialogues: Sequence[Dialogue]) -> Iterator[Finding]:
    turns = [turn for one in dialogues for turn in one.turns]
    spread = "; ".join(
        f"{what} " + " / ".join(f"{int(n):,}" for n in np.percentile(numbers, [0, 50, 95, 100], method="nearest"))
        for what, numbers in (
            ("turns", [len(one.turns) for one in dialogues]),
            ("characters of a turn", [len(turn.text) for turn in turns]),
        )
    )
    text = f"{name}: {len(dialogues):,} dialogues, {len(turns):,} turns; {spread} (least / median / 95 % / most)"
    yield Finding("info", text, len(dialogues))
    roles = Counter(turn.role for turn in turns)
    most = ", ".join(f"{role} {count:,}" for role, count in roles.most_common(MANY))
    rest = f" and {len(roles) - MANY:,} more" if len(roles) > MANY else ""
    yield Finding("info", f"{name}: turns by role: {most}{rest}", len(roles))


def _faults(name: str, dialogues: Sequence[Dialogue]) -> Iterator[Finding]:
    def where(turns: list[list[int]]) -> list[str]:
        return [f"{one.where} turn {at[0] + 1}" for one, at in zip(dialogues, turns, strict=True) if at]

    def turns(wrong: object) -> list[list[int]]:
        return [[i for i, turn in enumerate(one.turns) if wrong(turn)] for one in dialogues]  # type: ignore[operator]

    alone = [one.where for one in dialogues if len(one.turns) < 2]
    twice = [
        [i + 1 for i, (a, b) in enumerate(zip(one.turns, one.turns[1:], strict=False)) if a.role == b.role]
        for one in dialogues
    ]
    rules: tuple[tuple[Severity, str, list[str], str], ...] = (
        ("warning", "an empty turn", where(turns(lambda t: not t.text)), "Remove the turn; training leaves it out"),
        ("warning", "no name of a role", where(turns(lambda t: not t.role)), "Name who speaks, or nobody at all"),
        ("warning", "one turn alone, so there is nothing to reply to", alone, "Add what was replied, or remove them"),
        ("info", "two turns of one role in a row", where(twice), "Join them if they are one turn"),
        (
            "warning",
            f"a turn of over {LONG:,} characters",
            where(turns(lambda t: len(t.text) > LONG)),
            "Check that no ends of turns are missing; turns beyond the model's limit are cut",
        ),
        (
            "warning",
            "the replacement character U+FFFD",
            where(turns(lambda t: "\ufffd" in t.text)),
            "Convert the original file again from its true encoding: these letters are lost here",
        ),
        ("warning", "control characters", where(turns(lambda t: CONTROL.search(t.text))), "Remove the characters"),
    )
    for severity, what, places, remedy in rules:
        yield from _found(severity, name, dialogues, what, places, remedy)


def _silent(name: str, dialogues: Sequence[Dialogue], role: str) -> Iterator[Finding]:
    silent = [one.where for one in dialogues if all(turn.role != role for turn in one.turns)]
    if len(silent) == len(dialogues):
        known = {turn.role for one in dialogues for turn in one.turns}
        remedy = f"{nearest(role, known)}. Choose with --set role=NAME, or leave it out"
        yield Finding("error", f"{name}: no turn is spoken by {role!r}", len(silent), (), remedy)
    else:
        remedy = "Such dialogues are not learned from"
        yield from _found("warning", name, dialogues, f"no turn is spoken by {role!r}", silent, remedy)


def _beside_train(
    name: str, dialogues: Sequence[Dialogue], train: Sequence[Dialogue], known: set[str]
) -> Iterator[Finding]:
    seen = set(map(_words, train))
    same = [one.where for one in dialogues if _words(one) in seen]
    remedy = f"Remove them from train, or results on {name} look better than they are"
    yield from _found("warning", name, dialogues, "the dialogue is in train too", same, remedy)
    strange = [one.where for one in dialogues if known and {turn.role for turn in one.turns} - known]
    remedy = "Call roles the same everywhere; names that belong to one dialogue alone are fine"
    yield from _found("info", name, dialogues, "a role that is not in train", strange, remedy)


def _again(dialogues: Sequence[Dialogue]) -> list[str]:
    seen: set[str] = set()
    found = []
    for one in dialogues:
        words = _words(one)
        if words in seen:
            found.append(one.where)
        seen.add(words)
    return found


def _words(dialogue: Dialogue) -> str:
    """What two dialogues must share to be the same: letters and figures, but for case and typography."""
    text = "\n".join(turn.text for turn in dialogue.turns).lower()
    return "".join(character for character in text if character.isalnum())


def _found(
    severity: Severity, name: str, dialogues: Sequence[Dialogue], what: str, places: Sequence[str], remedy: str
) -> Iterator[Finding]:
    """One finding for all places, or none."""
    if places:
        text = f"{name}: {len(places):,} of {len(dialogues):,} dialogues: {what}"
        yield Finding(severity, text, len(places), tuple(places[:FEW]), remedy)
