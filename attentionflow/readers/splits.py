"""How splits are called, and those that the user's files lack: held out of the training split, which is said."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import numpy as np

from attentionflow.errors import UserError

E = TypeVar("E")

ORDER = ("train", "val", "test")
CANONICAL = {"valid": "val", "validation": "val", "dev": "val"}
SPLITS = {name: name for name in ORDER} | CANONICAL | {"training": "train", "testing": "test"}  # names of folders


def fill_missing(
    splits: Mapping[str, Sequence[E]],
    hold_out: Callable[[Sequence[E], str], tuple[Sequence[E], Sequence[E]]],
    what: str,
    seed: int,
) -> tuple[dict[str, Sequence[E]], list[str]]:
    """The splits with "test" and "val" where they are missing, and notes that say so.

    hold_out: from training examples and the name of a split, what stays and what is held out, both chosen by `seed`.
    what: the examples are called, in the notes.
    """
    filled, notes = dict(splits), []
    for name in ("test", "val"):
        if name in filled:
            continue
        filled["train"], filled[name] = hold_out(filled["train"], name)
        notes.append(
            f"there is no {name} split: {len(filled[name]):,} {what} of train were held out for it (seed {seed})"
        )
    return filled, notes


def fill_chosen(
    splits: Mapping[str, Sequence[E]], chosen: Callable[[Sequence[E]], np.ndarray], what: str, seed: int
) -> tuple[dict[str, Sequence[E]], list[str]]:
    """The same by which of N training examples are held out, (N,) bool, as `held_out` and `held_out_by_label` say."""
    return fill_missing(splits, lambda train, _: divided(train, chosen(train)), what, seed)


def held_out(keys: Sequence[str], share: float, most: int, seed: int, what: str) -> np.ndarray:
    """(N,) bool, which of N examples are held out: about `share` of them and at most `most`, at random by `seed`.

    Examples of the same key stay together. what: the examples are called, where there are too few.
    """
    groups: dict[bytes, list[int]] = {}
    for index, key in enumerate(keys):
        digest = blake2b(f"{seed}\n{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        groups.setdefault(digest, []).append(index)
    wanted = max(1, min(round(share * len(keys)), most))
    held: list[int] = []
    for digest in sorted(groups):  # in random order, since they are hashes
        if len(held) + len(groups[digest]) <= wanted:
            held += groups[digest]
    if not held or len(held) == len(keys):
        raise UserError(
            f"{len(keys)} {what} of which {len(groups)} differ are too few to hold {wanted} of them out; add some, or "
            f"give a validation split of its own"
        )
    chosen = np.zeros(len(keys), dtype=bool)
    chosen[held] = True
    return chosen


def held_out_by_label(
    labels: Sequence[Hashable], keys: Sequence[bytes], share: float, most: int, seed: int, what: str
) -> np.ndarray:
    """(N,) bool, which of N examples are held out: of every label about `share`, at most `most` in all, at random by
    `seed`. Of a label, examples of the same key stay together; a label with a single key stays whole.

    what: the examples are called, where there are too few.
    """
    share = min(share, most / max(1, len(keys)))
    groups: dict[Hashable, dict[bytes, list[int]]] = {}
    for index, (label, key) in enumerate(zip(labels, keys, strict=True)):
        digest = blake2b(key, digest_size=16, key=str(seed).encode()).digest()
        groups.setdefault(label, {}).setdefault(digest, []).append(index)
    chosen = np.zeros(len(keys), dtype=bool)
    owed = 0.0  # what rounding has kept back so far, so that many small labels give their share together
    for _, by_key in sorted(groups.items(), key=lambda item: str(item[0])):
        owed += share * len(by_key)
        count = min(int(owed + 0.5), len(by_key) - 1)
        if count > 0:
            owed -= count
            for digest in sorted(by_key)[:count]:  # in random order, since they are hashes
                chosen[by_key[digest]] = True
    if not chosen.any():
        raise UserError(
            f"{len(keys)} {what} with {len(groups)} labels are too few to hold some out; add some, or give a split of "
            "its own"
        )
    return chosen


def divided(examples: Sequence[E], held: np.ndarray) -> tuple[list[E], list[E]]:
    """What stays, and what is held out; held (N,) bool."""
    kept, out = np.flatnonzero(~held).tolist(), np.flatnonzero(held).tolist()
    return [examples[i] for i in kept], [examples[i] for i in out]
