"""How well things are recognised: among known ones, and told from unknown ones.

Letters: N questions, G known pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.task import Score
from attentionflow.tasks._label_scores import wilson

UNKNOWN = "unknown"  # the answer where nothing known is similar enough


@dataclass(frozen=True)
class Judged:
    """A question as it was answered. group: its gallery; truth: the name of what is there, and whether it is known.

    given: the name of what is most similar; similarity: how similar that is. without: the same once the pictures of the
    true thing are taken out of the gallery, None where nothing is left then.
    """

    group: str
    truth: str
    known: bool
    given: str
    similarity: float
    without: float | None


def judged(group: str, truth: str, names: Sequence[str], similarities: np.ndarray, given: str | None = None) -> Judged:
    """names of known pictures, (G,) how similar each is. given: the answer, unless it is the most similar one."""
    best = int(similarities.argmax())
    other = np.array([name != truth for name in names], bool)
    without = float(similarities[other].max()) if other.any() else None
    return Judged(group, truth, not other.all(), given or names[best], float(similarities[best]), without)


def recognition_scores(answers: Sequence[Judged], threshold: float | None, cheap: bool) -> dict[str, Score]:
    """error: share of known things that are taken for another one, as if there were no unknown ones.

    Each question is asked twice: as it is, and with the true thing taken out of what is known, so that "unknown" is
    the right answer. open_set_auroc: how often a known thing has a greater similarity than an unknown one.
    open_set_error: mean of the shares of wrong answers to the two, at the threshold on similarity; None: at the best
    one for these.
    """
    known = [one for one in answers if one.known]
    wrong = np.array([one.given != one.truth for one in known], bool)
    inside, outside = margins(answers)
    if threshold is None:
        threshold = best_threshold(inside, outside)
    groups = {} if cheap else {name: [one for one in known if one.group == name] for name in {o.group for o in known}}
    parts = {name: float(np.mean([one.given != one.truth for one in own])) for name, own in sorted(groups.items())}
    missed = float((wrong | (inside < threshold)).mean())
    return {
        "error": Score(
            float(wrong.mean()),
            interval=None if cheap else wilson(int(wrong.sum()), len(wrong)),
            signature="of questions about known things",
            parts=parts if len(parts) > 1 else {},
        ),
        "open_set_auroc": Score(auroc(inside, outside), signature="each thing once known, once taken out"),
        "open_set_error": Score((missed + float((outside >= threshold).mean())) / 2, signature="mean of both kinds"),
    }


def margins(answers: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray]:
    """Greatest similarities where the true thing is known, and where it is not or was taken out."""
    inside = [one.similarity for one in answers if one.known]
    outside = [one.without if one.known else one.similarity for one in answers]
    return np.array(inside), np.array([value for value in outside if value is not None])


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """The chance that one of `inside` is greater than one of `outside`, ties counted half (Hanley and McNeil 1982)."""
    below = np.searchsorted(np.sort(outside), inside, "left").mean() / len(outside)
    up_to = np.searchsorted(np.sort(outside), inside, "right").mean() / len(outside)
    return float((below + up_to) / 2)


def best_threshold(inside: np.ndarray, outside: np.ndarray) -> float:
    """Where the share of `inside` at or above it, and that of `outside` below it, have the greatest sum; halfway
    between two neighbouring values."""
    values = np.unique(np.concatenate((inside, outside)))
    cuts = np.concatenate(([values[0] - 1e-6], (values[1:] + values[:-1]) / 2, [values[-1] + 1e-6]))
    missed = np.searchsorted(np.sort(inside), cuts, "left") / len(inside)
    refused = np.searchsorted(np.sort(outside), cuts, "left") / len(outside)
    return float(cuts[int((refused - missed).argmax())])
