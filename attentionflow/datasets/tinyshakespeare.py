"""Tiny Shakespeare: 1.1 million characters of his plays, the customary data of character language models."""

from __future__ import annotations

from pathlib import Path

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.passages import Cut, Passages, Source

DATASET = Dataset(
    name="tinyshakespeare",
    task="text-generation",
    summary="40,000 lines of Shakespeare's plays, 1,115,394 characters, 65 distinct, by position: the last 10 % are "
    "test (what nanoGPT calls val), the 5 % before them val.",
    licence="MIT (the repository); Shakespeare's text is in the public domain.",
    address="https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/"
    "tinyshakespeare",
    files={"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
    local={"input.txt.gz": "bed00f18e91cda6838950656f0a95e07e0f4dbe8649a4b959f7602a7e53fbc6e"},
    reference="Cross-entropy of the last 10 %: 1.4697 nats a character by a transformer of 10.6 M parameters in three "
    "minutes of an A100, 1.88 by one of 0.8 M on a CPU (README of nanoGPT).",
    size=1_115_394,
)
TRAIN, VAL = 953_854, 1_003_854  # characters, which are bytes here, before which these splits end

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {
        "width": 128,
        "heads": 2,
        "layers": 5,
        "feedforward": 512,
        "dropout": 0.1,
        "tied": False,
        "batch_units": 2048,
        "learning_rate": 4e-3,
        "epochs": 6,
        "evaluations": 4,
    },
    "classic": {"batch_units": 2048, "epochs": 15, "evaluations": 8},
}


def read(cut: Cut) -> dict[str, Passages]:
    source = Source(_file(fetch(DATASET)))
    ends = {"train": (0, TRAIN), "val": (TRAIN, VAL), "test": (VAL, len(source))}
    return {split: Passages([(source, start, stop)], cut) for split, (start, stop) in ends.items()}


def _file(folder: Path) -> Path:
    return next(path for name in ("input.txt", "input.txt.gz") if (path := folder / name).exists())
