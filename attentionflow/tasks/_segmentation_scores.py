"""How well pixels are told apart: the overlap of each class, over a whole set of pictures at once.

Letters: K classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.errors import UserError
from attentionflow.readers.masks import IGNORED
from attentionflow.task import Score
from attentionflow.tasks._label_scores import confusion


def segmentation_scores(pairs: Iterable[tuple[np.ndarray, np.ndarray]], names: Sequence[str]) -> dict[str, Score]:
    """pairs: the classes given and the true ones of every picture, as (H, W) bytes; IGNORED pixels are left out.

    miou: mean over classes of TP / (TP + FP + FN), pixels of all pictures counted together, of the classes that are
    given or true somewhere (Everingham et al. 2010). mean_accuracy: mean of TP / (TP + FN) over those that are true.
    """
    counts = np.zeros((len(names), len(names)), np.int64)
    for given, truth in pairs:
        there = truth != IGNORED
        counts += confusion(given[there].astype(np.int64), truth[there].astype(np.int64), len(names))
    if not counts.any():
        raise UserError("no pixel of these pictures has a class to be scored against")
    right, true, told = np.diag(counts), counts.sum(1), counts.sum(0)
    either = true + told - right
    overlap, found = right / np.maximum(either, 1), right / np.maximum(true, 1)
    return {
        "miou": Score(
            float(overlap[either > 0].mean()),
            signature=f"classes:{(either > 0).sum()}|pixels of all pictures together|ignored left out",
            parts={name: float(overlap[at]) for at, name in enumerate(names) if either[at]},
        ),
        "pixel_accuracy": Score(float(right.sum() / counts.sum())),
        "mean_accuracy": Score(
            float(found[true > 0].mean()), parts={name: float(found[at]) for at, name in enumerate(names) if true[at]}
        ),
    }


def class_weights(pixels: np.ndarray, power: float) -> Tensor:
    """(K,) share^-power of each class, such that the mean over all pixels is 1; pixels (K,) are counts."""
    shares = np.maximum(pixels, 1) / max(1, pixels.sum())
    weights = shares**-power
    return torch.tensor(weights / (shares * weights).sum(), dtype=torch.float32)


def nats(logits: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Sum over pixels of weights_y · -log p_y; logits (B, K, H, W), masks (B, H, W)."""
    return F.cross_entropy(logits, masks, weights, ignore_index=IGNORED, reduction="sum")


def missed_overlap(logits: Tensor, masks: Tensor) -> Tensor:
    """Sum over pictures of 1 - the mean, over the classes that are there, of Σ p y / Σ (p + y - p y), with
    probabilities p and the truth y of pixels that are not ignored (Rahman and Wang 2016)."""
    there = masks != IGNORED
    truth = masks.masked_fill(~there, 0)
    own = logits.softmax(1).flatten(2) * there.flatten(1)[:, None]  # (B, K, P)
    classes = torch.arange(logits.shape[1], device=logits.device)[:, None]
    true = ((truth.flatten(1)[:, None] == classes) & there.flatten(1)[:, None]).to(own.dtype)
    both, count = (own * true).sum(-1), true.sum(-1)
    overlap = both / (own.sum(-1) + count - both).clamp_min(1e-6)
    present = count > 0
    missed = 1 - (overlap * present).sum(1) / present.sum(1).clamp_min(1)
    return (missed * present.any(1)).sum()
