"""Summaries without a model: the first, or the longest, sentences of a text. Baselines of summarisation."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")
_TURN = re.compile(r"[^\s:：][^:：]{0,40}[:：]")


def utterances(text: str) -> list[str]:
    """The turns of a dialogue, that is lines most of which begin with a name and a colon; else the sentences."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and 2 * sum(_TURN.match(line) is not None for line in lines) > len(lines):
        return lines
    return [part.strip() for line in lines for part in _SENTENCE.split(line) if part.strip()]


def first(text: str, count: int) -> str:
    """LEAD: the first so many utterances."""
    return _joined(utterances(text)[:count])


def longest(text: str, count: int) -> str:
    """LONGEST: the so many longest utterances, in the order of the text."""
    parts = utterances(text)
    chosen = sorted(range(len(parts)), key=lambda i: (-len(parts[i]), i))[:count]
    return _joined([parts[i] for i in sorted(chosen)])


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(parts)
