"""Units of running text: characters, bytes, byte pairs or words, learned from training text alone.

Every unit stands for some bytes, so that what is written reads the same whichever units it was written in.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from attentionflow.readers.vocabulary import WORD
from attentionflow.records import Axis

Kind = Literal["characters", "bytes", "bpe", "words"]

FIRST, UNKNOWN = 0, 1  # what every window begins with, and what was not in the training text
SPECIAL = 2
UNKNOWN_WORD = "<unk>"  # how corpora spell a word that is none of the vocabulary
UNKNOWN_CHARACTER = "\ufffd"
LINE_END = "\n"


class Units(ABC):
    """pieces: the bytes of every unit, by id; the first two are special and stand for none."""

    kind: ClassVar[Kind]
    singular: ClassVar[str]

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = list(pieces)

    @classmethod
    @abstractmethod
    def learn(cls, texts: Iterable[str], most: int) -> Self:
        """From training texts, at most so many units."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids (uint32) of each text."""

    def __len__(self) -> int:
        return len(self.pieces)

    def bytes_of(self, ids: Iterable[int]) -> bytes:
        return b"".join(self.pieces[i] for i in ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these units. Bytes that are no UTF-8 read as U+FFFD."""
        return self.bytes_of(ids).decode("utf-8", errors="replace")

    def save(self, path: Path) -> None:
        page = {"kind": self.kind, "pieces": [piece.hex() for piece in self.pieces], **self.more()}
        path.write_text(json.dumps(page), encoding="utf-8")

    def more(self) -> dict[str, object]:
        """What is saved beside the pieces."""
        return {}

    @classmethod
    def restore(cls, pieces: list[bytes], page: dict[str, str]) -> Self:
        """From the pieces and `more`."""
        return cls(pieces)

    def label(self, unit: int) -> str:
        """A unit as people read it; blanks are drawn."""
        if unit < SPECIAL:
            return ("<s>", UNKNOWN_WORD)[unit]
        text = self.pieces[unit].decode("utf-8", errors="replace")
        drawn = text.strip(" ") or "\u2423"
        return drawn.replace(LINE_END, "\u23ce").replace("\t", "\u21e5").replace("\r", "\u240d")

    def axis(self, ids: Sequence[int]) -> Axis:
        """Units on words on characters, behind the position that every window begins with."""
        heads = list(accumulate((len(self.pieces[i]) for i in ids), initial=0))
        raw = self.bytes_of(ids)
        text = raw.decode("utf-8", errors="replace")
        at = _character_at(raw, text)
        segments = _segments(text)
        owner = np.zeros(len(text) + 1, int)
        for number, (a, b) in enumerate(segments):
            owner[a:b] = number
        spans: list[tuple[int, int] | None] = []
        for a, b in pairwise(heads):
            covered = owner[at[a] : max(at[a] + 1, at[b - 1] + 1)] if b > a else None
            spans.append(None if covered is None else (int(covered[0]), int(covered[-1]) + 1))
        words = Axis("word", tuple(_shown(text[a:b]) for a, b in segments), tuple(segments), preview=text)
        return Axis("token", ("<s>", *map(self.label, ids)), (None, *spans), words)


class Characters(Units):
    """The most frequent characters; others are unknown."""

    kind = "characters"
    singular = "character"

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__(pieces)
        codes = np.array([ord(piece.decode()) for piece in self.pieces[SPECIAL:]], np.int64)
        self._ids = np.full(0x110000, UNKNOWN, np.uint32)
        self._ids[codes] = np.arange(SPECIAL, len(pieces))

    @classmethod
    def learn(cls, texts: Iterable[str], most: int) -> Self:
        counts = np.zeros(0x110000, np.int64)
        for text in texts:
            found, times = np.unique(_codes(text), return_counts=True)
            counts[found] += times
        order = np.argsort(-counts, kind="stable")[: min(most, int((counts > 0).sum()))]
        return cls([b"", UNKNOWN_CHARACTER.encode(), *(chr(code).encode() for code in np.sort(order).tolist())])

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        return np.split(self._ids[_codes("".join(texts))], list(accumulate(map(len, texts)))[:-1]) if texts else []


class Bytes(Units):
    """The 256 bytes of UTF-8: nothing is unknown."""

    kind = "bytes"
    singular = "byte"

    @classmethod
    def learn(cls, texts: Iterable[str], most: int) -> Self:
        return cls([b"", b"", *(bytes([byte]) for byte in range(256))])

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.frombuffer(text.encode(), np.uint8).astype(np.uint32) + SPECIAL for text in texts]


class BytePairs(Units):
    """Byte pairs merged by frequency within words and their blank (Sennrich et al. 2016, over bytes as in GPT-2)."""

    kind = "bpe"
    singular = "byte pair"

    def __init__(self, pieces: Sequence[bytes], tokenizer: Tokenizer) -> None:
        super().__init__(pieces)
        self._tokenizer = tokenizer

    @classmethod
    def learn(cls, texts: Iterable[str], most: int) -> Self:
        tokenizer = Tokenizer(BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        trainer = BpeTrainer(vocab_size=max(256, most), initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(texts, trainer)
        return cls._of(tokenizer)

    @classmethod
    def _of(cls, tokenizer: Tokenizer) -> Self:
        spelt = {character: byte for byte, character in _byte_characters().items()}
        tokens = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
        return cls([b"", b"", *(bytes(spelt[c] for c in token) for token, _ in tokens)], tokenizer)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        found = self._tokenizer.encode_batch_fast(list(texts))
        return [np.array(encoding.ids, np.uint32) + SPECIAL for encoding in found]

    def more(self) -> dict[str, object]:
        return {"tokenizer": self._tokenizer.to_str(pretty=False)}

    @classmethod
    def restore(cls, pieces: list[bytes], page: dict[str, str]) -> Self:
        return cls(pieces, Tokenizer.from_str(page["tokenizer"]))


class Words(Units):
    """What stands between blanks, and the end of a line; words that are not among the most frequent are unknown.

    A word is written with a blank before it. How many blanks there were is not kept.
    """

    kind = "words"
    singular = "word"

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__(pieces)
        self._ids = {piece.decode().removeprefix(" "): i for i, piece in enumerate(self.pieces) if i >= SPECIAL}

    @classmethod
    def learn(cls, texts: Iterable[str], most: int) -> Self:
        counts = Counter(chain.from_iterable(map(_words, texts)))
        counts.pop(UNKNOWN_WORD, None)
        words = sorted(counts, key=lambda word: (-counts[word], word))[:most]
        pieces = [word.encode() if word == LINE_END else b" " + word.encode() for word in words]
        return cls([b"", b" " + UNKNOWN_WORD.encode(), *pieces])

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        ids = self._ids
        return [np.array([ids.get(word, UNKNOWN) for word in _words(text)], np.uint32) for text in texts]


KINDS: dict[str, type[Units]] = {kind.kind: kind for kind in (Characters, Bytes, BytePairs, Words)}


def load_units(path: Path) -> Units:
    page = json.loads(path.read_text(encoding="utf-8"))
    return KINDS[page["kind"]].restore([bytes.fromhex(piece) for piece in page["pieces"]], page)


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)


def _words(text: str) -> Iterable[str]:
    """Words, and LINE_END where a line ends."""
    lines = text.split(LINE_END)
    for number, line in enumerate(lines):
        yield from line.split()
        if number < len(lines) - 1:
            yield LINE_END


def _byte_characters() -> dict[int, str]:
    """The character that stands for each byte in a byte-level vocabulary: itself where it can be printed (GPT-2)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("\u00a1"), ord("\u00ac") + 1), *range(ord("\u00ae"), 256)]
    rest = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


def _character_at(raw: bytes, text: str) -> list[int]:
    """The character of the text that each byte belongs to."""
    if len(raw) == len(text):
        return list(range(len(raw)))
    found: list[int] = []
    for at, character in enumerate(text):
        size = 1 if character == "\ufffd" else len(character.encode())
        found += [at] * size
    # Of bytes that are no UTF-8 several may read as one character: the rest of them belong to the last.
    return (found + [max(0, len(text) - 1)] * len(raw))[: len(raw)]


def _segments(text: str) -> list[tuple[int, int]]:
    """Words, and what stands between them, one after the other: every character is in one."""
    found, end = [], 0
    for match in WORD.finditer(text):
        if match.start() > end:
            found.append((end, match.start()))
        found.append(match.span())
        end = match.end()
    return [*found, (end, len(text))] if end < len(text) else found


def _shown(text: str) -> str:
    return text.strip(" ").replace(LINE_END, "\u23ce").replace("\t", "\u21e5") or "\u2423"
