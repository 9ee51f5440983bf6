"""DailyDialog: everyday conversations in English, from pages for learners of the language (Li et al. 2017).

The public files are all dialogues together, and the official validation and test splits; the training split is the
rest. Typography differs between them, so a line is known by its letters and figures alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.dialogues import Dialogue, Turn, read_file

DATASET = Dataset(
    name="dailydialog",
    task="dialogue",
    summary="Everyday conversations of two people in English, 8 turns each on average: 10,808 train (without 310 that "
    "are in val or test too), 1,000 val with 7,069 replies, 1,000 test with 6,740 replies.",
    licence="CC BY-NC-SA 4.0.",
    address="https://raw.githubusercontent.com/wsxzwps/ecm/d490da5b0ceb7b6cb656d607e7f1ba4888e4605e/data",
    packed={
        "dialogues_text.txt": "https://raw.githubusercontent.com/jackyetz/Analyzing-PoS-of-words/"
        "17879ec281d205937f01754ed3502db5ed47d0d5/dialogues_text.zip",
    },
    files={
        "dialogues_text.txt": "f48c07116eadb93eaff6af3d07fd70cfcc28474e76bd027005ab5166f80c3b76",
        "dialogues_validation.txt": "98939b6e90e422bcfd5f3ac8a10afc01f484de25eb6087778ff68b0b7fee8270",
        "dialogues_test.txt": "1fdbfc59a1e62d5e897a7b6821d900411f9ee7f6f8e3cd9b56c99f9d190203b6",
    },
    local={
        "dialogues_text.txt.gz": "1820599ba50ca6bf95ded90ef959971fa92046548b8bf2292f5a35202be0a715",
        "dialogues_validation.txt.gz": "490908539939603759ea7e41c81a883d401690ba0f7c01b0799220fea041c475",
        "dialogues_test.txt.gz": "d950aa1d1b1066aa9ca51d65ef33b431583f8fb9246db89ceb286ef1628491ee",
    },
    reference="Test, BLEU-1 / BLEU-2 / distinct-1 / distinct-2, BLEU by sentence with smoothing, as shares: Seq2Seq "
    "0.336 / 0.268 / 0.030 / 0.128; PLATO, pre-trained, 0.397 / 0.311 / 0.053 / 0.291 (README of PLATO).",
    size=8_241_805,
)

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "transformer": {"epochs": 8, "evaluations": 5},
    "classic": {"epochs": 5, "evaluations": 5},
}

_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


def read(seed: int = 0) -> tuple[dict[str, Sequence[Dialogue]], list[str]]:
    """Dialogues by split, and notes on what was left out. `seed` is of no effect: the splits are fixed."""
    folder = fetch(DATASET)
    whole, val, test = (_file(folder, name) for name in ("text", "validation", "test"))
    official = Counter(map(_key, [*val, *test]))
    left, rest = Counter(official), []
    for one in whole:  # each official line is taken out once; what is left is the training split
        if left[_key(one)]:
            left[_key(one)] -= 1
        else:
            rest.append(one)
    train = [one for one in rest if _key(one) not in official]
    note = f"{len(rest) - len(train)} of {len(rest):,} training dialogues are in val or test too; they were left out"
    return {"train": train, "val": val, "test": test}, [note]


def _file(folder: Path, name: str) -> list[Dialogue]:
    path = folder / f"dialogues_{name}.txt"
    path = path if path.exists() else path.with_name(f"{path.name}.gz")
    return [
        Dialogue(tuple(Turn(turn.role, turn.text.translate(_QUOTES)) for turn in one.turns), one.where)
        for one in read_file(path)
    ]


def _key(dialogue: Dialogue) -> str:
    return re.sub("[^a-z0-9]", "", "".join(turn.text for turn in dialogue.turns).lower())
