"""Banking77: what customers of a bank ask about, in one of 77 intents."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.labelled_texts import LabelledText, one_label, read_texts

DATASET = Dataset(
    name="banking77",
    task="text-classification",
    summary="Questions to a bank in English, 77 intents: 10,003 train, 3,080 test (40 an intent); no val.",
    licence="CC BY 4.0",
    address="https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/"
    "57ec275d8078af65b7731c2a98be812d844a6d6b/banking_data",
    files={
        "train.csv": "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
        "test.csv": "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
    },
    local={
        "train.csv.gz": "eec5f16d49941f140cc6eb7b31c721615609908d6211ecc9993781589fb87b2e",
        "test.csv.gz": "e90d8ab60d56afe35565762114f3e276f458921b11d09ed0baaf2adc44a13894",
    },
    reference="Accuracy of the universal sentence encoder 92.81, of BERT tuned 93.66 (Casanueva et al. 2020).",
    size=1_079_034,
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "word_ngrams": 2,
        "dropout": 0.4,
        "feature_dropout": 0.5,
        "word_dropout": 0.2,
        "line_dropout": 0.2,
        "learning_rate": 1.5e-3,
        "weight_decay": 0.3,
        "epochs": 12,
        "evaluations": 6,
    },
    "classic": {},
}


def read(seed: int = 0) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
    """`seed` is of no effect: the splits are fixed, and val is for the task to hold out."""
    return dict(read_texts(fetch(DATASET), "text", "category", one_label)), []
