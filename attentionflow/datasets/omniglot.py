"""Omniglot, the smaller protocol: characters of eight alphabets to learn from, and 20 runs of one-shot recognition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.galleries import Gallery, Question, Splits, question
from attentionflow.readers.image import decode
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.readers.tree import Tree, open_tree

_COMMIT = "057f034baf2ecb8530bc5710e5a23584d2a519cc"
_BACKGROUND = ("images_background_small1.zip", "images_background_small2.zip")
_RUNS = "all_runs.zip"
_DIGESTS = {
    _BACKGROUND[0]: "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4",
    _BACKGROUND[1]: "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f",
    _RUNS: "437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325",
}
SIDE = 105
HELD_OUT = ("Balinese", "Early_Aramaic")
DRAWERS, APART = (
    20,
    7,
)  # people who drew each character once; who draws the question, counted from who draws the gallery
THINGS = 20  # of a gallery, as in the runs

DATASET = Dataset(
    name="omniglot",
    task="image-recognition",
    summary="Handwritten characters, 105 x 105 pixels, black on white, each drawn once by 20 people. Both small "
    "background sets, alphabets that are in both once: 3,920 pictures of 196 characters of six alphabets train; two "
    "alphabets (Balinese, Early Aramaic) in 40 galleries of 20 characters with 800 questions val; the 20 one-shot "
    "runs, each 20 characters of a new alphabet and 20 questions, test.",
    licence="MIT.",
    address=f"https://github.com/brendenlake/omniglot/raw/{_COMMIT}/python",
    files={(name if name != _RUNS else f"one-shot-classification/{name}"): sum for name, sum in _DIGESTS.items()},
    local=_DIGESTS,
    reference="Error on the 20 runs, trained on these sets: prototypical network 0.301, Bayesian program learning "
    "0.042 (Lake et al. 2019); modified Hausdorff distance 0.388 (the publisher's demo); people 0.045 (Lake et al. "
    "2015).",
    size=3_252_726,
)

# Settings that suit these data, by architecture; the user's own go before them. A character turned by a quarter, or
# mirrored, is as good as another character.
_SHARED: dict[str, object] = {
    "size": 48,
    "patch": 8,
    "turns": "mirrored",
    "erase": 0.0,
    "batch_pictures": 128,
    "evaluations": 8,
}
ADVICE: dict[str, dict[str, object]] = {
    "patch-matcher": {**_SHARED, "channels": 24, "epochs": 12},
    "classic": {**_SHARED, "epochs": 6},
}


def read(seed: int = 0) -> tuple[Splits, list[str]]:
    """`seed` is of no effect: the splits are fixed."""
    folder = fetch(DATASET)
    runs = folder / _RUNS
    drawings = _background([folder / name for name in _BACKGROUND])
    train = [one for (alphabet, _), own in drawings.items() if alphabet not in HELD_OUT for one in own]
    return {
        "train": train,
        "val": [one for alphabet in HELD_OUT for one in _held_out(alphabet, drawings)],
        "test": _runs(open_tree(runs if runs.is_file() else folder / "one-shot-classification" / _RUNS)),
    }, []


def _background(paths: Sequence[Path]) -> dict[tuple[str, str], list[LabelledPicture]]:
    """Alphabet and character -> its drawings by person."""
    found: dict[tuple[str, str], list[LabelledPicture]] = defaultdict(list)
    for path in paths:
        tree = open_tree(path)
        there = {alphabet for alphabet, _ in found}
        for name in tree.names:
            alphabet, character, _ = name.split("/")
            if alphabet not in there:
                found[alphabet, character].append(_drawing(tree, name, f"{alphabet}/{character}"))
    return found


def _held_out(alphabet: str, drawings: dict[tuple[str, str], list[LabelledPicture]]) -> list[Question]:
    """As the runs are: 20 characters by one person, and the same by another; once for every person."""
    characters = [own for (its, _), own in sorted(drawings.items()) if its == alphabet]
    asked = []
    for person in range(DRAWERS):
        chosen = sorted(np.random.default_rng(person).permutation(len(characters))[:THINGS])
        known = tuple(characters[at][person] for at in chosen)
        gallery = Gallery(f"{alphabet} by person {person + 1}", known)
        asked += [question(characters[at][(person + APART) % DRAWERS], gallery) for at in chosen]
    return asked


def _runs(tree: Tree) -> list[Question]:
    asked = []
    for listing in (name for name in tree.names if name.endswith("class_labels.txt")):
        pairs = [line.split() for line in tree.text(listing).splitlines() if line.strip()]
        names = {known: Path(known).stem for _, known in pairs}
        run = listing.split("/")[-2]
        gallery = Gallery(run, tuple(_drawing(tree, known, names[known]) for known in sorted(names)))
        asked += [question(_drawing(tree, name, names[known]), gallery) for name, known in pairs]
    return asked


def _drawing(tree: Tree, name: str, thing: str) -> LabelledPicture:
    place = tree.where(name)
    content = partial(tree.read, name)
    return LabelledPicture(name, (thing,), place, content, lambda: decode(content(), place), lambda: (SIDE, SIDE))
