"""Roles as tokens: names that all dialogues share, or speakers by number where every dialogue has its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from attentionflow.readers.dialogues import ROLES, Turn

MOST = 8  # roles with a name
COVERED = 0.9  # share of the turns that these must have spoken, or none has a name
NUMBERED = 8  # speakers of a dialogue that are told apart without a name


class Roles:
    """names: roles that are tokens; usual: who speaks first and who replies where nothing is said.

    Another role is the first, second ... of its dialogue without such a name; the last number stands for all after it.
    """

    def __init__(self, names: Sequence[str], usual: tuple[str, str]) -> None:
        self.names, self.usual = tuple(names), usual
        self._codes = {name: code for code, name in enumerate(names)}

    @classmethod
    def learn(cls, dialogues: Iterable[Sequence[Turn]]) -> Roles:
        spoken: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for turns in dialogues:
            roles = [turn.role for turn in turns]
            spoken.update(roles)
            pairs.update((one, other) for one, other in pairwise(roles) if one != other)
        common = [name for name, _ in spoken.most_common(MOST)]
        if sum(spoken[name] for name in common) < COVERED * spoken.total():
            return cls((), ROLES)
        return cls(common, pairs.most_common(1)[0][0] if pairs else ROLES)

    def __len__(self) -> int:
        """Tokens."""
        return len(self.names) + NUMBERED

    def codes(self, roles: Sequence[str]) -> list[int]:
        """Of the speaker of every turn of a dialogue from its beginning, below `len(self)`."""
        strangers: dict[str, int] = {}
        found = []
        for role in roles:
            number = strangers.setdefault(role, len(strangers)) if role not in self._codes else 0
            found.append(self._codes.get(role, len(self.names) + min(number, NUMBERED - 1)))
        return found

    def replying(self, history: Sequence[Turn]) -> str:
        """Who speaks next: who spoke last of all others; else the usual other."""
        if not history:
            return self.usual[0]
        last = history[-1].role
        others = (turn.role for turn in reversed(history) if turn.role != last)
        return next(others, self.usual[0] if last == self.usual[1] else self.usual[1])

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"names": self.names, "usual": self.usual}, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Roles:
        page = json.loads(path.read_text(encoding="utf-8"))
        return cls(page["names"], (page["usual"][0], page["usual"][1]))
