"""Small running text whose continuation is a rule: sentences of a grammar in which every word names what follows it."""

from __future__ import annotations

import random
from pathlib import Path

FOLLOWERS = {
    "the": ("cat", "dog", "bird"),
    "cat": ("sees", "hears"),
    "dog": ("sees", "finds"),
    "bird": ("hears", "finds"),
    "sees": ("the",),
    "hears": ("a",),
    "finds": ("a", "the"),
    "a": ("stone", "leaf"),
}

# Settings with which a model learns the rule in seconds on one core.
SHARED = {"context": 32, "batch_units": 512, "evaluations": 2, "log_every": 5, "ema": 0.9, "precision": "no"}
QUICK = {
    "transformer": SHARED
    | {"width": 32, "heads": 2, "layers": 2, "feedforward": 64, "dropout": 0.0, "tied": False, "recent": 3}
    | {"recent_rows": 512, "recent_width": 16, "learning_rate": 1e-2, "epochs": 3},
    "classic": SHARED | {"embedding": 32, "hidden": 64, "dropout": 0.0, "learning_rate": 1e-2, "epochs": 3},
}


def sentences(count: int, seed: int = 0) -> list[str]:
    """Each begins with "the" and goes on until a word that nothing follows, which ends it."""
    draw, found = random.Random(seed), []
    for _ in range(count):
        words = ["the"]
        while words[-1] in FOLLOWERS:
            words.append(draw.choice(FOLLOWERS[words[-1]]))
        found.append(" ".join(words))
    return found


def write_text(path: Path, count: int = 700, seed: int = 0) -> Path:
    path.write_text("\n".join(sentences(count, seed)) + "\n", encoding="utf-8")
    return path
