"""TVSum: key frames of 20 films from the web, and how much 20 people thought that each of these moments matters."""

from __future__ import annotations

import gzip
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.errors import DataError
from attentionflow.readers.clips import Clip
from attentionflow.readers.moments import KnownFilm, KnownFilms, Rating
from attentionflow.readers.video import FrameFolder, natural

_COMMIT = "c79cfd97c79c215c59470dff6a2e26296cb099b0"
SCORES = "ydata-anno.tsv"  # beside the folder of the pictures, or in it; as published, or with .gz
SCORES_AT = "https://github.com/e-apostolidis/CA-SUM, data/TVSum/ydata-anno.rar"
FILMS = 20

DATASET = Dataset(
    name="tvsum",
    task="video-processing",
    summary="11 to 28 key frames of each of 20 films from the web, scored from 1 to 5 by 20 people (Song et al. 2015): "
    "each fold leaves one film out as test, the other 19 are train. The frames were picked at peaks of the scores.",
    licence="CC BY 3.0 (the films); none stated for the scores and for the repository that holds the frames.",
    address=f"https://github.com/ttharden/Keyframe-extraction/archive/{_COMMIT}.zip",
    archive=f"Keyframe-extraction-{_COMMIT}/Dataset/Keyframe",
    local={
        "keyframes.csv": "9fcc6a18c0fe74ed5c928e80bec9ca597274b936bae8f2a7bedbbba1a9eed0bc",
        f"{SCORES}.gz": "6251c3717dd8f18206f49bb5d5fbf57e7b3ff3a7c43b59714cf6c5bdc7b9bbe3",
    },
    reference="People among themselves, on whole films: Kendall's tau 0.177, Spearman's rho 0.204 (Otani et al. 2019).",
    folds=FILMS,
)

# Settings that suit these data, by architecture; the user's own go before them. One validation, at the end, so that no
# film has a part in what is kept.
_SHARED: dict[str, object] = {"size": 48, "held_out": 0.06, "evaluations": 1, "epochs": 40, "channels": 8}
ADVICE: dict[str, dict[str, object]] = {
    "local-global": {**_SHARED, "width": 32, "layers": 1, "feedforward": 64, "dropout": 0.3, "reach": 3},
    "classic": {**_SHARED, "hidden": 32},
}


def read(seed: int = 0, fold: int = 1) -> KnownFilms:
    """fold: the number of the film that is left out, in the order of their names. `seed` is of no effect."""
    folder = fetch(DATASET)
    scores = _scores(folder)
    pictures = _pictures(folder)
    films = [_film(folder, name, pictures[name], scores[name]) for name in sorted(pictures)]
    return KnownFilms({"train": [*films[: fold - 1], *films[fold:]], "test": [films[fold - 1]]})


def _pictures(folder: Path) -> dict[str, dict[int, str]]:
    """Name of each film -> number of a frame -> its picture; as VIDEO.mp4/FRAME.jpg, or keyframes/VIDEO_FRAME.jpg."""
    found: dict[str, dict[int, str]] = {}
    for path in sorted(folder.rglob("*.jpg"), key=lambda path: natural(path.name)):
        packed = path.parent.name == "keyframes"
        film, number = path.stem.rsplit("_", 1) if packed else (path.parent.name.removesuffix(".mp4"), path.stem)
        found.setdefault(film, {})[int(number)] = str(path.relative_to(folder))
    return found


def _scores(folder: Path) -> dict[str, list[np.ndarray]]:
    """Name of each film -> each person's score of every frame, counted from 0."""
    path = next((place for name in (f"{SCORES}.gz", SCORES) if (place := folder / name).is_file()), None)
    if path is None:
        raise DataError(f"{SCORES} is missing", file=folder, remedy=f"Unpack it there from {SCORES_AT}")
    found: dict[str, list[np.ndarray]] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            film, _, told = line.rstrip("\n").split("\t")
            found.setdefault(film, []).append(np.array(told.split(","), float))
    return found


def _film(folder: Path, name: str, pictures: dict[int, str], scores: list[np.ndarray]) -> KnownFilm:
    """Its key frames alone, one after the other, with the scores of these frames."""
    where = f"tvsum/{name}"
    numbers = np.array(sorted(pictures))
    read_bytes = partial(_bytes, folder)
    shown = FrameFolder(tuple(pictures[number] for number in sorted(pictures)), read_bytes, where)
    times = np.arange(len(numbers), dtype=float)
    ratings = [Rating(str(at), times, own[numbers.clip(max=len(own) - 1)], True) for at, own in enumerate(scores, 1)]
    clip = Clip(name, None, where, lambda: blake2b(name.encode()).digest(), lambda: shown)
    return KnownFilm(clip, None, tuple(ratings))


def _bytes(folder: Path, name: str) -> bytes:
    return (folder / name).read_bytes()
