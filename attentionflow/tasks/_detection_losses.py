"""What a detector minimises, and which of its cells get a second look.

Letters: B pictures, A cells, G objects, Q chosen cells, C classes.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.models.detector import Detector, Proposals, pick
from attentionflow.tasks._boxes import assign, giou, iou, suppress

CHOSEN = 100  # cells of a picture that get a second look
BEST = 300  # cells among which they are chosen
ALIKE = 0.7  # overlap from which two proposals are taken for the same
RIGHT = 0.5  # overlap from which a proposal answers for an object
BOX = 5.0  # weight of the boxes beside the classes


def detection_losses(model: Detector, images: Tensor, objects: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Sums over all objects (B, G, 4) with labels (B, G), -1 to be ignored, -2 padding.

    Classes are learned by binary cross-entropy with the quality of the box as the target (as in Li et al. 2020), boxes
    by 1 - GIoU. Where the model refines, each stage learns the classes of the chosen cells.
    """
    found = model(images)
    present = labels >= 0
    answers, quality = assign(found.logits.sigmoid(), found.boxes, found.centres, objects, labels.clamp_min(0), present)
    positive, own = answers >= 0, answers.clamp_min(0)
    blind = _within(found.centres[None], objects, labels == -1)
    lost = 1 - giou(found.boxes[positive], pick(objects, own)[positive])
    losses = {
        "class": _classes(found.logits, answers, quality, labels, blind),
        "box": BOX * (lost * quality[positive]).sum(),
    }
    at = choose(found)
    if stages := model.refine(found, at):
        boxes = pick(found.boxes, at).detach()
        overlap = torch.where(present[:, None], iou(boxes[:, :, None], objects[:, None]), 0.0)  # (B, Q, G)
        best, which = overlap.max(-1)
        answers = torch.where(best >= RIGHT, which, -1)
        blind = _within((boxes[..., :2] + boxes[..., 2:]) / 2, objects, labels == -1)
        parts = [_classes(logits, answers, best, labels, blind) for logits in stages]
        losses["refined"] = torch.stack(parts).sum()
    return losses


def _classes(logits: Tensor, answers: Tensor, quality: Tensor, labels: Tensor, blind: Tensor) -> Tensor:
    """Loss of the classes of cells (B, N), each of which answers for an object or, at -1, for none.

    Cells that are `blind` lie in what is to be ignored, and answer for nothing there.
    """
    positive = answers >= 0
    targets = torch.zeros_like(logits)
    kinds = labels.gather(1, answers.clamp_min(0)).clamp_min(0)[..., None]
    targets.scatter_(-1, kinds, (quality * positive)[..., None].to(targets.dtype))
    lost = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)
    return torch.where(blind & ~positive, 0.0, lost).sum()


def _within(points: Tensor, objects: Tensor, chosen: Tensor) -> Tensor:
    """(B, N) whether points (B or 1, N, 2) lie in one of the chosen objects (B, G)."""
    lie = (points[:, :, None] > objects[:, None, :, :2]) & (points[:, :, None] < objects[:, None, :, 2:])
    return (lie.all(-1) & chosen[:, None]).any(-1)


@torch.no_grad()
def choose(found: Proposals) -> Tensor:
    """(B, Q) cells for a second look: the surest of those that are not alike, then the surest of the rest."""
    best, classes = found.logits.max(-1)
    count = min(CHOSEN, best.shape[1])
    top = best.topk(min(BEST, best.shape[1]), dim=1)
    boxes, kinds = pick(found.boxes, top.indices).cpu().numpy(), classes.gather(1, top.indices).cpu().numpy()
    scores, cells, rows = top.values.cpu().numpy(), top.indices.cpu().numpy(), []
    for row in range(len(best)):
        first = suppress(boxes[row], scores[row], kinds[row], ALIKE, count)
        rest = np.setdiff1d(np.arange(len(scores[row])), first)
        rows.append(cells[row][np.concatenate((first, rest))[:count]])
    return torch.from_numpy(np.stack(rows)).to(best.device)
