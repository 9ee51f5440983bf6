"""Small pictures with several answers each: what bar is on them, which ways it runs, and how far to the right it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from picture_data import LABELS, SIDE, save

COLUMNS = ("bar", "ways", "place")
WAYS = {"cross": "lying|standing", "lying": "lying", "standing": "standing"}

# Settings with which a model learns them in seconds on one core.
QUICK = {"size": SIDE, "patch": 4, "batch_pictures": 32, "shift": 0.0}
TRAINING = {"epochs": 8, "evaluations": 2, "ema": 0.9, "log_every": 5, "learning_rate": 5e-3}
OWN = {
    "task-tokens": {"channels": 8, "blocks": 1, "heads": 2, "feedforward": 32},
    "classic": {"channels": 8, "blocks": 1},
}


def tabled_bars(count: int, seed: int = 0) -> tuple[np.ndarray, list[tuple[str, str, str]]]:
    """Bright bars on noise, (N, 16, 16) in grey, and the cells of each; every eighth picture lacks its place, every
    ninth its ways."""
    draw = np.random.default_rng(seed)
    pixels = draw.integers(60, 150, (count, SIDE, SIDE)).astype(np.uint8)
    rows = []
    for at, picture in enumerate(pixels):
        label, (x, y) = LABELS[draw.integers(len(LABELS))], draw.integers(0, SIDE - 7, 2)
        if label != "standing":
            picture[y + 3, x : x + 7] = 230
        if label != "lying":
            picture[y : y + 7, x + 3] = 230
        rows.append((label, "" if at % 9 == 8 else WAYS[label], "" if at % 8 == 7 else f"{x + 3.5}"))
    return pixels, rows


def write_tabled(folder: Path, counts: dict[str, int]) -> Path:
    """train/0.png beside train/metadata.csv, and the like."""
    for seed, (split, count) in enumerate(counts.items()):
        pixels, rows = tabled_bars(count, seed)
        lines = [f"file_name,{','.join(COLUMNS)}"]
        for i, cells in enumerate(rows):
            save(folder / split / f"{i}.png", pixels[i])
            lines.append(f"{i}.png,{','.join(cells)}")
        (folder / split / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
