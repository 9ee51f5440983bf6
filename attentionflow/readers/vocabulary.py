"""Byte-pair vocabulary of texts, learned from training texts alone, with the place of every sub-word in its text."""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from tokenizers import Encoding, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from attentionflow.errors import UserError
from attentionflow.records import Axis

PAD, UNKNOWN, START, END = range(4)
SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

# Scripts written without blanks: each character counts as a word.
_UNSPACED = r"\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# Accents and vowel signs that stand for themselves, and joiners: part of a word, but not \w.
_MARKS = "\u200c\u200d" + "".join(c for c in map(chr, range(0x300, 0xFE30)) if unicodedata.category(c)[0] == "M")
_LETTERS = rf"[^\W{_UNSPACED}](?:[^\W{_UNSPACED}]|[{_MARKS}])*"
# Hyphens and apostrophes join letters (T-shirt, don't), not figures (2024-03-15).
WORD = re.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’\-](?!\d){_LETTERS})*|[^\w\s]")
_BLANK = "\u2581"
_LINE_END = "\u23ce"  # how the token of a line end is shown


class Vocabulary:
    """Sub-word ids of texts and back (Sennrich et al. 2016).

    Blanks are part of the sub-words (▁), digits and punctuation marks stand alone, so decoding restores the text. The
    input is normalised to NFC. In text with more characters than a quarter of the vocabulary, such as Chinese, rare
    ones are spelt in UTF-8 bytes; elsewhere an unseen character is <unk>.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes = {tokenizer.token_to_id(byte) for byte in BYTES} - {None}

    @classmethod
    def learn(cls, texts: Sequence[str], size: int, *, lowercase: bool = False, loose: bool = False) -> Vocabulary:
        """At most `size` sub-words from these texts.

        lowercase: upper case is read as lower case. loose: a word is the same sub-words wherever it stands, so that it
        can be copied: a line end is a token of its own, runs of blanks are one, in scripts that are written without
        blanks each character stands alone, and any character that is rare or unseen is spelt in bytes.
        """
        characters = {character for text in texts for character in (text.lower() if lowercase else text)}
        spell = loose or len(characters) > size // 4
        special = [*SPECIAL, *(BYTES if spell else ())]
        if size < len(special) + 64:
            raise UserError(f"a vocabulary of {size} is too small for this text; take at least {len(special) + 64}")
        tokenizer = _tokenizer(BPE(unk_token=SPECIAL[UNKNOWN]), lowercase, loose)
        trainer = BpeTrainer(
            vocab_size=size, special_tokens=special, limit_alphabet=(size - len(special)) // 2, show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer, length=len(texts))
        # Built anew from what was learned: the trainer's special tokens would also be found inside users' texts.
        model = json.loads(tokenizer.to_str())["model"]
        merges = [tuple(merge) for merge in model["merges"]]
        bpe = BPE(model["vocab"], merges, unk_token=SPECIAL[UNKNOWN], byte_fallback=spell, fuse_unk=True)
        return cls(_tokenizer(bpe, lowercase, loose))

    def save(self, path: Path) -> None:
        path.write_text(self._tokenizer.to_str(pretty=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        return cls(Tokenizer.from_str(path.read_text(encoding="utf-8")))

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size()

    @property
    def line_end(self) -> int | None:
        """The token of a line end, where it is one of its own and was seen."""
        found: int | None = self._tokenizer.token_to_id(f"{_BLANK}\n")
        return found

    def encode(self, texts: Iterable[str]) -> list[list[int]]:
        """Ids of each text, without start and end."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def decode(self, ids: Iterable[Sequence[int]]) -> list[str]:
        return self._tokenizer.decode_batch([list(text) for text in ids])

    def axes(self, texts: Iterable[str], most: int | None = None) -> list[Axis]:
        """Of each text, its first `most` sub-words, and its end token, on its words on its characters."""
        texts = list(texts)
        return [_axis_of_text(*one, most) for one in zip(texts, self._tokenizer.encode_batch(texts), strict=True)]

    def axes_of(self, texts: Iterable[Sequence[int]]) -> list[Axis]:
        """The same of texts given by their ids, such as hypotheses, which need not be how a text is encoded."""
        texts = list(texts)
        heads = iter(self.decode(ids[:end] for ids in texts for end in range(len(ids) + 1)))
        return [self._axis_of_ids(ids, [next(heads) for _ in range(len(ids) + 1)]) for ids in texts]

    def _axis_of_ids(self, ids: Sequence[int], heads: Sequence[str]) -> Axis:
        """heads: what the first 0, 1, 2 ... of the ids read as."""
        text, ends = heads[-1], [len(head) for head in heads]
        offsets: list[tuple[int, int]] = []
        for spelt, run in groupby(range(len(ids)), lambda i: ids[i] in self._bytes):
            at = list(run)
            if spelt:  # a beginning of these bytes may be no text yet, so its length tells nothing
                offsets += _spelt(text, ends[at[0]], ends[at[-1] + 1], len(at))
            else:
                offsets += [(ends[i], ends[i + 1]) for i in at]
        labels = [text[a:b].strip() or (_LINE_END if "\n" in text[a:b] else _BLANK) for a, b in offsets]
        return _axis(text, labels, offsets)


