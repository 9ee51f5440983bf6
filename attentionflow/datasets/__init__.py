"""Named data sets. `DATASETS` is their one list: a new set is one file here and one line below.

A module of a data set holds `DATASET` (what it is) and `read`, with the arguments that its task hands on. Modules
are imported when asked for, so the list costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from attentionflow.errors import UserError, nearest

if TYPE_CHECKING:
    from attentionflow.datasets._fetch import Dataset

DATASETS = {
    "an4": "attentionflow.datasets.an4",
    "banking77": "attentionflow.datasets.banking77",
    "arrangements": "attentionflow.datasets.arrangements",
    "bccd": "attentionflow.datasets.bccd",
    "camvid": "attentionflow.datasets.camvid",
    "chnsenticorp": "attentionflow.datasets.chnsenticorp",
    "bookings": "attentionflow.datasets.bookings",
    "cldr": "attentionflow.datasets.cldr",
    "dailydialog": "attentionflow.datasets.dailydialog",
    "digit_scenes": "attentionflow.datasets.digit_scenes",
    "digits": "attentionflow.datasets.digits",
    "digit_pairs": "attentionflow.datasets.digit_pairs",
    "esc10": "attentionflow.datasets.esc10",
    "etth1": "attentionflow.datasets.etth1",
    "fashion_mnist": "attentionflow.datasets.fashion_mnist",
    "fsdd": "attentionflow.datasets.fsdd",
    "fsdd_noisy": "attentionflow.datasets.fsdd_noisy",
    "fsdd_strings": "attentionflow.datasets.fsdd_strings",
    "fsdd_voices": "attentionflow.datasets.fsdd_voices",
    "jhmdb_pose": "attentionflow.datasets.jhmdb_pose",
    "jhmdb_sticks": "attentionflow.datasets.jhmdb_sticks",
    "kerstin": "attentionflow.datasets.kerstin",
    "kerstin_sentences": "attentionflow.datasets.kerstin_sentences",
    "keypad": "attentionflow.datasets.keypad",
    "mnist": "attentionflow.datasets.mnist",
    "moving_digits": "attentionflow.datasets.moving_digits",
    "multi30k": "attentionflow.datasets.multi30k",
    "multifashionmnist": "attentionflow.datasets.multifashionmnist",
    "multimnist": "attentionflow.datasets.multimnist",
    "samsum": "attentionflow.datasets.samsum",
    "omniglot": "attentionflow.datasets.omniglot",
    "opinions": "attentionflow.datasets.opinions",
    "passing_shapes": "attentionflow.datasets.passing_shapes",
    "python_topics": "attentionflow.datasets.python_topics",
    "osie": "attentionflow.datasets.osie",
    "noisy_signals": "attentionflow.datasets.noisy_signals",
    "signals": "attentionflow.datasets.signals",
    "sasrec_games": "attentionflow.datasets.sasrec_games",
    "sessions": "attentionflow.datasets.sessions",
    "shapes": "attentionflow.datasets.shapes",
    "seasons": "attentionflow.datasets.seasons",
    "signs": "attentionflow.datasets.signs",
    "sst2": "attentionflow.datasets.sst2",
    "sst5": "attentionflow.datasets.sst5",
    "syllables": "attentionflow.datasets.syllables",
    "tinyshakespeare": "attentionflow.datasets.tinyshakespeare",
    "tongues": "attentionflow.datasets.tongues",
    "tvsum": "attentionflow.datasets.tvsum",
    "wikitext2": "attentionflow.datasets.wikitext2",
    "geco": "attentionflow.datasets.geco",
    "yelp_hat": "attentionflow.datasets.yelp_hat",
    "zuco": "attentionflow.datasets.zuco",
    "zuco2_normal": "attentionflow.datasets.zuco2_normal",
    "zuco_normal": "attentionflow.datasets.zuco_normal",
    "zuco_sentiment": "attentionflow.datasets.zuco_sentiment",
}


def dataset_module(name: str) -> ModuleType:
    """The module of a named data set, which holds `DATASET` and `read`."""
    if name not in DATASETS:
        raise UserError(f"there is no data set {name!r}: {nearest(name, DATASETS)}")
    return import_module(DATASETS[name])


def module_for(data: str, task: str) -> ModuleType | None:
    """The module of the data set that `data` names, None where it is a file or folder; UserError for neither."""
    if data not in DATASETS:
        if not Path(data).exists():
            raise UserError(f"{data} is no file, folder or named data set; {nearest(data, DATASETS)}")
        return None
    module = dataset_module(data)
    if module.DATASET.task != task:
        raise UserError(f"{data} is a data set of {module.DATASET.task}, not of {task}")
    return module


def checked_fold(module: ModuleType | None, fold: int) -> int:
    """The number of an official split, from 1, of a set that has several; UserError for one that is not there.

    module: of the data set, None where files of the user's are read, which have one split.
    """
    folds = 1 if module is None else module.DATASET.folds
    if not 1 <= fold <= folds:
        what = "files of your own have" if module is None else f"the data set {module.DATASET.name!r} has"
        raise UserError(f"fold={fold}: {what} {f'{folds} splits' if folds > 1 else 'one split, so leave fold out'}")
    return fold


def load_dataset(name: str) -> Dataset:
    """What a named data set is: task, licence, where it comes from, checksums, published reference."""
    dataset: Dataset = dataset_module(name).DATASET
    return dataset
