"""Small interactions whose answer is a rule: what comes next follows, in a ring, the item before the last one."""

from __future__ import annotations

import random
from pathlib import Path

ITEMS = 24

# Settings with which a model learns the rule in seconds on one core.
QUICK = {
    "transformer": {"width": 32, "heads": 2, "layers": 1, "feedforward": 32, "dropout": 0.1},
    "classic": {"width": 32, "attention": 4, "dropout": 0.0},
}
TRAINING = {"batch_actions": 256, "learning_rate": 1e-2, "epochs": 15, "evaluations": 2, "ema": 0.9, "log_every": 5}


def sequences(users: int = 400, seed: int = 0) -> list[list[str]]:
    """Items of each user: the one after the last but one in the ring, or sometimes one that lies anywhere."""
    draw = random.Random(seed)
    found = []
    for _ in range(users):
        taken = [draw.randrange(ITEMS), draw.randrange(ITEMS)]
        for _ in range(draw.randint(3, 8)):
            taken.append((taken[-2] + 1) % ITEMS if draw.random() < 0.95 else draw.randrange(ITEMS))
        found.append([f"i{item}" for item in taken])
    return found


def write_interactions(path: Path, users: int = 400, seed: int = 0) -> Path:
    """A CSV of user, item and timestamp, in the order of the time over all users."""
    rows = [(step, user, item) for user, items in enumerate(sequences(users, seed)) for step, item in enumerate(items)]
    lines = [f"u{user},{item},{1_700_000_000 + step}" for step, user, item in sorted(rows)]
    path.write_text("\n".join(["user,item,timestamp", *lines]) + "\n", encoding="utf-8")
    return path
