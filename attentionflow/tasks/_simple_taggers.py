"""What a simple method says of sounds: a support vector machine on the mean and deviation of each band.

Letters: N sounds, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from attentionflow.errors import UserError

STRENGTH = 10.0


def support_vectors(
    train: Sequence[np.ndarray], test: Sequence[np.ndarray], labels: Sequence[tuple[str, ...]], several: bool
) -> list[tuple[str, ...]]:
    """Labels of the test sounds, by radial basis functions of features (F,) of mean 0 and deviation 1."""
    try:
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler
        from sklearn.svm import SVC
    except ImportError:
        raise UserError('the simple baseline needs scikit-learn: pip install "attentionflow[audio]"') from None
    if len(set(labels)) < 2:
        return list(labels[:1]) * len(test)
    coder, machine = MultiLabelBinarizer(), SVC(C=STRENGTH)
    truth: Any = coder.fit_transform(labels) if several else [one[0] for one in labels]
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(machine) if several else machine)
    found = model.fit(np.stack(train), truth).predict(np.stack(test))
    return [tuple(sorted(one)) for one in coder.inverse_transform(found)] if several else [(str(one),) for one in found]
