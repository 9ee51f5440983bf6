"""The one seam through which every attention weight passes.

Models call `attend` (dot product; `attend_cells` while decoding), `weigh` (a mechanism's own scores) or `gate` (weights
that are no distribution) and know nothing of recording. When nobody records, `attend` is the fused kernel and nothing
is stored. Inside `attentionflow.recording(model)` the values stay the fused kernel's, bit for bit, and the weights are
computed beside them for the sites asked for.

Letters: B batch, H heads, G groups of heads that share keys, Q queries, K keys, D features of a head; while decoding
N hypotheses, P cells, T cells of a hypothesis.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.records import Fold, Role

# Sizes of the blocks of `weight_blocks`, so that a block of scores stays in the caches of two cores, or keeps an
# accelerator busy; more rows of fewer heads make the better matrix product.
BLOCK_SCORES = 1 << 18
BLOCK_SCORES_ACCELERATOR = 1 << 24
BLOCK_ROWS = 128

# Hypotheses from which the compiled kernel of `attend_cells` is worth its start.
MANY_HYPOTHESES = 32


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
        bias: Tensor | None = None,
        causal: bool,
        scale: float | None,
        dropout: float,
        fold: Fold | None,
        values: Tensor,
        place: Place | None = None,
    ) -> Tensor:
        """Told of a call of the fused kernel and its values; returns them, perhaps with another path for gradients.

        bias: added to the scores beside the mask. place: where the module stands, for one without `place` of its own.
        """

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

    def follow(self, paths: Tensor) -> None:
        """Told at the end of decoding which rows of each step became answers: (B, T), -1 past the end of an answer."""


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def unheard() -> Iterator[None]:
    """No recording hears what is tried in this block and does not become an answer, such as a whole catalogue."""
    token = listener.set(None)
    try:
        yield
    finally:
        listener.reset(token)


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
    if q.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        # In bfloat16 the CPU's kernel for the gradients takes five times as long.
        with torch.autocast("cpu", enabled=False):
            q, k, v = q.float(), k.float(), v.float()
            return attend(module, q, k, v, mask=mask, causal=causal, scale=scale, dropout=dropout, fold=fold)
    values = F.scaled_dot_product_attention(
        q, k, v, mask, dropout, is_causal=causal, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    )
    if heard_by is None:
        return values
    return heard_by.hear_attend(
        module, q, k, v, mask=mask, causal=causal, scale=scale, dropout=dropout, fold=fold, values=values
    )


def attend_cells(module: nn.Module, q: Tensor, keys: Tensor, values: Tensor, cells: Tensor, step: int) -> Tensor:
    """`attend` for the hypotheses of a search, each of which looks at cells of its own in a pool that all share.

    q (N, H, D); keys, values (P, G, D); cells (N, T): rows of the pool, -1 for none; returns (N, H, D). No gradients.
    step: of the decoder, whose steps become the rows of one site; see `Listener.follow`.
    A hypothesis without cells gets zeros. On a CPU, many hypotheses take a compiled kernel, which gathers nothing.
    """
    heard_by = listener.get()
    weights = None
    if q.device.type == "cpu" and q.dtype == torch.float32 and len(q) >= MANY_HYPOTHESES:
        from attentionflow._cells import attend_to_cells

        a, b, c, d = (t.contiguous().numpy() for t in (q, keys, values, cells))
        found, weights = map(torch.from_numpy, attend_to_cells(a, b, c, d, 1 / math.sqrt(q.shape[-1])))
    else:
        q, mask = q[:, :, None], (cells >= 0)[:, None, None]
        k, v = (pool[cells.clamp_min(0)].transpose(1, 2) for pool in (keys, values))
        found = F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=q.shape[1] != k.shape[1])[:, :, 0]
        if heard_by is not None:
            k = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
            weights = dot_product_weights(q, k, mask, False, None)[:, :, 0]
    if heard_by is not None and weights is not None:
        heard_by.hear_weights(module, weights[:, :, None], mask=None, step=step, fold=None, normalised=True)
    return found


def weigh(
    module: nn.Module, scores: Tensor, *, mask: Tensor | None = None, step: int | None = None, fold: Fold | None = None
) -> Tensor:
    """Softmax of a mechanism's own scores (B, H, Q, K) over the keys; always returns the weights.

    mask: broadcastable to the scores, True where a query may look; a query that may look nowhere gets zeros.
    step: the row that this call computes, where a decoder calls once a step: steps 0..T-1 become one site of T rows.
    """
    return _listen(module, _masked_softmax(scores, mask), mask, step, fold, normalised=True)


def gate(
    module: nn.Module, gates: Tensor, *, mask: Tensor | None = None, step: int | None = None, fold: Fold | None = None
) -> Tensor:
    """Declares weights (B, H, Q, K) that are no distribution (channel, spatial, target attention); returns them.

    mask: broadcastable to the gates, True where a query may look; elsewhere the gates returned are zero.
    """
    gates = gates if mask is None else gates * mask
    return _listen(module, gates, mask, step, fold, normalised=False)


def causal_mask(length: int, device: torch.device | None = None) -> Tensor:
    """(Q, K) bool, True where key <= query."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def dot_product_weights(
    q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float | None, bias: Tensor | None = None
) -> Tensor:
    """softmax(q kᵀ · scale + bias + mask) in float32, (B, H, Q, K); zero rows where every key is masked."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    with torch.autocast(q.device.type, enabled=False):
        scores = (q.float() * scale) @ k.float().transpose(-2, -1)
    scores = scores if bias is None else scores + bias
    if causal:
        mask = causal_mask(q.shape[-2], q.device)
    return _masked_softmax(scores, mask)


def weight_blocks(
    q: Tensor,
    k: Tensor,
    mask: Tensor | None,
    causal: bool,
    scale: float | None,
    bias: Tensor | None = None,
    *,
    rows: Sequence[int] | None = None,
    mean: bool = False,
) -> Iterator[tuple[tuple[slice, slice, slice], Tensor]]:
    """The same for keys (B, G, K, D) block by block: which examples, heads and rows, and their weights (b, h, r, K).

    Blocks share a buffer, so one is to be used before the next is asked for; all weights, or repeated keys, are never
    held. Where causal, a block ends with the last key that any of its rows sees. Has no gradients.
    rows: the queries wanted, rising; all unless given. mean: over the heads, h = 1.
    """
    (batch, heads, queries, width), (groups, keys) = q.shape, k.shape[1:3]
    scale = 1 / math.sqrt(width) if scale is None else scale
    wanted = range(queries) if rows is None else rows
    shared = heads // groups  # heads with the same keys: their rows make one matrix
    most = (BLOCK_SCORES if q.device.type == "cpu" else BLOCK_SCORES_ACCELERATOR) // keys
    r_size = max(1, min(len(wanted), BLOCK_ROWS, most // shared))
    g_size = max(1, min(groups, most // (shared * r_size)))
    b_size = max(1, min(batch, most // (heads * r_size)))  # more than one only where all groups fit
    k = k.float().contiguous()
    lowest = torch.finfo(k.dtype).min
    buffer = k.new_empty(b_size * g_size * shared * r_size * keys)
    sums = k.new_empty(b_size * r_size * keys if mean else 0)
    for b, r in product(_pieces(batch, b_size), _pieces(len(wanted), r_size)):
        at = r if rows is None else list(wanted[r])
        seen = wanted[r][-1] + 1 if causal else keys
        left = q[b, :, at].float()
        added = None if bias is None else _cut(bias, b, at, seen)
        hidden = None
        if causal:
            hidden = _after(wanted[r], seen, q.device)
        elif mask is not None:
            part = _cut(mask, b, at, seen)
            hidden = ~part if part.dtype == torch.bool else part <= torch.finfo(part.dtype).min
            if part.dtype != torch.bool:
                added = part if added is None else added + part
        blind = None if hidden is None else hidden.all(-1, keepdim=True)
        size = left.shape[0], left.shape[2], seen
        total = sums[: math.prod(size)].view(size).zero_() if mean else None
        for g in _pieces(groups, g_size):
            h = slice(g.start * shared, g.stop * shared)
            shape = size[0], h.stop - h.start, *size[1:]
            pairs = shape[0] * (g.stop - g.start)  # of example and group: one matrix product each
            scores = buffer[: math.prod(shape)].view(pairs, -1, seen)
            factors = left[:, h].reshape(pairs, -1, width), k[b, g, :seen].reshape(pairs, seen, width).transpose(1, 2)
            with torch.autocast(q.device.type, enabled=False):
                torch.baddbmm(scores, *factors, beta=0, alpha=scale, out=scores)
            scores = scores.view(shape)
            if added is not None:
                scores += _of_heads(added, h)
            if hidden is not None:
                scores.masked_fill_(_of_heads(hidden, h), lowest)
            torch.softmax(scores, -1, out=scores)
            if blind is not None and blind.any():
                scores.masked_fill_(_of_heads(blind, h), 0)
            if total is None:
                yield (b, h, r), scores
            else:
                for head in scores.unbind(1):  # quicker than a sum: each stays in the cache
                    total += head
        if total is not None:
            yield (b, slice(0, 1), r), total.div_(heads)[:, None]


def _pieces(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def _cut(given: Tensor, b: slice, at: slice | list[int], seen: int) -> Tensor:
    """The part (b, H, r, seen) of a mask; an axis of one stays."""
    given = given[(None,) * (4 - given.dim())]
    given = given if given.shape[0] == 1 else given[b]
    given = given if given.shape[2] == 1 else given[:, :, at]
    return given if given.shape[3] == 1 else given[..., :seen]


def _of_heads(given: Tensor, h: slice) -> Tensor:
    return given if given.shape[1] == 1 else given[:, h]


def _after(rows: Sequence[int], seen: int, device: torch.device) -> Tensor:
    """(1, 1, r, seen) True where a key comes after its query."""
    return torch.arange(seen, device=device) > torch.tensor(list(rows), device=device)[:, None][None, None]


def _masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return scores.softmax(-1)
    # Not -inf: a fully masked row would be NaN, and NaN gradients survive every later multiplication by zero.
    lowest = torch.finfo(scores.dtype).min
    if mask.dtype != torch.bool:
        scores, mask = scores + mask.clamp_min(lowest), mask > torch.finfo(mask.dtype).min
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
