"""ESC-10: ten kinds of sounds around us, forty recordings each (Piczak 2015)."""

from __future__ import annotations

from pathlib import Path

from attentionflow.datasets._fetch import Dataset, fetch, tree_digest
from attentionflow.errors import DataError
from attentionflow.readers.labelled_sounds import LabelledSound
from attentionflow.readers.utterances import SoundFile

_COMMIT = "553c8f1743b9dba6b282e1323c3ca8fa76923448"
LABELS = (
    "001 - Dog bark",
    "002 - Rain",
    "003 - Sea waves",
    "004 - Baby cry",
    "005 - Clock tick",
    "006 - Person sneeze",
    "007 - Helicopter",
    "008 - Chainsaw",
    "009 - Rooster",
    "010 - Fire crackling",
)
FOLDS = 5
# A copy converted to 22.05 kHz, known by a file of its own: SHA-256 of its listing, see `tree_digest`.
COPY, COPY_DIGEST = "ATTRIBUTION.txt", "866c82aca8e2d665f2522b2b8f13252b72da4abeaae6f56579b47ade0f806711"

DATASET = Dataset(
    name="esc10",
    task="audio-processing/tagging",
    summary="Dog, rain, sea waves, baby, clock, sneeze, helicopter, chainsaw, rooster and fire, 40 recordings of 5 "
    "seconds each in 5 official folds: one is test, of the other four a recording of each kind is val; no source is in "
    "two folds.",
    licence="CC BY 3.0; of its recordings 233 CC0, 165 CC BY, 2 CC Sampling+.",
    address=f"https://github.com/karolpiczak/ESC-10/archive/{_COMMIT}.zip",
    archive=f"ESC-10-{_COMMIT}",
    reference="Accuracy over the folds: people 95.7 %, random forest on cepstra 72.7 % (Piczak 2015).",
    size=41_500_000,
    folds=FOLDS,
)

# Settings that suit these data, by architecture; the user's own go before them. With one validation, at the end,
# nothing is chosen: the epochs are fixed beforehand.
_SHARED: dict[str, object] = {"epochs": 80, "evaluations": 1}
ADVICE: dict[str, dict[str, object]] = {"spectrogram-transformer": _SHARED, "classic": _SHARED}


def read(seed: int = 0, fold: int = 1) -> tuple[dict[str, list[LabelledSound]], list[str]]:
    """Recordings by split, of the official fold `fold` as test. `seed` is of no effect."""
    folds = recordings()
    train = [one for number, sounds in folds.items() if number != fold for one in sounds]
    val = [next(one for one in train if one.labels == (_said(label),)) for label in LABELS]
    note = f"fold {fold} of {FOLDS} is test; val is one recording of each kind, and chooses nothing with evaluations=1"
    held = {one.name for one in val}
    return {"train": [one for one in train if one.name not in held], "val": val, "test": folds[fold]}, [note]


def recordings() -> dict[int, list[LabelledSound]]:
    """By fold, the first character of the name of a file."""
    root = _folder()
    folds: dict[int, list[LabelledSound]] = {number: [] for number in range(1, FOLDS + 1)}
    for label in LABELS:
        for path in sorted((root / label).glob("*.ogg")):
            where = f"esc10/{path.name}"
            folds[int(path.name[0])].append(LabelledSound(path.name, (_said(label),), where, SoundFile(path)))
    return folds


def _folder() -> Path:
    root = fetch(DATASET)
    if (root / COPY).is_file() and tree_digest(root, ".") != COPY_DIGEST:
        remedy = f"Take them from {DATASET.address} again"
        raise DataError("the files are not those of the data set 'esc10': some are altered", file=root, remedy=remedy)
    return root


def _said(label: str) -> str:
    return label.partition(" - ")[2].lower()
