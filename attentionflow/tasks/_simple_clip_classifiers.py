"""What a simple method says of clips: a support vector machine on all that the network would see, frame after frame.

Letters: N clips, F numbers of a clip.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.clips import Clip
from attentionflow.readers.motion import Motion
from attentionflow.tasks._clip_views import ClipSettings
from attentionflow.tasks._film_view import FilmView
from attentionflow.tasks._motion_view import MotionView

FRAMES = 16  # of a motion
SIDE = 16  # pixels of the longer side of a film
STRENGTH = 10.0


def support_vectors(train: Sequence[Clip], test: Sequence[Clip], settings: ClipSettings) -> tuple[list[str], str]:
    """Labels of the test clips by a machine with radial basis functions and a strength of 10, and what it looks at.

    Of a motion the places of all joints in FRAMES frames; of a film its mean picture, and how far pixels stray from it.
    """
    try:
        from sklearn.svm import SVC
    except ImportError:
        raise UserError('the simple baseline needs scikit-learn: pip install "attentionflow[video]"') from None
    labels = [(one.labels or ("",))[0] for one in train]
    moving = isinstance(train[0].open(), Motion)
    told = f"joints in {FRAMES} frames" if moving else "the mean picture and what changes in it"
    if len(set(labels)) < 2:
        return labels[:1] * len(test), told
    if moving:
        plain = ClipSettings(frames=FRAMES, tube=1)
        learned = MotionView.learn(train, plain)
        seen = [learned.shown(learned.kept(clips)[0]).flatten(1).numpy() for clips in (train, test)]
    else:
        plain = ClipSettings(frames=settings.frames, tube=settings.tube, size=min(SIDE, settings.size), patch=4)
        view = FilmView.learn(train, plain)
        seen = [_mean_and_change(view.shown(view.kept(clips)[0]).numpy()) for clips in (train, test)]
    machine = SVC(C=STRENGTH).fit(seen[0], labels)
    return [str(one) for one in machine.predict(seen[1])], told


def _mean_and_change(films: np.ndarray) -> np.ndarray:
    """(N, F) of films (N, T, C, H, W)."""
    return np.concatenate((films.mean(1), films.std(1)), axis=1).reshape(len(films), -1)
