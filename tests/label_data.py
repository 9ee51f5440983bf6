"""Small labelled texts whose label is a rule: which of two clauses counts, and what is said in it."""

from __future__ import annotations

import json
import random
from pathlib import Path

TOPICS = {"money": ("price", "bill", "refund"), "food": ("soup", "bread", "fish"), "room": ("bed", "view", "shower")}

# Settings with which a model learns the rule in seconds on one core.
QUICK = {"width": 32, "heads": 2, "feedforward": 64, "batch_words": 256, "epochs": 4, "evaluations": 2, "ema": 0.9}
QUICK_CLASSIC = {"embedding": 32, "hidden": 16, "attention": 16, "batch_words": 256, "epochs": 4, "evaluations": 2}
QUICK_CLASSIC |= {"ema": 0.9, "log_every": 2, "learning_rate": 1e-2}


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """Text and topic; a third of the texts hold a word of another topic, in what "not" leads to."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        topic, other = draw.sample(list(TOPICS), 2)
        text = f"{draw.choice(['the', 'this', 'our'])} {draw.choice(TOPICS[topic])} was on {draw.randint(1, 400)}"
        if draw.random() < 0.33:
            text += f" and not the {draw.choice(TOPICS[other])}"
        found.append((text, topic))
    return found


def write_table(path: Path, count: int = 300, seed: int = 0) -> Path:
    rows = "".join(f"{text},{topic}\n" for text, topic in sentences(count, seed))
    path.write_text("text,label\n" + rows, encoding="utf-8")
    return path


def write_several(path: Path, count: int = 300, seed: int = 0) -> Path:
    """The labels of a text are all topics of its words."""
    kinds = {word: topic for topic, words in TOPICS.items() for word in words}
    rows = []
    for text, _ in sentences(count, seed):
        labels = sorted({kinds[word] for word in text.split() if word in kinds})
        rows.append(json.dumps({"text": text, "label": labels}))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
