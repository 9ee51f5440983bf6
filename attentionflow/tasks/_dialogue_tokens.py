"""Dialogues as rows of tokens: <s>, then every turn as the token of its role, its sub-words and </s>.

Letters: n examples, T tokens of a row, C candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

import numpy as np

from attentionflow.readers.dialogues import Exchange, Turn, dialogues_of
from attentionflow.readers.vocabulary import END, START, Vocabulary
from attentionflow.records import Axis, Span
from attentionflow.tasks._roles import Roles

CANDIDATES = 10  # replies among which the right one is to be found
VOCABULARY, ROLES = "vocabulary.json", "roles.json"


@dataclass(frozen=True)
class Item:
    """What batches are cut from: in training a row, for answers an example, several of which may share a row.

    row: which. replies: where in it each turn that is foreseen begins (its role) and ends (its </s>). prompt: tokens
    before the first word of the last turn. example: which.
    """

    row: int
    replies: tuple[tuple[int, int], ...]
    prompt: int
    example: int


@dataclass(frozen=True)
class Encoded:
    """rows: tokens (T,) of a dialogue, or of as much of it as is looked at. pool, choices: replies, and (n, C) which of
    them each example is compared with, its own first, -1 for none; None in training, where a batch has its own."""

    rows: list[np.ndarray]
    items: list[Item]
    pool: list[list[int]]
    choices: np.ndarray | None


class DialogueTokens:
    """budget: tokens of a history at most, `turn` of each of its turns."""

    def __init__(self, vocabulary: Vocabulary, roles: Roles, budget: int, turn: int) -> None:
        self.vocabulary, self.roles, self.budget, self.turn = vocabulary, roles, budget, turn
        self._known: dict[str, list[int]] = {}

    @classmethod
    def learn(cls, examples: Sequence[Exchange], size: int, budget: int, turn: int) -> Self:
        dialogues = [dialogue.turns for dialogue in dialogues_of(examples)]
        texts = [one.text for turns in dialogues for one in turns]
        return cls(Vocabulary.learn(texts, size), Roles.learn(dialogues), budget, turn)

    def save(self, folder: Path) -> list[str]:
        self.vocabulary.save(folder / VOCABULARY)
        self.roles.save(folder / ROLES)
        return [VOCABULARY, ROLES]

    @classmethod
    def load(cls, folder: Path, budget: int, turn: int) -> Self:
        return cls(Vocabulary.load(folder / VOCABULARY), Roles.load(folder / ROLES), budget, turn)

    def __len__(self) -> int:
        """Tokens that there are."""
        return len(self.vocabulary) + len(self.roles)

    # For learning

    def for_training(self, examples: Sequence[Exchange], role: str | None) -> tuple[Encoded, list[str]]:
        """Rows in which every turn, or every one of this role, is a reply once. A dialogue beyond the budget is cut
        into several rows, each of which begins with what came right before."""
        ids = self._encode([turn.text for one in examples for turn in one.turns])
        rows: list[np.ndarray] = []
        items, empty, long = [], [], []
        for number, one in enumerate(examples):
            said = [
                (turn, piece) for turn, piece in zip(one.turns, self._pieces(one.turns, ids), strict=True) if turn.text
            ]
            empty += [one.where] * (len(said) < len(one.turns))
            pieces = [self._cut(piece) for _, piece in said]
            long += [one.where] * any(len(a) > len(b) for (_, a), b in zip(said, pieces, strict=True))
            wanted = [role in (None, turn.role) for turn, _ in said]
            for first, begin, end in _windows([len(piece) for piece in pieces], self.budget + self.turn):
                replies = [i - first for i in range(begin, end) if wanted[i]]
                if replies:
                    items.append(_item(len(rows), pieces[first:end], replies, number))
                    rows.append(_row(pieces[first:end]))
        notes = []
        if empty:
            notes.append(f"{len(empty):,} dialogues have empty turns, which are left out: {places(empty)}")
        if long:
            notes.append(
                f"{len(long):,} dialogues have turns of over {self.turn} tokens, which are cut: {places(long)}"
            )
        lost = len(examples) - len({item.example for item in items})
        if lost:
            notes.append(f"{lost:,} dialogues without a turn to learn were left out")
        return Encoded(rows, items, [], None), notes

    # For answers

    def for_answers(self, examples: Sequence[Exchange], seed: int) -> tuple[Encoded, list[str]]:
        """An item an example, its history within the budget, and its reply whole where it is known. Replies of one
        dialogue share a row as long as nothing of it is dropped."""
        ids = self._encode([turn.text for one in examples for turn in one.turns])
        spoken: list[list[list[int]]] = []  # the turns of each row
        items, dropped, cut, strange = [], [], [], []
        for number, one in enumerate(examples):
            _, pieces, gone, short = self.history(one, ids)
            last = self._opening(one)
            pieces = [*pieces, [last] if one.reply is None else [last, *ids[one.reply], END]]
            if spoken and len(pieces) > len(spoken[-1]) and pieces[: len(spoken[-1])] == spoken[-1]:
                spoken[-1] = pieces
            else:
                spoken.append(pieces)
            replies = [] if one.reply is None else [len(pieces) - 1]
            items.append(_item(len(spoken) - 1, pieces, replies, number))
            dropped += [one.where] * bool(gone)
            cut += [one.where] * bool(short)
            known = self.roles.names
            strange += [one.where] * bool(known and {turn.role for turn in one.history} - set(known))
        notes = []
        if dropped:
            what = f"a history is longer than {self.budget} tokens, and its oldest turns are dropped"
            notes.append(f"{len(dropped):,} times {what}: {places(dropped)}")
        if cut:
            notes.append(f"{len(cut):,} times a turn is longer than {self.turn} tokens, and cut: {places(cut)}")
        if strange:
            notes.append(
                f"{len(strange):,} histories have roles that were not among {', '.join(self.roles.names)} in training; "
                f"they are read as speakers without a name: {places(strange)}"
            )
        texts = list(dict.fromkeys(one.reply for one in examples if one.reply is not None))
        numbers = {text: at for at, text in enumerate(texts)}
        choices = np.full((len(examples), CANDIDATES), -1)
        for at, one in enumerate(examples):
            if one.reply is not None:
                drawn = _draw(numbers[one.reply], len(texts), at, seed)
                choices[at, : len(drawn)] = drawn
        return Encoded([_row(pieces) for pieces in spoken], items, [ids[text] for text in texts], choices), notes

    def history(
        self, one: Exchange, ids: dict[str, list[int]] | None = None
    ) -> tuple[list[Turn], list[list[int]], int, int]:
        """The turns of a history that are looked at, and their tokens, from the newest on as many as the budget holds;
        how many older ones are dropped, and how many are cut. Empty turns are nothing that was said."""
        ids = self._encode([turn.text for turn in one.history]) if ids is None else ids
        whole = self._pieces(one.history, ids)
        said = [i for i, turn in enumerate(one.history) if turn.text]
        pieces = [self._cut(whole[i]) for i in said]
        first, left = len(pieces), self.budget
        while first and (len(pieces[first - 1]) <= left or first == len(pieces)):
            first -= 1
            left -= len(pieces[first])
        cut = sum(len(whole[i]) > len(piece) for i, piece in zip(said[first:], pieces[first:], strict=True))
        return [one.history[i] for i in said[first:]], pieces[first:], first, cut

    def _cut(self, piece: list[int]) -> list[int]:
        """A turn without what is beyond the longest; its role and its end stay."""
        return piece if len(piece) - 2 <= self.turn else [*piece[: self.turn + 1], END]

    def _opening(self, one: Exchange) -> int:
        """The token of the role that replies."""
        role = one.role or self.roles.replying(one.history)
        return len(self.vocabulary) + self.roles.codes([*(turn.role for turn in one.history), role])[-1]

    def _pieces(self, turns: Sequence[Turn], ids: dict[str, list[int]]) -> list[list[int]]:
        codes = self.roles.codes([turn.role for turn in turns])
        opening = len(self.vocabulary)
        return [[opening + code, *ids[turn.text], END] for code, turn in zip(codes, turns, strict=True)]

    def _encode(self, texts: Sequence[str]) -> dict[str, list[int]]:
        different = list(dict.fromkeys(texts))
        return dict(zip(different, self.vocabulary.encode(different), strict=True))

    # For looking

    def axis(self, one: Exchange, written: Sequence[int]) -> Axis:
        """What is looked at, and the reply: tokens on words on turns. What was not said by others covers nothing."""
        turns, pieces, _, _ = self.history(one)
        role = one.role or self.roles.replying(one.history)
        labels, words, turn_of = ["<s>"], list[str](), list[Span]()
        spans: list[Span | None] = [None]
        for number, (turn, piece) in enumerate(zip(turns, pieces, strict=True)):
            own = self.vocabulary.axes([turn.text], len(piece) - 2)[0]
            labels += [f"{turn.role}:", *own.labels]
            shift = len(words)
            spans += [None, *(None if span is None else (span[0] + shift, span[1] + shift) for span in own.spans or ())]
            words += own.parent.labels if own.parent else ()
            turn_of += [(number, number + 1)] * (len(words) - shift)
        labels += [f"{role}:", *self.vocabulary.axes_of([written])[0].labels[:-1]]
        spans += [None] * (1 + len(written))
        said = Axis("turn", tuple(f"{turn.role}: {turn.text}" for turn in turns))
        return Axis("token", tuple(labels), tuple(spans), Axis("word", tuple(words), tuple(turn_of), said))


def _row(pieces: Sequence[Sequence[int]]) -> np.ndarray:
    return np.array([START, *(token for piece in pieces for token in piece)])


def _item(row: int, pieces: Sequence[Sequence[int]], replies: Sequence[int], example: int) -> Item:
    """replies: which of the pieces are foreseen."""
    ends = np.cumsum([1, *map(len, pieces)]).tolist()
    return Item(row, tuple((ends[i], ends[i + 1] - 1) for i in replies), ends[-2] + 1, example)


def _windows(lengths: Sequence[int], most: int) -> Iterator[tuple[int, int, int]]:
    """Turns first..end of each row, of which begin..end are new: at most `most` tokens, of which what was there before
    has half at most. Every turn is new once."""
    begin = 0
    while begin < len(lengths):
        first, size = begin, 0
        while first and size + lengths[first - 1] <= most // 2:
            first -= 1
            size += lengths[first]
        end = begin
        while end < len(lengths) and (end == begin or size + lengths[end] <= most):
            size += lengths[end]
            end += 1
        yield first, begin, end
        begin = end


def _draw(own: int, count: int, index: int, seed: int) -> np.ndarray:
    """The own reply, and others of `count` at random without repeats: a pure function of seed and index."""
    digest = blake2b(f"{seed}\n{index}".encode(), digest_size=8).digest()
    generator = np.random.default_rng(int.from_bytes(digest, "little"))
    others = generator.choice(count - 1, min(CANDIDATES, count) - 1, replace=False)
    return np.concatenate([[own], others + (others >= own)])


def places(found: Sequence[str]) -> str:
    """The first few places of many."""
    there = [place for place in dict.fromkeys(found) if place]
    return ", ".join(there[:5]) + (f" and {len(there) - 5:,} more" if len(there) > 5 else "") or "as given"
