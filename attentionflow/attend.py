"""The one seam through which every attention weight passes.

Models call `attend` (dot product), `weigh` (a mechanism's own scores) or `gate` (weights that are no distribution) and
know nothing of recording. When nobody records, `attend` is the fused kernel and nothing is stored. Inside
`attentionflow.recording(model)` the values stay the fused kernel's, bit for bit, and the weights are computed beside
them for the sites asked for.

Letters: B batch, H heads, G groups of heads that share keys, Q queries, K keys, D features of a head.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.records import Fold, Role


@dataclass(frozen=True)
class Place:
    """Where a mechanism stands in its model: its role, the streams of its queries and keys, a residual beside it."""

    role: Role
    queries: str
    keys: str
    residual: bool = True


class Listener(Protocol):
    """Who is told of every weight while a recording is open."""

    def hear_attend(
        self,
        module: nn.Module,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        mask: Tensor | None,
        causal: bool,
        scale: float | None,
        dropout: float,
        fold: Fold | None,
        values: Tensor,
    ) -> Tensor:
        """Told of a call of the fused kernel and its values; returns them, perhaps with another path for gradients."""

    def hear_weights(
        self,
        module: nn.Module,
        weights: Tensor,
        *,
        mask: Tensor | None,
        step: int | None,
        fold: Fold | None,
        normalised: bool,
    ) -> None:
        """Told of weights (B, H, Q, K) that a mechanism computed itself."""


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def attend(
    module: nn.Module,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
    fold: Fold | None = None,
) -> Tensor:
    """Scaled dot-product attention, softmax(q kᵀ · scale + mask) v (Vaswani et al. 2017, eq. 1).

    module: the mechanism that calls, with its `place`; the site is named after it.
    q (B, H, Q, D); k, v (B, G, K, D) with G dividing H (grouped queries); returns (B, H, Q, D).
    mask: broadcastable to (B, H, Q, K); bool, True where a query may look, or float, added to the scores.
    causal: query i sees keys 0..i; needs Q == K.
    scale: 1/sqrt(D) unless given. dropout: on the weights, in training; recorded weights are those before it.
    A query that may look nowhere gets zeros, not NaN.
    """
    if causal and q.shape[-2] != k.shape[-2]:
        raise ValueError(f"causal attention needs as many keys as queries, got {k.shape[-2]} and {q.shape[-2]}")
    if causal and mask is not None:
        mask, causal = _merge(mask, causal_mask(q.shape[-2], q.device)), False
    # A ContextVar cannot be read while torch.compile traces; `recording` runs it uncompiled instead.
    heard_by = None if torch.compiler.is_compiling() else listener.get()
    values = F.scaled_dot_product_attention(
        q, k, v, mask, dropout, is_causal=causal, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    )
    if heard_by is None:
        return values
    return heard_by.hear_attend(
        module, q, k, v, mask=mask, causal=causal, scale=scale, dropout=dropout, fold=fold, values=values
    )


def weigh(
    module: nn.Module, scores: Tensor, *, mask: Tensor | None = None, step: int | None = None, fold: Fold | None = None
) -> Tensor:
    """Softmax of a mechanism's own scores (B, H, Q, K) over the keys; always returns the weights.

    mask: broadcastable to the scores, True where a query may look; a query that may look nowhere gets zeros.
    step: the row that this call computes, where a decoder calls once a step: steps 0..T-1 become one site of T rows.
    """
    return _listen(module, _masked_softmax(scores, mask), mask, step, fold, normalised=True)


def gate(module: nn.Module, gates: Tensor, *, step: int | None = None, fold: Fold | None = None) -> Tensor:
    """Declares weights (B, H, Q, K) that are no distribution (channel, spatial, target attention); returns them."""
    return _listen(module, gates, None, step, fold, normalised=False)


def causal_mask(length: int, device: torch.device | None = None) -> Tensor:
    """(Q, K) bool, True where key <= query."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def dot_product_weights(q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float | None) -> Tensor:
    """softmax(q kᵀ · scale + mask) in float32, (B, H, Q, K); zero rows where every key is masked."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    with torch.autocast(q.device.type, enabled=False):
        scores = (q.float() * scale) @ k.float().transpose(-2, -1)
    if causal:
        mask = causal_mask(q.shape[-2], q.device)
    return _masked_softmax(scores, mask)


def _masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return scores.softmax(-1)
    # Not -inf: a fully masked row would be NaN, and NaN gradients survive every later multiplication by zero.
    lowest = torch.finfo(scores.dtype).min
    if mask.dtype != torch.bool:
        scores, mask = scores + mask.clamp_min(lowest), mask > lowest
    return scores.masked_fill(~mask, lowest).softmax(-1) * mask


def _merge(mask: Tensor, causal: Tensor) -> Tensor:
    return mask & causal if mask.dtype == torch.bool else mask.masked_fill(~causal, -math.inf)


def _listen(
    module: nn.Module, weights: Tensor, mask: Tensor | None, step: int | None, fold: Fold | None, *, normalised: bool
) -> Tensor:
    heard_by = None if torch.compiler.is_compiling() else listener.get()
    if heard_by is not None:
        heard_by.hear_weights(module, weights, mask=mask, step=step, fold=fold, normalised=normalised)
    return weights
