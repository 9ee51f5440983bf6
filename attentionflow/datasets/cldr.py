"""Dates, numbers and amounts of money as 30 locales write them, to be translated to a normal form.

    [de_DE] 15. März 2024          2024-03-15
    [en_IN] 12,34,567.5            1234567.5
    [fr_FR] 1 234,50 €             1234.50 EUR

Written by Babel from the Unicode Common Locale Data Repository (CLDR), so nothing is downloaded and there is no end of
examples. The locale in front says which separators, order and currency symbols are meant, so each answer is exact.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from typing import Literal, overload

import numpy as np

from attentionflow.datasets._fetch import Dataset
from attentionflow.errors import UserError
from attentionflow.readers.pairs import Pair, Subset

try:
    from babel import Locale
    from babel.dates import parse_pattern
    from babel.numbers import format_currency, format_decimal, get_currency_precision, get_currency_symbol
except ImportError as error:
    raise UserError("the data set 'cldr' needs Babel: pip install \"attentionflow[text]\"") from error

LENGTHS = {"train": 60_000, "val": 500, "test": 1_000}
SHARES = {"train": range(2, 16), "val": range(1), "test": range(1, 2)}  # of 16 classes of targets, split by hash

DATASET = Dataset(
    name="cldr",
    task="translation",
    summary="Dates, numbers and amounts of money in the writing of 30 locales, to a normal form; made from CLDR, "
    "without end: 60,000 train, 500 val and 1,000 test by default, with no target in two of them.",
    licence="Unicode License v3 (CLDR's data), BSD-3-Clause (Babel).",
    reference="None published: the data is made here. The answer is exact, so a perfect score is possible.",
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "vocabulary": 1600,
        "batch_tokens": 1024,
        "width": 96,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "dropout": 0.0,
        "label_smoothing": 0.0,
        "learning_rate": 4e-3,
        "epochs": 2.25,
        "evaluations": 4,
    },
    "classic": {
        "vocabulary": 1600,
        "batch_tokens": 1024,
        "embedding": 128,
        "hidden": 128,
        "attention": 128,
        "dropout": 0.0,
        "label_smoothing": 0.0,
        "epochs": 2,
        "evaluations": 4,
    },
}


# fmt: off
LOCALES = (
    "en_US", "en_GB", "en_IN", "de_DE", "de_CH", "fr_FR", "es_ES", "es_MX", "pt_BR", "nl_NL", "sv_SE", "pl_PL",
    "hu_HU", "tr_TR", "vi_VN", "ru_RU", "uk_UA", "bg_BG", "el_GR", "hy_AM", "ka_GE", "he_IL", "ar_EG", "fa_IR",
    "hi_IN", "bn_BD", "th_TH", "ja_JP", "zh_CN", "ko_KR",
)
CURRENCIES = (
    "EUR", "USD", "GBP", "JPY", "CNY", "INR", "CHF", "SEK", "PLN", "RUB", "TRY", "KRW", "BRL", "MXN", "ILS",
    "THB", "VND", "UAH",
)
# fmt: on
SKELETONS = ("yMd", "yMEd", "yMMMd", "yMMMEd", "yMMMMd", "yMMMMEEEEd")
# The zero of each numbering system. Babel knows a system's separators but writes ASCII digits.
ZEROS = {"latn": "0", "arab": "\u0660", "arabext": "\u06f0", "beng": "\u09e6"}
FIRST, LAST = datetime.date(1900, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()


class Draw:
    """Random choices from one hash of `key`: the same on every machine and with every version of numpy."""

    def __init__(self, key: str) -> None:
        self._left = int.from_bytes(blake2b(key.encode(), digest_size=64).digest())

    def below(self, n: int) -> int:
        self._left, value = divmod(self._left, n)
        return value


@cache
def _locale(tag: str) -> tuple[Locale, dict[int, str]]:
    """The locale, and what turns ASCII digits into its own."""
    locale = Locale.parse(tag)
    zero = ord(ZEROS[locale.default_numbering_system])
    return locale, {ord("0") + digit: chr(zero + digit) for digit in range(10)}


@cache
def date_patterns(tag: str) -> tuple[str, ...]:
    """The locale's patterns of a date with day, month and full year."""
    locale, _ = _locale(tag)
    patterns = [locale.date_formats[width] for width in ("short", "medium", "long", "full")]
    patterns += [locale.datetime_skeletons[name] for name in SKELETONS if name in locale.datetime_skeletons]
    texts = dict.fromkeys(pattern.pattern for pattern in patterns)
    # Thai counts years from 543 BC where the era is not written.
    return tuple(text for text in texts if "yy" not in text and (tag != "th_TH" or "G" in text))


