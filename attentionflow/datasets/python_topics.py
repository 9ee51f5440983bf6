"""The language reference behind Python's `help()`: real English text that every Python carries."""

from __future__ import annotations

from pydoc_data.topics import topics

from attentionflow.datasets._fetch import Dataset
from attentionflow.readers.passages import Cut, Passages, TextSource

DATASET = Dataset(
    name="python_topics",
    task="text-generation",
    summary="About 80 topics of Python's language reference, 465,000 characters in Python 3.11, one after the other by "
    "name: the last 33,000 are test, the 17,000 before them val. Other versions of Python differ a little.",
    licence="Python Software Foundation License version 2.",
    reference="None published; the text differs from one version of Python to the next.",
)
LENGTHS = {"test": 33_000, "val": 17_000}  # bytes

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "context": 128,
        "width": 96,
        "heads": 4,
        "layers": 2,
        "feedforward": 384,
        "tied": False,
        "recent": 5,
        "recent_rows": 8192,
        "recent_width": 48,
        "batch_units": 2048,
        "epochs": 3,
        "evaluations": 4,
    },
    "classic": {"context": 128, "batch_units": 2048, "epochs": 3, "evaluations": 4},
}


def read(cut: Cut) -> dict[str, Passages]:
    text = "\n\n".join(topics[name].strip() + "\n" for name in sorted(topics))
    source = TextSource("python_topics", text)
    train = Passages([(source, 0, len(source))], cut)
    found = {}
    for split, length in LENGTHS.items():
        train, found[split] = train.split(length)
    return {"train": train, "val": found["val"], "test": found["test"]}
