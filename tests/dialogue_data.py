"""Small dialogues whose replies follow from what was said before: a name is told, and asked for two turns later."""

from __future__ import annotations

import json
import random
from pathlib import Path

NAMES = ("Ann", "Ben", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hal")
TALK = (("How are you?", "Fine."), ("It rains.", "So it does."), ("你好。", "你好！"), ("Any news?", "None at all."))

# Settings with which a model learns the rule in seconds on one core.
QUICK = {
    "role": "bot",
    "vocabulary": 200,
    "batch_tokens": 512,
    "width": 48,
    "heads": 2,
    "layers": 2,
    "feedforward": 96,
    "matching": 32,
    "dropout": 0.0,
    "learning_rate": 1e-2,
    "epochs": 4,
    "evaluations": 2,
    "log_every": 5,
    "ema": 0.9,
}
QUICK_CLASSIC = {k: v for k, v in QUICK.items() if k not in ("width", "heads", "layers", "feedforward")}
QUICK_CLASSIC |= {"embedding": 32, "hidden": 48, "attention": 16, "epochs": 2}


def dialogue(draw: random.Random) -> list[dict[str, str]]:
    name, (said, replied) = draw.choice(NAMES), draw.choice(TALK)
    texts = [f"I am {name}.", "Hello!", said, replied, "Who am I?", f"You are {name}."]
    return [{"role": ("user", "bot")[i % 2], "content": text} for i, text in enumerate(texts)]


def write_dialogues(folder: Path, train: int = 500, val: int = 20, test: int = 40, seed: int = 0) -> Path:
    """train.jsonl, val.jsonl and test.jsonl in a folder."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", train), ("val", val), ("test", test)):
        rows = [json.dumps({"messages": dialogue(draw)}, ensure_ascii=False) for _ in range(count)]
        (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
