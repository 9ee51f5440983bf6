"""What is wrong with labelled texts: the checks behind `attentionflow data check` of classification and sentiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attentionflow.readers.finding import Finding, Severity
from attentionflow.readers.labelled_texts import LabelledText

FEW = 5  # places named in a finding
RARE = 5  # training texts below which a label is called rare
SEVERITIES = ("error", "warning", "info")


def check_texts(splits: Mapping[str, Sequence[LabelledText]]) -> list[Finding]:
    """All findings, the gravest first; "train" is compared with every other split."""
    findings: list[Finding] = []
    read = {name: list(texts) for name, texts in splits.items()}
    for name, texts in read.items():
        if not texts:
            findings.append(Finding("error", f"{name}: no texts", 0, (), "Add some, or leave the split out"))
            continue
        findings += [_sizes(name, texts), *_faults(name, texts), *_repeats(name, texts)]
        if name == "train":
            findings += _labels(texts)
        elif "train" in read:
            findings += _against(name, texts, read["train"])
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _found(severity: Severity, name: str, of: int, what: str, where: Sequence[str], remedy: str) -> Iterator[Finding]:
    """One finding for all places, or none."""
    if where:
        yield Finding(
            severity, f"{name}: {len(where):,} of {of:,} texts: {what}", len(where), tuple(where[:FEW]), remedy
        )


def _sizes(name: str, texts: Sequence[LabelledText]) -> Finding:
    spread = np.percentile([len(one.text) for one in texts], [0, 50, 95, 100], method="nearest")
    lengths = " / ".join(f"{int(number):,}" for number in spread)
    labels = len({one.labels for one in texts})
    phrases = sum(one.part for one in texts)
    more = f" of which {phrases:,} are phrases of longer texts" if phrases else ""
    text = f"{name}: {len(texts):,} texts{more}, {labels} different labels; {lengths} characters"
    return Finding("info", f"{text} (least / median / 95 % / most)", len(texts))


def _faults(name: str, texts: Sequence[LabelledText]) -> Iterator[Finding]:
    rules: tuple[tuple[Severity, str, list[str], str], ...] = (
        ("error", "the text is empty", [t.where for t in texts if not t.text], "Remove the rows"),
        ("error", "there is no label", [t.where for t in texts if t.labels == ()], "Add it, or remove the rows"),
        (
            "warning",
            "the replacement character U+FFFD is in the text",
            [t.where for t in texts if "\ufffd" in t.text],
            "Convert the original file again from its true encoding: these letters are lost here",
        ),
    )
    for severity, what, where, remedy in rules:
        yield from _found(severity, name, len(texts), what, where, remedy)


def _repeats(name: str, texts: Sequence[LabelledText]) -> Iterator[Finding]:
    labels: dict[str, set[tuple[str, ...] | None]] = {}
    again, other = [], []
    for one in texts:
        known = labels.setdefault(one.text, set())
        if one.labels in known:
            again.append(one.where)
        elif known:
            other.append(one.where)
        known.add(one.labels)
    severity: Severity = "info" if any(one.part for one in texts) else "warning"  # phrases repeat by nature
    yield from _found(
        severity, name, len(texts), "a repetition of an earlier text and label", again, "Remove the repetitions"
    )
    yield from _found(
        severity, name, len(texts), "an earlier text again, with another label", other, "Keep the right one"
    )


def _labels(texts: Sequence[LabelledText]) -> Iterator[Finding]:
    counts = Counter(label for one in texts for label in one.labels or ())
    if len(counts) < 2:
        yield Finding(
            "error", f"train: {len(counts)} labels; there must be two to tell apart", 0, (), "Add texts of others"
        )
        return
    (most, often), (least, seldom) = counts.most_common(1)[0], counts.most_common()[-1]
    text = (
        f"train: {len(counts)} labels; the most frequent is {most} ({often:,} texts), the rarest {least} ({seldom:,})"
    )
    yield Finding("info", text, len(counts))
    rare = sorted(label for label, count in counts.items() if count < RARE)
    if rare:
        what = f"train: {len(rare)} labels have fewer than {RARE} texts: {', '.join(rare[:FEW])}"
        yield Finding("warning", what, len(rare), (), "Add texts of these labels, or join them with others")
    folded = Counter(label.casefold().strip() for label in counts)
    alike = sorted(label for label in counts if folded[label.casefold().strip()] > 1)
    if alike:
        what = f"train: labels that differ in capitals alone: {', '.join(alike[:FEW])}"
        yield Finding("warning", what, len(alike), (), "Write each label in one way")


def _against(name: str, texts: Sequence[LabelledText], train: Sequence[LabelledText]) -> Iterator[Finding]:
    known = {label for one in train for label in one.labels or ()}
    strange = [one.where for one in texts if any(label not in known for label in one.labels or ())]
    remedy = "Such a label is never given; add training texts of it, or correct its name"
    yield from _found("warning", name, len(texts), "a label that no training text has", strange, remedy)
    seen = {one.text for one in train if not one.part}
    same = [one.where for one in texts if one.text in seen]
    remedy = f"Remove them from train, or results on {name} look better than they are"
    yield from _found("warning", name, len(texts), "the text is in train too", same, remedy)
