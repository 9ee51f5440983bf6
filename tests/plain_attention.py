"""Attention written out, without kernels, blocks or recording: what the tests compare with.

Letters: B batch, H heads, G groups, Q queries, K keys, D features of a head.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Sizes that the masks below fit; queries and keys are as many, so that causal attention is possible.
B, H, G, Q, K, D = 2, 4, 2, 5, 5, 6

_seen = torch.tensor([[True, True, True, True, True], [True, True, True, False, False]])
_any = torch.rand(B, H, Q, K, generator=torch.Generator().manual_seed(7)) > 0.4
_any[..., 0] = True  # every query may look somewhere

# What may narrow attention: (mask, causal).
MASKS: dict[str, tuple[Tensor | None, bool]] = {
    "none": (None, False),
    "keys": (_seen[:, None, None], False),
    "pairs": (_any, False),
    "bias": (torch.randn(B, 1, Q, K, generator=torch.Generator().manual_seed(8)), False),
    "infinite bias": (torch.zeros(_any.shape).masked_fill(~_any, -math.inf), False),
    "lowest bias": (torch.zeros(_any.shape).masked_fill(~_any, torch.finfo(torch.float32).min), False),
    "causal": (None, True),
    "causal keys": (_seen[:, None, None], True),
    "causal bias": (torch.randn(B, 1, 1, K, generator=torch.Generator().manual_seed(9)), True),
}


def may_look(mask: Tensor | None, causal: bool) -> Tensor:
    """(B, H, Q, K), True where a mask leaves a weight."""
    seen = torch.ones(B, H, Q, K, dtype=torch.bool)
    if mask is not None:
        seen &= mask if mask.dtype == torch.bool else mask > torch.finfo(torch.float32).min
    return seen.tril() if causal else seen


def plain_weights(
    q: Tensor, k: Tensor, mask: Tensor | None = None, causal: bool = False, scale: float | None = None
) -> Tensor:
    """exp(s) / sum exp(s) of s = q kᵀ · scale + mask, in float64; zero where a query may look nowhere."""
    k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
    scores = q.double() @ k.double().transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    grown = (scores - scores.detach().amax(-1, keepdim=True).clamp_min(-1e30)).exp()
    return grown / grown.sum(-1, keepdim=True).clamp_min(1e-30)


def plain_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    weights = plain_weights(q, k, mask, causal, scale)
    return (weights @ v.double().repeat_interleave(q.shape[1] // v.shape[1], 1)).to(q.dtype)


def some_heads(groups: int = H, *, seed: int = 0, requires_grad: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (B, H, Q, D), keys and values (B, groups, K, D)."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((B, H, Q, D), (B, groups, K, D), (B, groups, K, D))
    q, k, v = (torch.randn(shape, generator=generator).requires_grad_(requires_grad) for shape in shapes)
    return q, k, v
