"""What is wrong with pairs of texts: the checks behind `attentionflow data check` of translation and its like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from unicodedata import is_normalized

import numpy as np

from attentionflow.readers.finding import Finding, Severity

if TYPE_CHECKING:  # pairs.py imports this file
    from attentionflow.readers.pairs import Pair

FEW = 5  # places named in a finding
LONG = 2_000  # characters
TIMES = 4.0  # how far a pair's ratio of lengths may be from the usual one
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # not the tab, nor line ends inside a table's cell
SEVERITIES = ("error", "warning", "info")

Rule = tuple[Severity, str, Callable[["Pair"], bool], str]


def _either(wrong: Callable[[str], object]) -> Callable[[Pair], bool]:
    return lambda pair: bool(wrong(pair.source) or (pair.target is not None and wrong(pair.target)))


RULES: tuple[Rule, ...] = (
    (
        "error",
        "the source is empty",
        lambda pair: not pair.source,
        "Remove the rows, on both sides, or check that the two sides run in step",
    ),
    (
        "error",
        "the target is empty",
        lambda pair: pair.target == "",
        "Remove the rows, on both sides, or check that the two sides run in step",
    ),
    (
        "warning",
        "the same text, not only figures, on both sides",
        lambda pair: pair.source == pair.target and any(map(str.isalpha, pair.source)),
        "Remove them unless such texts are to be copied",
    ),
    (
        "warning",
        "the replacement character U+FFFD in a text",
        _either(lambda text: "\ufffd" in text),
        "Convert the original file again from its true encoding: these letters are lost here",
    ),
    ("warning", "control characters in a text", _either(CONTROL.search), "Remove the characters, or the rows"),
    (
        "warning",
        "a text that is not in Unicode's normal form NFC, so that one letter may be written in two ways",
        _either(lambda text: not is_normalized("NFC", text)),
        'Convert all files, e.g. uconv -x NFC, or unicodedata.normalize("NFC", text) in Python',
    ),
)


def check_pairs(splits: Mapping[str, Sequence[Pair]], long: int = LONG) -> list[Finding]:
    """All findings, the gravest first; "train" is compared with every other split. long: characters of a long text."""
    findings: list[Finding] = []
    read = {name: list(pairs) for name, pairs in splits.items()}
    for name, pairs in read.items():
        if not pairs:
            findings.append(Finding("error", f"{name}: no pairs", 0, (), "Add some, or leave the split out"))
            continue
        findings.append(_sizes(name, pairs))
        for severity, what, wrong, remedy in (*RULES, _too_long(long)):
            findings += _found(severity, name, pairs, what, [p.where for p in pairs if wrong(p)], remedy)
        findings += _ratios(name, pairs)
        findings += _repeats(name, pairs)
        if name != "train" and "train" in read:
            findings += _overlap(name, pairs, read["train"])
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _too_long(most: int) -> Rule:
    return (
        "warning",
        f"a text of over {most:,} characters",
        _either(lambda text: len(text) > most),
        "Check that no line ends are missing; texts longer than the model's limit are cut",
    )


def _found(
    severity: Severity, name: str, pairs: Sequence[Pair], what: str, places: Sequence[str], remedy: str
) -> Iterator[Finding]:
    """One finding for all places, or none."""
    if places:
        text = f"{name}: {len(places):,} of {len(pairs):,} pairs: {what}"
        yield Finding(severity, text, len(places), tuple(places[:FEW]), remedy)


def _sizes(name: str, pairs: Sequence[Pair]) -> Finding:
    sides = [("source", [p.source for p in pairs]), ("target", [p.target for p in pairs if p.target is not None])]
    parts = [f"{name}: {len(pairs):,} pairs"]
    for side, texts in sides:
        if texts:
            characters = _spread([len(text) for text in texts])
            parts.append(f"{side} {characters} characters, {_spread([len(text.split()) for text in texts])} words")
    return Finding("info", "; ".join(parts) + " (least / median / 95 % / most)", len(pairs))


def _spread(numbers: Sequence[int]) -> str:
    return " / ".join(f"{int(number):,}" for number in np.percentile(numbers, [0, 50, 95, 100], method="nearest"))


def _ratios(name: str, pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Pairs whose ratio of lengths is far from the median, where the longer side is long enough to tell."""
    full = [pair for pair in pairs if pair.source and pair.target]
    if not full:
        return
    lengths = np.array([(len(pair.source), len(pair.target or "")) for pair in full])
    ratio = np.log(lengths[:, 1] / lengths[:, 0])
    usual = float(np.median(ratio))
    odd = (np.abs(ratio - usual) > np.log(TIMES)) & (lengths.max(axis=1) > 40)
    yield from _found(
        "warning",
        name,
        pairs,
        f"an odd ratio of lengths, more than {TIMES:g} times off the usual "
        f"{np.exp(usual):.2f} target characters a source character, one side being over 40 characters",
        [full[i].where for i in np.flatnonzero(odd)],
        "Check that the two texts belong together",
    )


def _repeats(name: str, pairs: Sequence[Pair]) -> Iterator[Finding]:
    targets: dict[str, set[str | None]] = {}
    again, other = [], []
    for pair in pairs:
        known = targets.setdefault(pair.source, set())
        if pair.target in known:
            again.append(pair.where)
        elif known:
            other.append(pair.where)
        known.add(pair.target)
    yield from _found("warning", name, pairs, "a repetition of an earlier pair", again, "Remove the repetitions")
    yield from _found("info", name, pairs, "an earlier source again, with another target", other, "")


def _overlap(name: str, pairs: Sequence[Pair], train: Sequence[Pair]) -> Iterator[Finding]:
    sources = {pair.source for pair in train}
    whole = {(pair.source, pair.target) for pair in train}
    same = [pair.where for pair in pairs if (pair.source, pair.target) in whole]
    seen = [pair.where for pair in pairs if pair.source in sources and (pair.source, pair.target) not in whole]
    remedy = f"Remove them from train, or results on {name} look better than they are"
    yield from _found("warning", name, pairs, "the pair is in train too", same, remedy)
    yield from _found("warning", name, pairs, "the source is in train too, with another target", seen, remedy)
