"""OSIE: 15 people looked freely at 700 photographs, each for three seconds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.fixations import Looking, read_fixations
from attentionflow.readers.image import decode
from attentionflow.readers.tree import Tree, open_tree

DATASET = Dataset(
    name="osie",
    task="human attention to pictures",
    summary="700 photographs of objects in scenes, 15 people each, 98,321 fixations (Xu et al. 2014).",
    licence="MIT.",
    address="https://raw.githubusercontent.com/NUS-VIP/predicting-human-gaze-beyond-pixels"
    "/4a467890fcb40a2fec04cdded552760942bac7a4/data",
    files={"eye/fixations.mat": "2aab9133a407e4eff3f57ab5799872b162dbc77ca462c0391762eb5e67deadb9"},
    local={
        "fixations.csv.gz": "178714f56b5c8c5e269f9c0e9010b2153eceee953122b3b466b489be1d025889",
        "stimuli_400x300.zip": "f89b26fdf85ebda83f23fc66b8e792a8b4c84ae2785d35201bf70aad64b2ec98",
    },
    reference="Of one person beside the 14 others, spread by 24 pixels, NSS 3.69; of the middle, NSS 0.84 and CC 0.30.",
    size=1_077_850,
)

PACKED = "stimuli_400x300.zip"
SIZE = (800, 600)  # as shown
SIGMA = 24.0  # pixels of SIZE, as upstream spreads fixations
COLUMNS = ("image", "subject", "x", "y", "duration_ms")


def read() -> tuple[list[Looking], list[str]]:
    """Every picture with its fixations.

    The photographs themselves are too many to be downloaded one by one: they are taken from the converted copy, or from
    a folder `stimuli` beside `eye`, as published; without either, pictures have no pixels.
    """
    folder = fetch(DATASET)
    table = folder / "fixations.csv.gz"
    pictures = read_fixations(table, SIZE, first=1.0, columns=COLUMNS) if table.exists() else _from_matlab(folder)
    tree = next((open_tree(place) for place in (folder / PACKED, folder / "stimuli") if place.exists()), None)
    if tree is None:
        where = f"{DATASET.address}/stimuli"
        return pictures, [f"the photographs are not at hand; put the folder {where} into {folder}"]
    return [replace(one, pixels=partial(_decoded, tree, one.image)) for one in pictures], []


def _decoded(tree: Tree, name: str) -> np.ndarray:
    return decode(tree.read(name), tree.where(name))


def _from_matlab(folder: Path) -> list[Looking]:
    """The file as published. A person with one fixation has a number where others have a row of them."""
    from scipy.io import loadmat

    path = folder / "eye" / "fixations.mat"
    pictures = []
    for one in loadmat(path, squeeze_me=True, struct_as_record=False)["fixations"]:
        people = {str(i + 1): person for i, person in enumerate(one.subjects)}
        points = {
            name: np.stack([np.atleast_1d(person.fix_x), np.atleast_1d(person.fix_y)], axis=1).astype(float) - 1
            for name, person in people.items()
        }
        durations = {name: np.atleast_1d(person.fix_duration).astype(float) for name, person in people.items()}
        pictures.append(Looking(str(one.img), SIZE, points, durations, f"{path.name}, {one.img}"))
    return pictures