def _axis_of_text(text: str, encoding: Encoding, most: int | None) -> Axis:
    # A blank alone covers nothing, but the one put before the text has the offsets of its first character.
    pairs = list(zip(encoding.offsets, encoding.tokens, strict=True))
    offsets = [(a, a if token == _BLANK else b) for (a, b), token in pairs]
    labels = [
        text[a:b].strip() or (_LINE_END if token.endswith("\n") else token)
        for (a, b), (_, token) in zip(offsets, pairs, strict=True)
    ]
    return _axis(text, labels[:most], offsets[:most])


def _axis(text: str, labels: Sequence[str], offsets: Sequence[tuple[int, int]]) -> Axis:
    words = [match.span() for match in WORD.finditer(text)]
    parent = Axis("word", tuple(text[a:b] for a, b in words), tuple(words), preview=text)
    starts, ends = [a for a, _ in words], [b for _, b in words]
    spans = [_cover(starts, ends, a, b) for a, b in offsets]
    return Axis("token", (*labels, SPECIAL[END]), (*spans, None), parent)


def _tokenizer(model: BPE, lowercase: bool = False, loose: bool = False) -> Tokenizer:
    tokenizer = Tokenizer(model)
    # Two blanks around a line end, so that the word behind it begins as any other does.
    lines = [normalizers.Replace(Regex(r"\s*\n\s*"), " \n "), normalizers.Replace(Regex(r"[^\S\n]+"), " ")]
    normal = [normalizers.NFC(), *([normalizers.Lowercase()] if lowercase else []), *(lines if loose else [])]
    tokenizer.normalizer = normal[0] if len(normal) == 1 else normalizers.Sequence(normal)
    unspaced = _UNSPACED.encode().decode("unicode_escape")  # Regex knows no \\U
    alone = [pre_tokenizers.Split(Regex(f"[{unspaced}]"), "isolated")] if loose else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            *alone,
        ]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    return tokenizer


def _spelt(text: str, start: int, end: int, count: int) -> list[tuple[int, int]]:
    """The character of each of `count` bytes that spell characters start..end."""
    widths = [len(character.encode()) for character in text[start:end]]
    if sum(widths) != count:  # no UTF-8: each byte reads as one replacement character
        widths = [1] * count
    return [(i, i + 1) for i, width in enumerate(widths, start) for _ in range(width)]


def _cover(starts: list[int], ends: list[int], start: int, end: int) -> tuple[int, int] | None:
    """First and one past last of the words that characters start..end touch; None where they touch none."""
    first, last = bisect_right(ends, start), bisect_left(starts, end)
    return (first, last) if first < last else None
