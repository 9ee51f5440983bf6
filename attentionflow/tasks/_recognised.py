"""What is told of a picture, from how similar it is to each of what is known.

Letters: K columns of what is known: pictures, or things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.records import Axis
from attentionflow.task import Prediction
from attentionflow.tasks._patches import grid
from attentionflow.tasks._recognition_scores import UNKNOWN
from attentionflow.tasks._sheet import Sheet

A_ROW = 5  # pictures of the sheet of what is known
SHOWN = 20  # columns, the most similar ones, with which the attention behind an answer is recorded


@dataclass(frozen=True, eq=False)
class Recognised:
    """An answer as the model made it: the names and similarities (K,) of what the picture was compared with.

    columns: numbers and names of those that are shown with it; rest: the logarithm of what all others have in the
    softmax.
    """

    chosen: str
    names: Sequence[str]
    similarities: np.ndarray
    columns: Sequence[tuple[int, str]]
    rest: float


def recognised(
    one: LabelledPicture,
    names: Sequence[str],
    numbers: np.ndarray,
    similarity: np.ndarray,
    logits: np.ndarray,
    threshold: float,
    k: int,
) -> Prediction:
    """The name that is likeliest, or "unknown" where nothing is as similar as the threshold says.

    names, numbers, similarity, logits: of each column (K,) that may be the answer.
    """
    if not len(names):
        raise UserError("nothing is known that may be the answer; add things with: attentionflow enroll RUN NAME ...")
    total = float(np.logaddexp.reduce(logits))
    likely = dict.fromkeys(names, 0.0)
    for name, share in zip(names, np.exp(logits - total).tolist(), strict=True):
        likely[name] += share
    best = sorted(likely, key=lambda name: -likely[name])[:k]
    chosen, nearest = best[0], float(similarity.max())
    order = np.argsort(-similarity, kind="stable")
    shown = order[:SHOWN]
    if all(names[at] != chosen for at in shown):
        shown[-1] = next(at for at in order if names[at] == chosen)
    details = {
        "nearest": chosen,
        "similarity": round(nearest, 6),
        "threshold": round(threshold, 6),
        "probabilities": {name: round(likely[name], 6) for name in best},
    }
    raw = Recognised(
        chosen,
        names,
        similarity,
        [(int(numbers[at]), names[at]) for at in shown],
        float(np.logaddexp.reduce(np.delete(logits, shown), initial=-np.inf)),
    )
    output = chosen if nearest >= threshold else UNKNOWN
    return Prediction(one.name, output, float(np.log(max(likely[chosen], 1e-300))), one.where, details, raw=raw)


def gallery_axis(columns: Sequence[tuple[int, str]], parts: tuple[int, int] | None, pictures: np.ndarray) -> Axis:
    """Of the columns that are shown, by name; where they are pictures compared in parts, each part of each.

    parts: rows and columns of the patches, which lie on a sheet of the pictures (K, H, W, C).
    """
    count = Counter(name for _, name in columns)
    seen: Counter[str] = Counter()
    labels = []
    for _, name in columns:
        seen[name] += 1
        labels.append(f"{name} ({seen[name]})" if count[name] > 1 else name)
    if parts is None:
        return Axis("item", tuple(labels))
    (boxes, places), sheet = grid(*parts), Sheet.of(pictures, A_ROW)
    named = tuple(f"{label}: {place}" for label in labels for place in places)
    return Axis(
        "patch", named, tuple(sheet.box(at, box) for at in range(len(columns)) for box in boxes), None, sheet.picture
    )
