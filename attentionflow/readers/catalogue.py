"""The items that training saw, most frequent first, with how often and what people call them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError
from attentionflow.readers.interactions import Histories, History


class Catalogue:
    """items: by code; counts: (V,) how often each occurs; names: item -> name, for those that have one."""

    def __init__(self, items: Sequence[str], counts: Sequence[int], names: Mapping[str, str]) -> None:
        self.items, self.counts, self.names = list(items), np.asarray(counts), dict(names)
        self.codes = {item: code for code, item in enumerate(self.items)}

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def learn(cls, histories: Sequence[History]) -> Catalogue:
        """Every item of these histories and what came next; ties in order of first appearance."""
        counted: Counter[str] = Counter()
        for one in histories:
            counted.update(one.whole)
        known = histories.log.names if isinstance(histories, Histories) and histories.log.names else {}
        ranked = counted.most_common()
        names = {item: known[item] for item, _ in ranked if item in known}
        return cls([item for item, _ in ranked], [count for _, count in ranked], names)

    def encode(self, items: Iterable[str]) -> np.ndarray:
        """Codes of the items that are known, in their order."""
        return np.array([code for item in items if (code := self.codes.get(item)) is not None], np.int64)

    def name(self, item: str) -> str:
        return self.names.get(item, item)

    @property
    def log_popularity(self) -> np.ndarray:
        """(V,) log of each item's share of all actions, float32."""
        return np.log(self.counts / self.counts.sum()).astype(np.float32)

    def save(self, path: Path) -> None:
        page = {"items": self.items, "counts": self.counts.tolist(), "names": self.names}
        path.write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Catalogue:
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"cannot be read ({error})", file=path, remedy="Copy the whole run folder again") from error
