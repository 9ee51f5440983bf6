"""Cross-entropy over a vocabulary without holding the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Logits of one block; about what a second-level cache and the matrix kernels both like.
BLOCK_LOGITS = 1 << 20


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    smoothing: float = 0.0,
    mixed: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Sum over tokens of the cross-entropy of softmax(hidden weightᵀ), with label smoothing; in nats.

    hidden (N, D), weight (V, D), targets (N,) int64. With smoothing e the target distribution is
    (1-e) one-hot + e/V uniform (Szegedy et al. 2016, section 7), as in `torch.nn.functional.cross_entropy`.
    mixed: log g and log c, (N,) each, where the chance of a target is g · softmax + c, with c what something else than
    the vocabulary gives it, such as copying; the uniform part is of the softmax alone.

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
        logs = (None, None) if mixed is None else (mixed[0].to(hidden.dtype), mixed[1].to(hidden.dtype))
        return _LinearCrossEntropy.apply(hidden, weight.to(hidden.dtype), targets, *logs, smoothing, products)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        own: Tensor | None,
        other: Tensor | None,
        smoothing: float,
        products: torch.dtype,
    ) -> Tensor:
        count, vocabulary = hidden.shape[0], weight.shape[0]
        size = max(64, BLOCK_LOGITS // vocabulary)
        wants_gradient = any(ctx.needs_input_grad[:5])
        shares = None if own is None else torch.empty_like(own)  # of the softmax in the chance of each target
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
            said = logits.gather(1, target)
            if own is None or other is None or shares is None:
                loss += normaliser.sum() - (1 - smoothing) * said.sum()
                pull = probabilities.new_full(target.shape, smoothing - 1)
            else:
                at = slice(start, start + size)
                said = own[at, None] + said - normaliser
                chance = torch.logaddexp(said, other[at, None])
                loss += smoothing * normaliser.sum() - (1 - smoothing) * chance.sum()
                taken = (said - chance).exp()
                shares[at], pull = taken[:, 0], (smoothing - 1) * taken
                probabilities.mul_(smoothing - pull)
            if wants_gradient:
                probabilities.scatter_add_(1, target, pull)
                probabilities = probabilities.to(products)
                hidden_gradient[start : start + size] = probabilities @ factor
                weight_gradient += probabilities.T @ part
        if smoothing:
            total, share = weight.sum(0), smoothing / vocabulary
            loss -= share * (hidden @ total).sum()
            if wants_gradient:
                hidden_gradient -= share * total
                weight_gradient -= share * hidden.sum(0)
        own_gradient = None if shares is None else (smoothing - 1) * shares
        other_gradient = None if shares is None else (smoothing - 1) * (1 - shares)
        ctx.save_for_backward(hidden_gradient, weight_gradient, own_gradient, other_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        found = (None if saved is None else saved * gradient for saved in ctx.saved_tensors)
        hidden, weight, own, other = found
        return hidden, weight, None, own, other, None, None
