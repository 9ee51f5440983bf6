"""What a look over a user's data finds: one Finding a fault, for `attentionflow data check`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One kind of fault, or one fact, in a user's data.

    severity: "error" training cannot or must not go on, "warning" results will suffer or mislead, "info" a fact.
    what:     the finding in one sentence, figures included.
    count:    how many examples it concerns.
    where:    the first few places, as "file:row" with rows counted from 1.
    remedy:   what to do; empty for a fact that needs nothing done.
    """

    severity: Severity
    what: str
    count: int
    where: tuple[str, ...] = ()
    remedy: str = ""


def told(faults: Iterable[Finding]) -> list[str]:
    """As notes, each with its places."""
    return [f"{fault.what} ({', '.join(fault.where)})" for fault in faults]
