"""Puts the case back into a text that was written in lower case, by what was seen in training and in the source."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from attentionflow.readers.vocabulary import WORD

_BEGINNING = re.compile(r"(?:^|[.!?]\s+|\n\s*)(\w)")


class LetterCase:
    """forms: lower-cased word -> how people mostly write it inside a sentence. capital: sentences begin with one."""

    def __init__(self, forms: Mapping[str, str], capital: bool) -> None:
        self.forms, self.capital = forms, capital

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Self:
        """From texts as people write them."""
        counts: dict[str, Counter[str]] = {}
        upper = sentences = 0
        for text in texts:
            starts = {match.start(1) for match in _BEGINNING.finditer(text)}
            for match in WORD.finditer(text):
                if match.start() not in starts:
                    counts.setdefault(match[0].lower(), Counter())[match[0]] += 1
                elif match[0][0].isalpha():
                    sentences, upper = sentences + 1, upper + match[0][0].isupper()
        return cls({word: found.most_common(1)[0][0] for word, found in counts.items()}, 2 * upper > sentences)

    def __call__(self, text: str, source: str) -> str:
        """The text with the case of its words; a word that training had not is written as the source writes it."""
        seen = Counter(match[0] for match in WORD.finditer(source))
        own = {word.lower(): word for word, _ in sorted(seen.items(), key=lambda one: one[1])}
        cased = WORD.sub(lambda match: self.forms.get(match[0]) or own.get(match[0], match[0]), text)
        return _BEGINNING.sub(lambda match: match[0].upper(), cased) if self.capital else cased

    def save(self, path: Path) -> None:
        page = {"capital": self.capital, "forms": dict(sorted(self.forms.items()))}
        path.write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        page = json.loads(path.read_text(encoding="utf-8"))
        return cls(page["forms"], page["capital"])
