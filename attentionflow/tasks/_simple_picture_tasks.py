"""What a simple method answers to several questions about pictures: kernel ridge regression on their pixels.

Letters: N pictures, M training pictures, K targets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.labelled_pictures import LabelledPicture
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._pixels import all_pixels

SIDE = 36  # pixels of the longer side, at most
MOST = 5_000  # training pictures; the time to fit grows with the cube of their number
STRENGTH = 0.01  # of the penalty
BLOCK = 2_000  # pictures that are answered at a time


def kernel_ridge(
    train: Sequence[LabelledPicture], targets: Sequence[np.ndarray], test: Sequence[LabelledPicture]
) -> list[np.ndarray]:
    """(N, K) fitted to the targets (M, K) of each question, rows of NaN aside, by radial basis functions.

    exp(-|x - y|² / F) of F pixels on the scale of their deviation. Of many pictures, MOST are drawn at random.
    """
    try:
        from sklearn.kernel_ridge import KernelRidge
    except ImportError:
        raise UserError('the simple baseline needs scikit-learn: pip install "attentionflow[image]"') from None
    chosen = np.arange(len(train))
    if len(train) > MOST:
        chosen = np.sort(np.random.default_rng(0).permutation(len(train))[:MOST])
    pictures = [train[row] for row in chosen.tolist()]
    canvas = Canvas.learn(pictures, min(SIDE, max(pictures[0].size)), patch=1, grey=True)
    seen, asked = (canvas.normalise(all_pixels(some, canvas)[0]).flatten(1).numpy() for some in (pictures, test))
    found = []
    for wanted in targets:
        own = wanted[chosen]
        known = ~np.isnan(own).any(1)
        if not known.any():
            found.append(np.zeros((len(test), own.shape[1])))
            continue
        middle = own[known].mean(0)
        machine = KernelRidge(alpha=STRENGTH, kernel="rbf", gamma=1 / seen.shape[1])
        machine.fit(seen[known], own[known] - middle)
        blocks = np.array_split(asked, -(-len(asked) // BLOCK))
        found.append(np.concatenate([machine.predict(block) for block in blocks]) + middle)
    return found
