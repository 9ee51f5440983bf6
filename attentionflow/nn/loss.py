"""Cross-entropy over a vocabulary without holding the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Logits of one block; about what a second-level cache and the matrix kernels both like.
BLOCK_LOGITS = 1 << 20


def linear_cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Sum over tokens of the cross-entropy of softmax(hidden weightᵀ), with label smoothing; in nats.

    hidden (N, D), weight (V, D), targets (N,) int64. With smoothing e the target distribution is
    (1-e) one-hot + e/V uniform (Szegedy et al. 2016, section 7), as in `torch.nn.functional.cross_entropy`.

    The gradients are computed with the loss, block by block, so that a block of logits is read while it is in cache,
    and the uniform part of the smoothing, which has rank one, never touches the (N, V) matrix. Under autocast to
    bfloat16 the matrix products are in bfloat16, all else stays in float32.
    """
    if hidden.shape[0] == 0:
        return hidden.sum() + weight.sum() * 0
    device = hidden.device.type
    # Not float16: probabilities of a large vocabulary fall below its range.
    rounded = torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.bfloat16
    if hidden.dtype in (torch.float16, torch.bfloat16):  # features under mixed precision; a sum needs more digits
        hidden = hidden.float()
    products = torch.bfloat16 if rounded else hidden.dtype
    with torch.autocast(device, enabled=False):
        return _LinearCrossEntropy.apply(hidden, weight.to(hidden.dtype), targets, smoothing, products)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, smoothing: float, products: torch.dtype
    ) -> Tensor:
        count, vocabulary = hidden.shape[0], weight.shape[0]
        size = max(64, BLOCK_LOGITS // vocabulary)
        wants_gradient = any(ctx.needs_input_grad[:2])
        hidden_gradient = torch.empty_like(hidden)
        weight_gradient = torch.zeros_like(weight)
        loss = hidden.new_zeros(())
        factor = weight.to(products)
        for start in range(0, count, size):
            part, target = hidden[start : start + size].to(products), targets[start : start + size, None]
            logits = (part @ factor.T).to(hidden.dtype)
            top = logits.amax(-1, keepdim=True)
            probabilities = logits.softmax(-1)
            # log-sum-exp for nothing: the largest probability is exp(top - logsumexp).
            normaliser = top - probabilities.amax(-1, keepdim=True).log()
            loss += normaliser.sum() - (1 - smoothing) * logits.gather(1, target).sum()
            if wants_gradient:
                probabilities.scatter_add_(1, target, probabilities.new_full(target.shape, smoothing - 1))
                probabilities = probabilities.to(products)
                hidden_gradient[start : start + size] = probabilities @ factor
                weight_gradient += probabilities.T @ part
        if smoothing:
            total, share = weight.sum(0), smoothing / vocabulary
            loss -= share * (hidden @ total).sum()
            if wants_gradient:
                hidden_gradient -= share * total
                weight_gradient -= share * hidden.sum(0)
        ctx.save_for_backward(hidden_gradient, weight_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return hidden_gradient * gradient, weight_gradient * gradient, None, None, None
