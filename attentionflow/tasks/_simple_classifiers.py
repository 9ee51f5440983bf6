"""Simple methods that put labels on texts: the most frequent one, and a support vector machine on TF-IDF.

The second is what a careful user of scikit-learn would train, independent of the features that the networks read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from attentionflow.errors import UserError

STRENGTHS = (0.1, 0.3, 1.0, 3.0)
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f]")


def most_frequent(labels: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Of the labels or sets of labels of training texts."""
    return min(Counter(labels).items(), key=lambda item: (-item[1], item[0]))[0]


def support_vectors(
    train: Sequence[str], labels: Sequence[tuple[str, ...]], test: Sequence[str], several: bool
) -> tuple[list[tuple[str, ...]], str]:
    """Labels of the test texts, and what exactly was done.

    TF-IDF of words and pairs of words and of 2 to 5 characters inside words, or, where no blanks set words apart,
    of 1 to 3 characters; a linear support vector machine a label. Its strength is chosen on a fifth of the training
    texts; then it is fitted to all.
    """
    try:
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.preprocessing import MultiLabelBinarizer
        from sklearn.svm import LinearSVC
    except ImportError:
        raise UserError('the simple baseline needs scikit-learn: pip install "attentionflow[text]"') from None
    sample = "".join(train[:1000])
    unspaced = len(_HAN.findall(sample)) > 0.1 * len(sample)
    coder = MultiLabelBinarizer()
    truth: Any = coder.fit_transform(labels) if several else np.array([one[0] for one in labels])

    def machine(strength: float) -> Any:
        linear = LinearSVC(C=strength, random_state=0)
        return OneVsRestClassifier(linear) if several else linear

    def fitted(strength: float, rows: np.ndarray) -> tuple[Any, Any]:
        features = _tfidf(unspaced)
        matrix = features.fit_transform([train[row] for row in rows])
        return features, machine(strength).fit(matrix, truth[rows])

    order = np.random.default_rng(0).permutation(len(train))
    held, kept = order[: len(train) // 5], order[len(train) // 5 :]
    rights = {}
    enough = len(held) > 0 and (several or len(np.unique(truth[kept])) > 1)
    if enough:
        features = _tfidf(unspaced)
        matrix = features.fit_transform([train[row] for row in kept])
        judged = features.transform([train[row] for row in held])
        for strength in STRENGTHS:
            found = machine(strength).fit(matrix, truth[kept]).predict(judged)
            rights[strength] = float((found == truth[held]).mean())
    strength = max(rights, key=lambda one: rights[one], default=1.0)
    features, model = fitted(strength, np.arange(len(train)))
    found = model.predict(features.transform(list(test)))
    named = coder.inverse_transform(found) if several else [(str(one),) for one in found]
    grams = "1 to 3 characters" if unspaced else "1 to 2 words and 2 to 5 characters inside words"
    return [tuple(sorted(one)) for one in named], f"TF-IDF of {grams}, C = {strength:g}"


def _tfidf(unspaced: bool) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    if unspaced:
        return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\S+"),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
