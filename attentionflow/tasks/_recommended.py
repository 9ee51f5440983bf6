"""What histories become on their way to a model, and what comes back: codes in, items with names out.

Letters: B batch, T time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attentionflow.readers.catalogue import Catalogue
from attentionflow.readers.interactions import History
from attentionflow.tasks._ranking import draw_unseen

NAMED = 5  # unknown items named in a note


@dataclass(frozen=True)
class Encoded:
    """Codes of what is looked at, what comes next (-1: unknown), and rows: which example each is.

    drawn: (n, 100) items that each target is compared with, None where no target is known.
    """

    histories: list[np.ndarray]
    targets: np.ndarray
    rows: np.ndarray
    drawn: np.ndarray | None = None


def encode_for_training(examples: Sequence[History], catalogue: Catalogue, most: int) -> tuple[Encoded, list[str]]:
    """All actions: a history longer than `most` comes in pieces, each with the target that the next one begins with."""
    histories, targets, rows, short = [], [], [], 0
    for row, one in enumerate(examples):
        codes = catalogue.encode(one.whole)
        short += len(codes) < 2
        for end in range(len(codes) - 1, 0, -most):
            histories.append(codes[max(0, end - most) : end])
            targets.append(codes[end])
            rows.append(row)
    notes = [f"{short:,} users with a single action to train on teach nothing but its popularity"] if short else []
    return Encoded(histories, np.array(targets, np.int64), np.array(rows, np.int64)), notes


def encode_for_answers(
    examples: Sequence[History], catalogue: Catalogue, most: int, draw_seed: int
) -> tuple[Encoded, list[str]]:
    """Each history once, its last `most` known items, with notes on all that is passed over."""
    examples, known, notes = list(examples), catalogue.codes, []
    seen = [catalogue.encode(one.items) for one in examples]
    targets = np.array([known.get(one.target or "", -1) for one in examples], np.int64)
    drawn = None
    if any(one.target is not None for one in examples):
        having = [np.append(codes, right) if right >= 0 else codes for codes, right in zip(seen, targets, strict=True)]
        both = zip(having, examples, strict=True)
        drawn = np.stack([draw_unseen(codes, len(known), one.user, draw_seed) for codes, one in both])
    unknown = [item for one in examples for item in one.items if item not in known]
    if unknown:
        named = ", ".join(list(dict.fromkeys(unknown))[:NAMED])
        notes.append(f"{len(unknown):,} items of histories were not in training and are passed over: {named}")
    if missing := sum(one.target is not None and one.target not in known for one in examples):
        notes.append(f"{missing:,} of {len(examples):,} targets were not in training and count as misses")
    if longer := sum(len(codes) > most for codes in seen):
        notes.append(f"{longer:,} histories are longer than max_length={most}: their oldest items are not looked at")
    if empty := sum(len(codes) == 0 for codes in seen):
        notes.append(f"{empty:,} histories hold no known item and are answered by popularity")
    return Encoded([codes[-most:] for codes in seen], targets, np.arange(len(seen)), drawn), notes


def pad(histories: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Codes (B, longest), 0 on the padding at the right, and lengths (B,)."""
    lengths = np.array([len(codes) for codes in histories])
    items = np.zeros((len(histories), max(1, lengths.max())), np.int64)
    items[np.arange(items.shape[1]) < lengths[:, None]] = np.concatenate(histories)
    return torch.from_numpy(items), torch.from_numpy(lengths)


@dataclass(frozen=True)
class Recommended:
    """Items, the likeliest first, with what people call them and the log-probability of each.

    length: of the history that was looked at; 0 where popularity answered. rank, among_drawn: how many items stood
    before the right one, -1 where it could not be found at all; None where the right one is not known.
    """

    items: tuple[str, ...]
    names: tuple[str, ...] = field(compare=False)
    scores: tuple[float, ...] = field(compare=False)
    length: int
    rank: int | None = None
    among_drawn: int | None = None

    def to_json(self) -> list[dict[str, Any]]:
        return [{"item": item, "name": name, "score": score} for item, name, score in self.rows()]

    def rows(self) -> Iterator[tuple[str, str, float]]:
        return zip(self.items, self.names, self.scores, strict=True)

    def __str__(self) -> str:
        about = f"after {self.length} items:" if self.length else "by popularity, as the history holds no known item:"
        named = (f"{item}  {name}" if name != item else item for item, name, _ in self.rows())
        return "\n".join([about, *(f"{place:>3}. {one}" for place, one in enumerate(named, start=1))])
