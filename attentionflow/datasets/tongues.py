"""Names of countries, languages and currencies in twelve languages, to the language that they are written in.

From the Unicode Common Locale Data Repository (CLDR), which Babel carries, so nothing is downloaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from attentionflow.datasets._fetch import Dataset
from attentionflow.errors import UserError
from attentionflow.readers.labelled_texts import LabelledText

try:
    from babel import Locale
except ImportError as error:
    raise UserError("the data set 'tongues' needs Babel: pip install \"attentionflow[text]\"") from error

LANGUAGES = ("de", "en", "es", "fi", "fr", "it", "ja", "nl", "pl", "pt", "tr", "zh")
SHARES = {"val": range(1), "test": range(1, 3)}  # of 16 classes of things named, split by hash; the rest is train

DATASET = Dataset(
    name="tongues",
    task="text-classification",
    summary="Names of countries, languages and currencies in 12 languages, to the language: 8,380 train, 655 val, "
    "1,166 test. What a name stands for is in one split alone; names that two languages share are left out.",
    licence="Unicode License v3 (CLDR's data), BSD-3-Clause (Babel).",
    reference="None published.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"epochs": 4, "evaluations": 4, "batch_words": 256, "ema": 0.98}
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {**_SHARED, "width": 64, "feedforward": 128},
    "classic": {**_SHARED, "embedding": 64, "hidden": 64, "attention": 64},
}


def read(seed: int = 0) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """`seed` is of no effect: the splits are fixed."""
    tongues: dict[str, set[str]] = defaultdict(set)  # name -> languages
    things: dict[tuple[str, str], str] = {}  # name and language -> what it stands for
    for language in LANGUAGES:
        for thing, name in _names(Locale.parse(language)):
            tongues[name].add(language)
            things.setdefault((name, language), thing)
    splits: dict[str, list[LabelledText]] = {"train": [], "val": [], "test": []}
    for (name, language), thing in things.items():
        if len(tongues[name]) == 1:
            label = str(Locale.parse(language).english_name)
            splits[_split(thing)].append(LabelledText(name, (label,), f"tongues/{language}/{thing}"))
    for found in splits.values():  # languages mixed
        found.sort(key=lambda one: blake2b(one.where.encode(), digest_size=8).digest())
    shared = sum(len(languages) > 1 for languages in tongues.values())
    return dict(splits), [f"the data set 'tongues' leaves out {shared:,} names that several languages share"]


def _names(locale: Locale) -> Iterator[tuple[str, str]]:
    for kind, names in (
        ("territory", locale.territories),
        ("language", locale.languages),
        ("currency", locale.currencies),
    ):
        for code, name in names.items():
            if len(name) > 1 and name != code:
                yield f"{kind}/{code}", str(name)


def _split(thing: str) -> str:
    kind = blake2b(thing.encode(), digest_size=1).digest()[0] % 16
    return next((split for split, kinds in SHARES.items() if kind in kinds), "train")
