"""What is wrong or remarkable in pairs of a text and its summary, beside what may be wrong with any pair of texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from attentionflow.readers.finding import Finding
from attentionflow.readers.pair_checks import FEW, SEVERITIES, check_pairs
from attentionflow.readers.vocabulary import WORD

if TYPE_CHECKING:
    from attentionflow.readers.pairs import Pair

LONG = 100_000  # characters: a book in one cell is rather a fault of the file


def check_summaries(splits: Mapping[str, Sequence[Pair]], max_source: int, max_target: int) -> list[Finding]:
    """All findings, the gravest first. max_source, max_target: tokens that a model reads and writes."""
    findings = check_pairs(splits, LONG)
    for name, pairs in splits.items():
        findings += _of_split(name, list(pairs), max_source, max_target)
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _of_split(name: str, pairs: Sequence[Pair], max_source: int, max_target: int) -> Iterator[Finding]:
    words = [(WORD.findall(pair.source.lower()), WORD.findall((pair.target or "").lower())) for pair in pairs]
    longer = [pair.where for pair, (text, summary) in zip(pairs, words, strict=True) if 0 < len(text) < len(summary)]
    if longer:
        yield Finding(
            "warning",
            f"{name}: {len(longer):,} of {len(pairs):,} pairs: a summary with more words than its text",
            len(longer),
            tuple(longer[:FEW]),
            "Check that the columns are not exchanged, and that the two belong together",
        )
    # A word is a token at least, so these are cut for certain, and others may be.
    for side, most, setting in ((0, max_source, "max_source"), (1, max_target, "max_target")):
        cut = [pair.where for pair, both in zip(pairs, words, strict=True) if len(both[side]) >= most]
        if cut:
            fate = "their end is not read" if side == 0 else "not trained on"
            what = "texts" if side == 0 else "summaries"
            yield Finding(
                "warning",
                f"{name}: at least {len(cut):,} of {len(pairs):,} {what} are longer than {setting}={most}: {fate}",
                len(cut),
                tuple(cut[:FEW]),
                f"Raise it if that matters: --set {setting}=N",
            )
    total = sum(len(summary) for _, summary in words)
    if total:
        copied = sum(word in known for text, summary in words for known in (set(text),) for word in summary)
        share = f"{copied / total:.0%} of the words of the summaries stand in the text that they summarise"
        yield Finding("info", f"{name}: {share}", len(pairs))
