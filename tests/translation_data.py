"""Small translation data whose answer is a rule: each word has one translation, and the order is turned round."""

from __future__ import annotations

import random
from pathlib import Path

WORDS = {"red": "rot", "green": "grün", "big": "groß", "small": "klein", "dog": "Hund", "cat": "Katze", "house": "Haus"}

# Settings with which a model learns the rule in seconds on one core.
QUICK = {
    "vocabulary": 160,
    "batch_tokens": 512,
    "width": 32,
    "heads": 2,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "feedforward": 64,
    "dropout": 0.0,
    "learning_rate": 1e-2,
    "label_smoothing": 0.0,
    "epochs": 3,
    "evaluations": 3,
    "log_every": 5,
    "ema": 0.9,
}
QUICK_CLASSIC = {k: v for k, v in QUICK.items() if k not in ("width", "heads", "encoder_layers", "decoder_layers")}
QUICK_CLASSIC = {k: v for k, v in QUICK_CLASSIC.items() if k != "feedforward"}
QUICK_CLASSIC |= {"embedding": 96, "hidden": 64, "attention": 64, "batch_tokens": 128}


def write_pairs(folder: Path, train: int = 400, val: int = 40, test: int = 50, seed: int = 0) -> Path:
    """train.en, train.de, val.en ... in a folder; no sentence is in two splits."""
    draw = random.Random(seed)
    seen: set[str] = set()
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", train), ("val", val), ("test", test)):
        sources: list[str] = []
        while len(sources) < count:
            text = " ".join(draw.choices(list(WORDS), k=draw.randint(2, 5)))
            if text not in seen:
                seen.add(text)
                sources.append(text)
        targets = [" ".join(WORDS[word] for word in reversed(text.split())) for text in sources]
        (folder / f"{split}.en").write_text("\n".join(sources) + "\n", encoding="utf-8")
        (folder / f"{split}.de").write_text("\n".join(targets) + "\n", encoding="utf-8")
    return folder


DIRECTION = {"source": "en", "target": "de"}
