"""Boxes as (left, top, right, bottom): overlap, suppression, and which cells answer for which object.

Letters: B pictures, A cells, G objects of a picture (padded), C classes, N boxes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from attentionflow.tasks._suppression import standing

TINY = 1e-9
TAKEN = 10  # cells that answer for an object, at most


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4) that broadcast."""
    shared, union = _shared_and_union(a, b)
    return shared / union.clamp_min(TINY)


def giou(a: Tensor, b: Tensor) -> Tensor:
    """IoU - |hull without union| / |hull| (Rezatofighi et al. 2019): between -1 and 1, with a slope where IoU is 0."""
    shared, union = _shared_and_union(a, b)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return shared / union.clamp_min(TINY) - (hull - union) / hull.clamp_min(TINY)


def _shared_and_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0).prod(-1)
    return shared, (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared


@torch.no_grad()
def assign(
    scores: Tensor, boxes: Tensor, centres: Tensor, objects: Tensor, labels: Tensor, present: Tensor
) -> tuple[Tensor, Tensor]:
    """Which object each cell answers for, (B, A), -1 for none; and how well it should think of itself, (B, A).

    Task-aligned (Feng et al. 2021): an object goes to the TAKEN cells inside of it with the largest s^½ · IoU⁶, s being
    their score for its class; a cell that several objects want goes to the one that it overlaps most. The quality is
    that alignment, scaled so that its largest value for an object is the largest IoU.

    scores (B, A, C) probabilities, boxes (B, A, 4), centres (A, 2); objects (B, G, 4), labels (B, G), present (B, G).
    """
    overlap = iou(objects[:, :, None], boxes[:, None])  # (B, G, A)
    inside = ((centres > objects[:, :, None, :2]) & (centres < objects[:, :, None, 2:])).all(-1) & present[..., None]
    # A thing smaller than a cell may hold no centre: then the nearest one stands for it.
    middle = (objects[..., :2] + objects[..., 2:]) / 2
    nearest = (centres - middle[:, :, None]).square().sum(-1).argmin(-1, keepdim=True)
    lone = present[..., None] & ~inside.any(-1, keepdim=True)
    inside = inside | (torch.zeros_like(inside).scatter_(-1, nearest, True) & lone)
    own = scores.transpose(1, 2).gather(1, labels[..., None].expand(-1, -1, scores.shape[1]))  # (B, G, A)
    aligned = own.sqrt() * overlap**6 * inside
    best = aligned.topk(min(TAKEN, aligned.shape[-1]), dim=-1)
    taken = torch.zeros_like(inside).scatter_(-1, best.indices, True) & inside
    rival = torch.where(taken, overlap, -1.0)
    wanted, which = rival.max(1)  # (B, A)
    answers = torch.where(wanted >= 0, which, -1)
    chosen = taken & (answers[:, None] == torch.arange(objects.shape[1], device=boxes.device)[:, None])
    aligned, overlap = aligned * chosen, overlap * chosen
    scaled = aligned / aligned.amax(-1, keepdim=True).clamp_min(TINY) * overlap.amax(-1, keepdim=True)
    return answers, scaled.amax(1)


def suppress(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float, most: int) -> np.ndarray:
    """Indices of the boxes that stay, the best first: none overlaps a better one of its label by more than `threshold`.

    boxes (N, 4), scores (N,), labels (N,); equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    kept = standing(boxes[order].astype(np.float64), labels[order].astype(np.int64), threshold, most)
    return order[kept]
