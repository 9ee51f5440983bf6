"""SAMSum: chats as friends write them, made up and summarised by linguists (Gliwa et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.errors import UserError
from attentionflow.readers.pairs import Pair, read_pairs

DATASET = Dataset(
    name="samsum",
    task="summarisation",
    summary="Chats in English with a summary in the third person: 14,731 train, 818 val, 819 test; on average 94 words "
    "and 11 turns a chat, 20 words a summary.",
    licence="CC BY-NC-ND 4.0.",
    address="https://github.com/dfangkai/transformer/raw/2f0667ae14107fd27badc69e5ba41194ebb91ad8/data/samsum.zip",
    archive="samsum",
    files={
        "train.csv": "8e1c74de2bd749e62b0bf218b2f0c9f5d25b8ecec605327065c2abe3c458f040",
        "validation.csv": "f0a4cdcf1805340829a5a5d48677d8c07921f622766a47cef67916cd4f8acf9b",
        "test.csv": "0c1da58c77766d5eefaf89ee6c48133481df0730d706bcf826d01efd274d5e13",
    },
    local={
        "train.csv.gz": "60c3a0b35c141d6f67fccc42c1b63e477eab43870a61882721d18d4c104f2881",
        "validation.csv.gz": "df3a0acdc53dad860257e6935f68f7bf263dcb80619b880be6b39eba3df35f23",
        "test.csv.gz": "4499c18f6752dcb5b706608c91ded8c9f918074d6f8154695dbeb72a800e5a19",
    },
    reference="ROUGE-1/2/L on test, stemmed, L at summary level, from nothing: transformer 36.6 / 11.2 / 33.1, "
    "pointer-generator 38.6 / 14.1 / 34.9, with a separator between turns 40.9 / 15.3 / 36.6; LONGEST-3 32.5 / 10.3 / "
    "29.9 (Gliwa et al. 2019).",
    size=4_011_413,
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "max_source": 256,
        "feedforward": 512,
        "dropout": 0.2,
        "learning_rate": 2.5e-3,
        "ema": 0.999,
        "epochs": 12,
        "evaluations": 8,
    },
    "classic": {"max_source": 256, "epochs": 8, "evaluations": 8},
}


def read(source: str | None = None, target: str | None = None, seed: int = 0) -> dict[str, Sequence[Pair]]:
    """Chats and summaries by split. `seed` is of no effect: the splits are fixed."""
    if source is not None or target is not None:
        raise UserError("the data set 'samsum' has one direction only: leave source and target out")
    return dict(read_pairs(fetch(DATASET), "dialogue", "summary"))
