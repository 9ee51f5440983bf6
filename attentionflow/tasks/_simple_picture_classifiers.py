"""What a simple method says of pictures: a support vector machine on their pixels.

Letters: N pictures, M training pictures, F pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.tasks._canvas import Canvas

SIDE = 28  # pixels of the longer side, at most
MOST = 10_000  # training pictures; the time to fit grows with the square of their number
STRENGTH = 10.0


def support_vectors(train: Sequence[LabelledPicture], test: Sequence[LabelledPicture]) -> list[str]:
    """Labels of the test pictures by a machine with radial basis functions and a strength of 10, the best of what Xiao
    et al. 2017 tried of scikit-learn on Fashion-MNIST. Of very many training pictures, MOST are drawn at random."""
    try:
        from sklearn.svm import SVC
    except ImportError:
        raise UserError('the simple baseline needs scikit-learn: pip install "attentionflow[image]"') from None
    known = np.array([row for row, one in enumerate(train) if one.labels], int)
    chosen = known
    if len(known) > MOST:
        chosen = np.sort(np.random.default_rng(0).permutation(known)[:MOST])
    pictures = [train[row] for row in chosen]
    labels = [one.labels[0] for one in pictures if one.labels]
    if len(set(labels)) < 2:
        return labels[:1] * len(test)
    longest = min(SIDE, max(pictures[0].size))
    canvas = Canvas.learn(pictures, longest, patch=1, grey=True)
    machine = SVC(C=STRENGTH).fit(_pixels(pictures, canvas), labels)
    return [str(one) for one in machine.predict(_pixels(test, canvas))]


def _pixels(pictures: Sequence[LabelledPicture], canvas: Canvas) -> np.ndarray:
    """(N, F), 0 the mean colour."""
    return canvas.normalise(np.stack([canvas.draw(one) for one in pictures])).flatten(1).numpy()
