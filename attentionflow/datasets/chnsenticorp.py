"""ChnSentiCorp: what buyers and guests write about hotels, laptops and books in Chinese, for or against."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.errors import DataError
from attentionflow.readers.labelled_texts import LabelledText
from attentionflow.readers.text import Lines

DATASET = Dataset(
    name="chnsenticorp",
    task="sentiment",
    summary="Reviews in Chinese, 0 negative and 1 positive: 9,600 train, 1,200 val, 1,200 test.",
    licence="None stated for the data; the repository they are taken from is under Apache-2.0.",
    address="https://raw.githubusercontent.com/ymcui/Chinese-BERT-wwm/f6410cbd89c49dee8a42a7f7d94d9cca87b431aa/data/"
    "chnsenticorp/chnsenticorp.zip",
    archive=".",
    files={
        "train.tsv": "0b2653c23e5c79f539472e90cb10522f0ada4b80d3da95572d8b48fda47d5b33",
        "dev.tsv": "d129e443eac08ce7643013dad496a8edf282be39cac1a4f2ad080818b296b331",
        "test.tsv": "34f9d71eba6096cd8689e18913d28cf9a5f3c18a6c2804cd13304a321738c4bc",
    },
    local={
        "train.tsv.gz": "1f0fe0320354aeb3bcbbaecf15f164a380e6074d6d6b8bd2cd0b8f762422309b",
        "dev.tsv.gz": "fcf20f2c229ffd0c2995d941e02e5c12e3659029eb710a76975713b504716c0c",
        "test.tsv.gz": "9dcb05e597e19632ef8c75024a70039c9b156ddfda97be587b375cb11ff2da08",
    },
    reference="Test accuracy of BERT 95.0, best of ten runs (README of ymcui/Chinese-BERT-wwm).",
    size=1_756_782,
)
SPLITS = {"train": "train", "dev": "val", "test": "test"}

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "features": 1_000_000,
        "batch_words": 2048,
        "width": 64,
        "window": 128,
        "dropout": 0.4,
        "feature_dropout": 0.5,
        "word_dropout": 0.2,
        "line_dropout": 0.2,
        "learning_rate": 1e-3,
        "weight_decay": 0.3,
        "epochs": 3,
        "evaluations": 3,
    },
    "classic": {},
}


def read(seed: int = 0) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """`seed` is of no effect: the splits are fixed. Quotation marks are a part of the texts, not of the format."""
    folder = fetch(DATASET)
    splits: dict[str, Sequence[LabelledText]] = {}
    for name, split in SPLITS.items():
        path = next(path for path in (folder / f"{name}.tsv.gz", folder / f"{name}.tsv") if path.is_file())
        found = []
        for row, line in enumerate(Lines(path)):  # row 0 is the header
            label, tab, text = line.partition("\t")
            if row and not (tab and label in ("0", "1") and text.strip()):
                raise DataError("no label and text", file=path, row=row, remedy="A line is 0 or 1, a tab, and a text")
            if row:
                found.append(LabelledText(text.strip(), (label,), f"{name}.tsv:{row}"))
        splits[split] = found
    return splits, []
