"""Short chats whose summary is a rule: who asks whom for what, which stands somewhere in the chat and is copied."""

from __future__ import annotations

import random
from pathlib import Path

from attentionflow.readers.table import write_table

THINGS = ("milk", "bread", "tea", "rice", "salt", "fish")
NOISE = ("how are you?", "it rains", "i am late", "fine", "ok then")

# Settings with which a model learns the rule in seconds on one core.
QUICK = {
    "vocabulary": 420,
    "batch_tokens": 512,
    "label_smoothing": 0.0,
    "dropout": 0.0,
    "learning_rate": 6e-3,
    "epochs": 7,
    "evaluations": 2,
    "ema": 0.9,
}
SIZES = {
    "transformer": {"width": 48, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "feedforward": 96},
    "classic": {"embedding": 32, "hidden": 32, "attention": 32},
}


def chat(draw: random.Random) -> tuple[str, str]:
    """A chat and its summary. A name is a letter and two figures, so that most are seen once."""
    first, second = (f"{draw.choice('ABCDEFGH')}{draw.randrange(10, 100)}" for _ in range(2))
    thing = draw.choice(THINGS)
    turns = [f"{draw.choice((first, second))}: {text}" for text in draw.choices(NOISE, k=draw.randrange(1, 4))]
    turns.insert(draw.randrange(len(turns) + 1), f"{first}: please bring {thing}, {second}")
    return "\n".join(turns), f"{first} asks {second} for {thing}."


def write_chats(folder: Path, train: int = 500, val: int = 40, test: int = 60, seed: int = 0) -> Path:
    """train.csv, val.csv and test.csv with dialogue and summary in a folder."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", train), ("val", val), ("test", test)):
        chats = [chat(draw) for _ in range(count)]
        write_table(folder / f"{split}.csv", {"dialogue": [a for a, _ in chats], "summary": [b for _, b in chats]})
    return folder
