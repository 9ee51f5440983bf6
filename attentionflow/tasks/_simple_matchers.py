"""What simple methods make of a picture among known ones, with nothing learned.

Letters: G known pictures, N and M points of two pictures, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from attentionflow.readers.galleries import Gallery, gallery_of, thing_of
from attentionflow.readers.image import luminance, resize
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.task import Score
from attentionflow.tasks._recognition_scores import judged, recognition_scores

SIDE = 28  # pixels of the pictures that are compared pixel by pixel
BLUR = 7  # pixels of a side of the triangular window that blurs them
POINTS = 300  # of a picture, at most; more are thinned out evenly
INK = 0.5  # share of the way from the commonest shade to the one farthest from it, from where on a pixel is ink
PAIRS = 200_000  # of pictures that are compared, at most
OUTLINE = 105  # pixels of the longer side of a picture whose points are looked for, at most


def _blurred(picture: LabelledPicture) -> np.ndarray:
    """Grey pixels, made small and blurred, of mean 0 and length 1."""
    grey = torch.from_numpy(resize(luminance(picture.pixels()), SIDE, SIDE)).float().permute(2, 0, 1)[None]
    half = BLUR // 2 + 1
    for _ in range(2):  # a box twice is a triangle
        grey = F.avg_pool2d(F.pad(grey, (half // 2,) * 4, mode="replicate"), half, stride=1)
    flat = (grey - grey.mean()).flatten().numpy()
    return flat / max(float(np.linalg.norm(flat)), 1e-9)


def _points(picture: LabelledPicture) -> np.ndarray:
    """(N, 2) places of ink about their centre; of a picture of one colour one point."""
    pixels = picture.pixels()
    scale = min(1.0, OUTLINE / max(pixels.shape[:2]))
    sides = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    grey = luminance(resize(pixels, *sides))[:, :, 0].astype(float)
    away = np.abs(grey - np.bincount(grey.astype(int).ravel()).argmax())
    places = np.argwhere(away >= max(1.0, INK * away.max())).astype(float)
    if not len(places):
        return np.zeros((1, 2))
    chosen = places[np.linspace(0, len(places) - 1, min(len(places), POINTS)).astype(int)]
    return chosen - places.mean(0)


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """The negative modified Hausdorff distance (Dubuisson and Jain 1994): the greater of both mean distances from a
    point to the nearest of the other picture."""
    apart = torch.cdist(torch.from_numpy(one), torch.from_numpy(other))  # (N, M)
    return -max(float(apart.amin(1).mean()), float(apart.amin(0).mean()))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other)


# Name -> what is kept of a picture, and how similar two are by it.
METHODS: dict[str, tuple[Callable[[LabelledPicture], np.ndarray], Callable[[np.ndarray, np.ndarray], float]]] = {
    "modified Hausdorff distance between points of ink": (_points, _distance),
    "correlation of blurred pixels": (_blurred, _correlation),
}


def similarities(method: str, questions: Sequence[tuple[LabelledPicture, Gallery]]) -> list[np.ndarray]:
    """Of each question, how similar (G,) each picture of its gallery is by one of METHODS."""
    describe, similar = METHODS[method]
    known = {
        gallery: [describe(one) for one in gallery.pictures] for gallery in dict.fromkeys(pair[1] for pair in questions)
    }
    found = []
    for one, gallery in questions:
        own = describe(one)
        found.append(np.array([similar(own, other) for other in known[gallery]]))
    return found


def simple_scores(pictures: Sequence[LabelledPicture]) -> dict[str, dict[str, Score]]:
    """What guessing and simple methods score on questions; of very many, as many as PAIRS allows, evenly spread."""
    asked = [(one, gallery) for one in pictures if (gallery := gallery_of(one))]
    sizes = [len(gallery.pictures) for _, gallery in asked]
    most = min(len(asked), max(1, PAIRS // max(sizes)))
    some = [asked[at] for at in np.unique(np.linspace(0, len(asked) - 1, most).astype(int))]

    def scored(questions: Sequence[tuple[LabelledPicture, Gallery]], found: Sequence[np.ndarray]) -> dict[str, Score]:
        answers = [
            judged(gallery.name, thing_of(one), [thing_of(known) for known in gallery.pictures], similarity)
            for (one, gallery), similarity in zip(questions, found, strict=True)
        ]
        return recognition_scores(answers, None, cheap=True)

    guesses = {"always the first of what is known": scored(asked, [np.zeros(size) for size in sizes])}
    return guesses | {name: scored(some, similarities(name, some)) for name in METHODS}