@cache
def currencies(tag: str) -> tuple[str, ...]:
    """The currencies whose symbol in this locale belongs to no other of CLDR's currencies."""
    locale, _ = _locale(tag)
    symbols = [get_currency_symbol(str(code), locale) for code in locale.currencies]
    return tuple(code for code in CURRENCIES if symbols.count(get_currency_symbol(code, locale)) == 1)


def _decimal(draw: Draw, places: int) -> Decimal:
    """A number of 1 to 9 digits, `places` of them (if there are so many) behind the point; one in eight negative."""
    digits = draw.below(10 ** (1 + draw.below(9)))
    return Decimal(-digits if draw.below(8) == 0 else digits).scaleb(-places)


# A writer draws a value and returns its target, and what writes the source: drawing is cheap, writing is not.
Writer = Callable[[Draw, str], tuple[str, Callable[[], str]]]


def _date(draw: Draw, tag: str) -> tuple[str, Callable[[], str]]:
    patterns = date_patterns(tag)
    pattern = patterns[draw.below(len(patterns))]
    date = datetime.date.fromordinal(FIRST + draw.below(LAST - FIRST + 1))
    return date.isoformat(), lambda: parse_pattern(pattern).apply(date, _locale(tag)[0])


def _number(draw: Draw, tag: str) -> tuple[str, Callable[[], str]]:
    plain = f"{_decimal(draw, draw.below(4)):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain  # CLDR writes no zeros at a fraction's end
    return plain, lambda: format_decimal(Decimal(plain), locale=_locale(tag)[0], numbering_system="default")


def _money(draw: Draw, tag: str) -> tuple[str, Callable[[], str]]:
    codes = currencies(tag)
    code = codes[draw.below(len(codes))]
    amount = abs(_decimal(draw, get_currency_precision(code)))
    style: Literal["standard", "name"] = ("standard", "standard", "name")[draw.below(3)]
    return f"{amount:f} {code}", lambda: format_currency(
        amount, code, locale=_locale(tag)[0], format_type=style, numbering_system="default"
    )


WRITERS: tuple[Writer, ...] = (_date, _date, _number, _money)


def split_of(target: str) -> str:
    """The only split that may hold this target. So no source is in two, as each source has one target."""
    kind = blake2b(target.encode(), digest_size=1).digest()[0] % 16
    return next(split for split, kinds in SHARES.items() if kind in kinds)


class Written(Sequence[Pair]):
    """Pairs of one split, made when asked for: pair i depends on the seed, the split and i alone."""

    def __init__(self, split: str, length: int, seed: int = 0) -> None:
        self.split, self.length, self.seed = split, length, seed

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Subset: ...
    def __getitem__(self, index: int | slice) -> Pair | Subset:
        if isinstance(index, slice):
            return Subset(self, np.arange(self.length)[index])
        index = range(self.length)[index]
        attempt = 0
        while True:
            draw = Draw(f"{self.seed} {self.split} {index} {attempt}")
            tag = LOCALES[draw.below(len(LOCALES))]
            target, write = WRITERS[draw.below(len(WRITERS))](draw, tag)
            if split_of(target) == self.split:
                text = write().translate(_locale(tag)[1]).strip()
                return Pair(f"[{tag}] {text}", target, f"cldr/{self.split}:{index + 1}")
            attempt += 1


def read(source: str | None = None, target: str | None = None, seed: int = 0) -> dict[str, Sequence[Pair]]:
    """Pairs by split. `seed` chooses which examples are drawn; a target's split is the same with every seed."""
    if source is not None or target is not None:
        raise UserError("the data set 'cldr' has one direction only: leave source and target out")
    return {split: Written(split, length, seed) for split, length in LENGTHS.items()}
