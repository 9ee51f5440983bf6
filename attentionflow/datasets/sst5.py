"""SST-5: sentences of film reviews in five classes; the labels of their phrases are not among these files."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._sst import ADDRESS, FEW_SENTENCES, LICENCE, read_sentences
from attentionflow.readers.labelled_texts import LabelledText

DATASET = Dataset(
    name="sst5",
    task="sentiment",
    summary="Sentences of film reviews in English, 0 very negative to 4 very positive: 8,544 train, 1,101 val, "
    "2,210 test.",
    licence=LICENCE,
    address=ADDRESS,
    files={
        "stsa.fine.train": "9b52b5f686ed438d4d0274c385369251b3d579b578fddd340ba8a9bae2ca4bee",
        "stsa.fine.dev": "b2f76c62b960f9fda5c6d751edb125abab4f878eb94a8754239b7f4af647f4c3",
        "stsa.fine.test": "0e2ebb450c231f7b3d67fc932066e7bb26ae7bad8c88488f45ed44ef02eb3c73",
    },
    local={
        "stsa.fine.train.gz": "99b49f85736fcd8d173c834477fdb346a6450e46f9a582ea82bc36a78e9b24af",
        "stsa.fine.dev.gz": "62aa55c593d5c9807fae37e22d2aa0cfb8a8de303b37a5a5387e26757cfd5d7d",
        "stsa.fine.test.gz": "5c0bcaef8db98a2e037d398addb9773a8e458e4d3722a1e8495ab45dd2f0ad30",
    },
    reference="Trained on phrases too: convolutional network with vectors trained before 46.7, "
    "without 42.2 (README of harvardnlp/sent-conv-torch, for Kim 2014).",
    size=1_253_691,
    folder="sst",
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {"transformer": {**FEW_SENTENCES, "longest_ngram": 6}, "classic": {}}


def read(seed: int = 0) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """`seed` is of no effect: the splits are fixed."""
    return read_sentences(DATASET, "fine"), []
