"""The line: support vector machines whose scores become logits on texts that they did not see.

Letters: N texts, F features, C labels.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.readers.ngrams import Ngrams
from attentionflow.tasks._labels import AnyLabels, Labels, OneLabel
from attentionflow.tasks._text_line import FOLDS, fit_lines, fold_of

pytest.importorskip("sklearn")

WORDS = ("awful", "fair", "great")


def texts(count: int, seed: int) -> tuple[list[list[str]], list[str]]:
    """Each text has a word of its label, but one in five of another's, and words that say nothing."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, count)
    said = np.where(draw.random(count) < 0.2, draw.integers(0, 3, count), labels)
    fill = draw.integers(0, 500, (count, 4))
    return [[WORDS[one], *(f"x{i}" for i in rest)] for one, rest in zip(said, fill, strict=True)], [
        WORDS[i] for i in labels
    ]


def fitted(labels: Labels, seed: int = 0, shuffled: bool = False):
    words, given = texts(400, seed)
    if shuffled:
        given = [given[i] for i in np.random.default_rng(9).permutation(len(given))]
    ngrams = Ngrams.learn([" ".join(one) for one in words], 1, (2, 3), 10_000)
    bags, targets = ngrams.encode(words), labels.targets((one,) for one in given)
    fold = fold_of([" ".join(one) for one in words])

    def loss(logits: Tensor, truth: Tensor) -> Tensor:
        return labels.loss(logits, truth, 0.0)

    return fit_lines(bags, ngrams, targets, fold, loss), bags, targets, fold


def whole_scores(lines, bags) -> np.ndarray:
    stops = np.append(0, np.append(0, bags.ends)[bags.texts])
    weights, bias = lines.whole
    parts = [torch.from_numpy(bags.values[a:b]) @ weights[bags.ids[a:b].tolist()] + bias for a, b in pairwise(stops)]
    return torch.stack(parts).numpy()


@pytest.mark.parametrize("labels", [OneLabel(WORDS), AnyLabels(WORDS)], ids=["one", "any"])
def test_it_tells_labels_apart_and_knows_how_sure_it_is(labels: Labels) -> None:
    lines, bags, targets, fold = fitted(labels)
    unseen = lines.unseen(bags, fold)
    right = (unseen.numpy().argmax(1) == targets.argmax(1)).mean()
    assert 0.75 < right < 0.95
    sure = labels.probabilities(unseen).max(1).values.mean()
    assert float(sure) == pytest.approx(right, abs=0.08)


def test_what_was_not_seen_is_not_known_by_heart() -> None:
    lines, bags, targets, fold = fitted(OneLabel(WORDS), shuffled=True)
    unseen = lines.unseen(bags, fold)
    assert (unseen.numpy().argmax(1) == targets.argmax(1)).mean() < 0.45  # labels by lot
    assert unseen.softmax(1).max(1).values.mean() < 0.5, "and it is not sure of anything"


def test_some_texts_are_what_they_are_among_all() -> None:
    lines, bags, _, fold = fitted(OneLabel(WORDS))
    rows = np.array([7, 3, 11])
    torch.testing.assert_close(lines.unseen(bags[rows], fold[rows]), lines.unseen(bags, fold)[rows])


def test_it_is_a_function_of_its_texts() -> None:
    one, other = (fitted(OneLabel(WORDS))[0] for _ in range(2))
    assert torch.equal(one.whole.weights, other.whole.weights)
    assert one.strength == other.strength


def test_folds_are_a_function_of_the_text() -> None:
    found = fold_of([f"text {i}" for i in range(1000)])
    assert set(found.tolist()) == set(range(FOLDS))
    assert np.bincount(found).min() > 120
    assert np.array_equal(fold_of(["text 3", "text 5"]), found[[3, 5]])


def test_two_labels_and_labels_of_few_texts() -> None:
    words = [["good"], ["bad"], ["good", "x"], ["bad", "y"], ["fine"]] * 3
    ngrams = Ngrams.learn([" ".join(one) for one in words], 1, (2, 3), 100)
    for labels, given in (
        (OneLabel(["bad", "good"]), ["good", "bad", "good", "bad", "good"] * 3),
        (OneLabel(["bad", "fine", "good"]), ["good", "bad", "good", "bad", "fine"] * 3),
    ):
        targets = labels.targets((one,) for one in given)
        fold = np.arange(15) // 3

        def loss(logits: Tensor, truth: Tensor, labels: Labels = labels) -> Tensor:
            return labels.loss(logits, truth, 0.0)

        lines = fit_lines(ngrams.encode(words), ngrams, targets, fold, loss)
        assert lines.whole.weights.isfinite().all()
        assert (whole_scores(lines, ngrams.encode(words)).argmax(1) == targets.argmax(1)).all()


def test_without_scikit_learn_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.svm", None)
    with pytest.raises(UserError, match=r'pip install "attentionflow\[text\]", or --set line=false'):
        fitted(OneLabel(WORDS))
