"""The line with which the default network begins: linear support vector machines on TF-IDF of n-grams.

Letters: N texts, F features, C labels, K folds, V views.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.models.text_encoder import Line
from attentionflow.readers.ngrams import Bags, Ngrams

FOLDS = 5
STRENGTHS = (0.1, 0.3, 1.0, 3.0)  # of the loss against the penalty, C of the support vector machine
PENALTY = 1.0  # of the map from scores to logits
MOSTLY_WORDS = 0.9  # share of features that are of words, from which these are no view of their own

Loss = Callable[[Tensor, Tensor], Tensor]
Fit = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class FittedLines:
    """whole: fitted to all training texts. folds: (K, F, C) weights and (K, C) bias, each fitted without its fold.
    strength: as chosen. mix: the map (V, C, C) and shift (C,) from scores to logits."""

    whole: Line
    folds: tuple[Tensor, Tensor]
    strength: float
    mix: Fit

    def with_more(self, bags: Bags, ngrams: Ngrams, targets: np.ndarray) -> Line:
        """A line of the same strength and map, fitted to these texts."""
        return _mixed(_fit_views(_matrix(bags, ngrams), ngrams, targets, self.strength), self.mix)

    def unseen(self, bags: Bags, fold: np.ndarray) -> Tensor:
        """(N, C): what the line that did not see its fold (N,) says of each text."""
        weights, bias = self.folds
        first = np.append(0, bags.ends)[np.append(0, bags.texts[:-1])]  # where the features of each text begin
        owner = np.repeat(fold, np.diff(np.append(first, len(bags.ids))))
        ids = torch.from_numpy(bags.ids + owner * weights.shape[1])
        said = F.embedding_bag(
            ids,
            weights.flatten(0, 1),
            torch.from_numpy(first),
            mode="sum",
            per_sample_weights=torch.from_numpy(bags.values),
        )
        return said + bias[torch.from_numpy(fold)]


def fold_of(texts: list[str]) -> np.ndarray:
    """(N,) in which fold each text is; the same text is always in the same."""
    keys = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest() for text in texts)
    return np.array([key[0] % FOLDS for key in keys])


def fit_lines(bags: Bags, ngrams: Ngrams, targets: np.ndarray, fold: np.ndarray, loss: Loss) -> FittedLines:
    """Lines of the strength that makes the true labels likeliest on the folds that they did not see.

    A machine tells one label from the others, on a scale of its own, and there is one for each view of the features.
    What they say together becomes logits by a map that is fitted on texts they did not see (Platt 1999, for all labels
    at once). All of it is linear, and so is what is given back. targets (N, C); loss: of logits and targets, in sum.
    """
    matrix, truth = _matrix(bags, ngrams), torch.from_numpy(targets)

    def judged(fits: Sequence[Fit]) -> tuple[float, Fit]:
        """The loss that remains with the best map of what lines (one a fold) say of the fold they did not see."""
        said = np.zeros((len(fits[0][0]), *targets.shape), np.float32)
        for k, (weights, bias) in enumerate(fits):
            for view, own in enumerate(weights):
                said[view, fold == k] = matrix[fold == k] @ own + bias[view]
        return _mix(torch.from_numpy(said), truth, loss)

    best, strength = float("inf"), STRENGTHS[0]
    for tried in STRENGTHS:
        plain = [_fit(matrix[fold != k], targets[fold != k], tried) for k in range(FOLDS)]
        remaining, _ = judged([(weights[None], bias[None]) for weights, bias in plain])
        if remaining >= best:
            break  # it only gets worse from here
        best, strength = remaining, tried
    fits = [_fit_views(matrix[fold != k], ngrams, targets[fold != k], strength) for k in range(FOLDS)]
    _, mix = judged(fits)
    parts = [_mixed(fit, mix) for fit in fits]
    folds = torch.stack([part.weights for part in parts]), torch.stack([part.bias for part in parts])
    whole = _mixed(_fit_views(matrix, ngrams, targets, strength), mix)
    return FittedLines(whole, folds, strength, mix)


def _mixed(fits: Fit, mix: Fit) -> Line:
    """What gives logits in place of scores: weights (V, F, C) and bias (V, C) of all views in one."""
    weights = sum((own @ part for own, part in zip(fits[0], mix[0], strict=True)), np.zeros((), np.float32))
    bias = sum((own @ part for own, part in zip(fits[1], mix[0], strict=True)), mix[1])
    return Line(torch.from_numpy(weights), torch.from_numpy(bias))


def _mix(said: Tensor, truth: Tensor, loss: Loss) -> tuple[float, Fit]:
    """The map (V, C, C) and shift (C,) from scores (V, N, C) to logits of the least loss, with a penalty on what it is
    beside one number a view on its diagonal; and that loss, a text."""
    views, count, labels = said.shape
    scale = torch.full((views, 1, 1), 1 / views, requires_grad=True)
    beside, shift = torch.zeros(views, labels, labels, requires_grad=True), torch.zeros(labels, requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, beside, shift], max_iter=100, line_search_fn="strong_wolfe")
    identity = torch.eye(labels)

    def value() -> Tensor:
        logits = (said @ (scale * identity + beside)).sum(0) + shift
        return (loss(logits, truth) + PENALTY * (beside.square().sum() + shift.square().sum())) / count

    def step() -> float:
        optimizer.zero_grad()
        now = value()
        now.backward()
        return now.item()

    optimizer.step(step)
    with torch.no_grad():
        return value().item(), ((scale * identity + beside).numpy(), shift.numpy())


def _matrix(bags: Bags, ngrams: Ngrams) -> Any:
    from scipy.sparse import csr_matrix

    stops = np.append(0, bags.ends)[bags.texts]
    found = csr_matrix((bags.values, bags.ids, np.append(0, stops)), shape=(len(bags), len(ngrams)), copy=True)
    found.sum_duplicates()  # in place, which the bags must not feel
    return found


def _fit_views(matrix: Any, ngrams: Ngrams, targets: np.ndarray, strength: float) -> Fit:
    """Weights (V, F, C) and bias (V, C) of machines that see all features, those of words alone, and both once more
    with each feature scaled by how unevenly it falls on the labels."""
    from scipy.sparse import diags

    words = (~ngrams.inner).astype(np.float32)
    views = [np.ones_like(words)] + ([words] if words.mean() < MOSTLY_WORDS else [])
    uneven = _unevenness(matrix, targets)
    views += [view * uneven for view in views]
    fits = [_fit(matrix @ diags(view), targets, strength) for view in views]
    return (
        np.stack([weights * view[:, None] for (weights, _), view in zip(fits, views, strict=True)]),
        np.stack([bias for _, bias in fits]),
    )


def _unevenness(matrix: Any, targets: np.ndarray) -> np.ndarray:
    """(F,) the largest log-count ratio max_c |log p_fc / q_fc|, p_fc the share of feature f among all of texts with
    label c, q_fc among those without, one added to each count. Of two labels, that of Wang and Manning 2012."""
    there = (matrix > 0).astype(np.float32)
    within = there.T @ targets
    without = np.asarray(there.sum(0)).T - within
    within, without = within + 1, without + 1
    return np.abs(np.log(within / within.sum(0)) - np.log(without / without.sum(0))).max(1).astype(np.float32)


def _fit(matrix: Any, targets: np.ndarray, strength: float) -> Fit:
    """Weights (F, C) and bias (C,): for each label, the texts that have it against the others (Cortes and Vapnik 1995,
    squared hinge loss). A label that all or none have gets a bias alone."""
    try:
        from sklearn.svm import LinearSVC
    except ImportError:
        raise UserError('the line needs scikit-learn: pip install "attentionflow[text]", or --set line=false') from None
    weights = np.zeros((matrix.shape[1], targets.shape[1]), np.float32)
    bias = np.where(targets.mean(0) > 0.5, 1, -1).astype(np.float32)
    single, present = (targets.sum(1) == 1).all(), np.flatnonzero(targets.any(0))
    if single and len(present) > 2:
        fitted = LinearSVC(C=strength, random_state=0).fit(matrix, targets.argmax(1))  # all labels in one go
        weights[:, present], bias[present] = fitted.coef_.T, fitted.intercept_
    elif single and len(present) == 2:  # one machine for both
        fitted = LinearSVC(C=strength, random_state=0).fit(matrix, targets[:, present[1]] > 0.5)
        weights[:, present[1]], bias[present[1]] = fitted.coef_[0], fitted.intercept_[0]
        weights[:, present[0]], bias[present[0]] = -fitted.coef_[0], -fitted.intercept_[0]
    elif not single:
        for c in np.flatnonzero(targets.min(0) != targets.max(0)):
            fitted = LinearSVC(C=strength, random_state=0).fit(matrix, targets[:, c] > 0.5)
            weights[:, c], bias[c] = fitted.coef_[0], fitted.intercept_[0]
    return weights, bias
