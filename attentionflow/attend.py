"""The one seam through which every attention weight passes, and the recorder that listens there.

Models call `attend` (dot product), `weigh` (a mechanism's own scores) or `gate` (weights that are no distribution) and
know nothing of recording. When nobody records, `attend` is the fused kernel and nothing is stored. Inside
`recording(model)` the values stay the fused kernel's, bit for bit, and the weights are computed beside them for the
sites asked for.

Letters: B batch, H heads, Q queries, K keys, D features of a head.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.errors import UserError
from attentionflow.record import AttentionRecord, Axis, Fold, Role, Site

# Weights are computed beside the fused kernel in blocks of queries no larger than this many scores.
BLOCK_SCORES = 1 << 24


@dataclass(frozen=True)
class Place:
    """Where a mechanism stands in its model: its role, the streams of its queries and keys, a residual beside it."""

    role: Role
    queries: str
    keys: str
    residual: bool = True


class NothingRecorded(UserError):
    """A recording ended without the sites that were asked for."""


class RecordingTooLarge(UserError):
    """The weights asked for would not fit the byte budget."""


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
    # A ContextVar cannot be read while torch.compile traces; `recording` switches compiled code off instead.
    recorder = None if torch.compiler.is_compiling() else _recorder.get()
    fused = _fused(q, k, v, mask, causal, scale, dropout)
    if recorder is None:
        return fused
    return recorder.listen_attend(module, q, k, v, mask, causal, scale, dropout, fold, fused)


def weigh(
    module: nn.Module, scores: Tensor, *, mask: Tensor | None = None, step: int | None = None, fold: Fold | None = None
) -> Tensor:
    """Softmax of a mechanism's own scores (B, H, Q, K) over the keys; always returns the weights.

    mask: broadcastable to the scores, True where a query may look; a query that may look nowhere gets zeros.
    step: the row that this call computes, where a decoder calls once a step: steps 0..T-1 become one site of T rows.
    """
    return _listen(module, _masked_softmax(scores, mask), step=step, fold=fold, normalised=True)


def gate(module: nn.Module, gates: Tensor, *, step: int | None = None, fold: Fold | None = None) -> Tensor:
    """Declares weights (B, H, Q, K) that are no distribution (channel, spatial, target attention); returns them."""
    return _listen(module, gates, step=step, fold=fold, normalised=False)


def causal_mask(length: int, device: torch.device | None = None) -> Tensor:
    """(Q, K) bool, True where key <= query."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


@contextmanager
def recording(
    model: nn.Module,
    *,
    sites: str | Sequence[str] = "*",
    roles: Sequence[Role] = ("self", "cross", "pool", "gate"),
    layers: Sequence[int] | None = None,
    heads: Literal["all", "mean"] | Sequence[int] = "all",
    rows: Sequence[int] | None = None,
    dtype: Literal["float32", "float16"] = "float32",
    budget: int = 2 << 30,
    gradients: bool = False,
    value_norms: bool = False,
) -> Iterator[Recorder]:
    """Record every attention weight of `model` that is computed in this block, in this thread.

    sites: patterns (`decoder.*.cross`) over module names; roles, layers (negative counts from the last), heads ("all",
    "mean" or numbers) and rows (query positions) narrow further. budget: bytes that may be held; more raises
    RecordingTooLarge before it is allocated. gradients: also keep gradients, see `Recorder.differentiate`.

    Raises NothingRecorded where the block ends with no site. Under several processes the main one records.
    A compiled module runs uncompiled inside, and the record says so.
    """
    recorder = Recorder(
        names=_names(model),
        patterns=(sites,) if isinstance(sites, str) else tuple(sites),
        roles=tuple(roles),
        layers=None if layers is None else tuple(layers),
        heads=heads if isinstance(heads, str) else tuple(heads),
        rows=None if rows is None else tuple(rows),
        dtype=np.dtype(dtype),
        budget=budget,
        gradients=gradients,
        value_norms=value_norms,
    )
    if not _is_main_process():
        yield recorder
        return
    with ExitStack() as stack:
        if any(_is_compiled(module) for module in model.modules()):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
            recorder.notes.append("the model is compiled; it was recorded uncompiled")
        token = _recorder.set(recorder)
        try:
            yield recorder
        finally:
            _recorder.reset(token)
    recorder.close()


@dataclass
class _Heard:
    """A site while it is being recorded; a list holds one entry a decoder step, or a single one."""

    place: Place
    layer: int
    normalised: bool
    fold: Fold | None
    heads: tuple[int, ...] | Literal["mean"]
    live: list[Tensor] = field(default_factory=list)  # full weights inside the graph, where gradients are wanted
    weights: list[np.ndarray] = field(default_factory=list)
    gradients: list[np.ndarray] = field(default_factory=list)
    value_norms: np.ndarray | None = None


@dataclass
class Recorder:
    """What `recording` yields. After the block, `sites` and `record(...)` give what was heard."""

    names: dict[int, str]
    patterns: tuple[str, ...]
    roles: tuple[str, ...]
    layers: tuple[int, ...] | None
    heads: Literal["all", "mean"] | tuple[int, ...]
    rows: tuple[int, ...] | None
    dtype: np.dtype
    budget: int
    gradients: bool
    value_norms: bool
    notes: list[str] = field(default_factory=list)
    sites: tuple[Site, ...] = ()
    _held: int = 0
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _layers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _seen: dict[str, None] = field(default_factory=dict)
    _present: dict[str, np.ndarray] = field(default_factory=dict)

    def differentiate(self, target: Tensor) -> None:
        """Keep the gradient of a scalar by every recorded weight. To be called inside the block, after the pass."""
        if not self.gradients:
            raise UserError("gradients were not recorded; open the recording with gradients=True")
        heard = [site for site in self._heard.values() if site.live]
        live = [weights for site in heard for weights in site.live]
        found = iter(torch.autograd.grad(target, live, allow_unused=True))
        for site in heard:
            for step, weights in enumerate(site.live):
                gradient = next(found)
                gradient = torch.zeros_like(weights) if gradient is None else gradient
                site.gradients += self._keep(gradient, None if len(site.live) == 1 else step)

    def record(
        self,
        axes: Mapping[str, Sequence[Axis]] | None = None,
        present: Mapping[str, np.ndarray] | None = None,
        model: str = "",
    ) -> AttentionRecord:
        """The record of the block.

        axes: for each stream one axis an example; numbered positions unless given.
        present: (B, n) for each stream, False on padding; unless given, an axis fills its positions from the left,
        and without axes the key masks tell.
        """
        marks, named = dict(present or {}), dict(axes or {})
        for stream, (batch, length) in self._sizes().items():
            if stream not in marks and stream in named:
                marks[stream] = np.arange(length) < np.array([[len(axis)] for axis in named[stream]])
            marks.setdefault(stream, self._present.get(stream, np.ones((batch, length), bool)))
            if stream not in named:
                counts = marks[stream].sum(1)
                named[stream] = [Axis("position", tuple(map(str, range(count)))) for count in counts]
        return AttentionRecord(self.sites, {s: tuple(a) for s, a in named.items()}, marks, model, tuple(self.notes))

    def listen_attend(
        self,
        module: nn.Module,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        mask: Tensor | None,
        causal: bool,
        scale: float | None,
        dropout: float,
        fold: Fold | None,
        fused: Tensor,
    ) -> Tensor:
        """Compute and keep the weights beside the fused kernel; returns the values, through which gradients run."""
        batch, heads, queries = q.shape[:3]
        site = self._open(module, None, fold, heads, normalised=True)
        if site is None:
            return fused
        self._note_padding(site.place.keys, mask, batch, k.shape[-2])
        groups = heads // k.shape[1]
        if self.value_norms:
            site.value_norms = _numpy(v.norm(dim=-1).repeat_interleave(groups, 1), self.dtype)
        if self.gradients:
            if dropout:
                raise UserError("gradients are recorded without dropout on the weights; put the model in eval mode")
            self._reserve((batch, heads, queries, k.shape[-2]), 4)
            k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
            weights = _weights(q, k, mask, causal, scale)
            site.live.append(weights)
            return _ThroughWeights.apply(weights, v, fused.detach())
        with torch.no_grad():
            site.weights += self._stream(q, k.repeat_interleave(groups, 1), mask, causal, scale)
        return fused

    def listen(self, module: nn.Module, weights: Tensor, step: int | None, fold: Fold | None, normalised: bool) -> None:
        """Keep weights that a mechanism computed itself."""
        site = self._open(module, step, fold, weights.shape[1], normalised)
        if site is None:
            return
        if self.gradients:
            self._reserve(weights.shape, 4)
            site.live.append(weights)
        else:
            site.weights += self._keep(weights, step)

    def close(self) -> None:
        """Turn what was heard into sites; complain where something asked for was not heard."""
        counts = self._layers
        for order, (name, site) in enumerate(self._heard.items()):
            group = (site.place.role, site.place.queries, site.place.keys)
            if self.layers is not None and not {site.layer, site.layer - counts[group]} & set(self.layers):
                continue
            if self.gradients and not site.gradients:
                raise UserError("gradients were asked for: call differentiate(score) inside the recording")
            for step, weights in enumerate(site.live):
                site.weights += self._keep(weights, None if len(site.live) == 1 else step)
            self.sites += (
                Site(
                    name=name,
                    order=order,
                    layer=site.layer,
                    role=site.place.role,
                    queries=site.place.queries,
                    keys=site.place.keys,
                    weights=np.concatenate(site.weights, axis=2),
                    residual=site.place.residual,
                    normalised=site.normalised,
                    heads=site.heads,
                    rows=self.rows,
                    gradients=np.concatenate(site.gradients, axis=2) if site.gradients else None,
                    value_norms=site.value_norms,
                    fold=site.fold,
                ),
            )
            site.live.clear()
        heard = [site.name for site in self.sites]
        missed = [p for p in self.patterns if not any(fnmatchcase(name, p) for name in heard)]
        if missed:
            raise NothingRecorded(
                f"no attention was recorded for {', '.join(map(repr, missed))} "
                f"(roles {', '.join(self.roles)}; layers {'all' if self.layers is None else list(self.layers)}). "
                + (f"The pass ran through {', '.join(self._seen)}" if self._seen else "The pass called no mechanism")
            )

    def _open(
        self, module: nn.Module, step: int | None, fold: Fold | None, heads: int, normalised: bool
    ) -> _Heard | None:
        """The site that a call belongs to; None where it was not asked for."""
        base = self.names.get(id(module))
        if base is None:  # a mechanism of another model
            return None
        if not step:
            self._calls[base] = self._calls.get(base, -1) + 1
        name = f"{base}#{self._calls[base]}" if self._calls[base] else base
        if step:
            return self._heard.get(name)
        place: Place = module.place
        group = (place.role, place.queries, place.keys)
        layer = self._layers.get(group, 0)
        self._layers[group] = layer + 1
        self._seen[name] = None
        wanted = self.layers is None or layer in self.layers or min(self.layers) < 0
        if not wanted or place.role not in self.roles or not any(fnmatchcase(name, p) for p in self.patterns):
            return None
        if isinstance(self.heads, tuple) and max(self.heads) >= heads:
            raise UserError(f"head {max(self.heads)} was asked for, but {name} has heads 0 to {heads - 1}")
        kept = tuple(range(heads)) if self.heads == "all" else self.heads
        self._heard[name] = site = _Heard(place, layer, normalised, fold, kept)
        return site

    def _stream(self, q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float | None) -> list[np.ndarray]:
        """The weights asked for, block of queries by block of queries, so that the full tensor is never held."""
        batch, heads, queries, keys = *q.shape[:3], k.shape[-2]
        rows = range(queries) if self.rows is None else [row for row in self.rows if row < queries]
        size = max(1, BLOCK_SCORES // (batch * heads * keys))
        blocks = []
        for start in range(0, len(rows), size):
            chosen = rows[start : start + size]
            at = slice(chosen[0], chosen[-1] + 1) if self.rows is None else list(chosen)
            part = mask if mask is None or mask.shape[-2] == 1 else mask[..., at, :]
            if causal:
                positions = torch.as_tensor(list(chosen), device=q.device)
                part = torch.arange(keys, device=q.device) <= positions[:, None]
            kept = self._heads(_weights(q[:, :, at], k, part, False, scale))
            self._reserve(kept.shape, self.dtype.itemsize)
            blocks.append(_numpy(kept, self.dtype))
        return blocks

    def _keep(self, weights: Tensor, step: int | None) -> list[np.ndarray]:
        """The heads and rows asked for, as an array; an empty list where this step's row was not asked for."""
        if self.rows is not None:
            if step is not None and step not in self.rows:
                return []
            if step is None:
                weights = weights[:, :, [row for row in self.rows if row < weights.shape[2]]]
        weights = self._heads(weights.detach())
        self._reserve(weights.shape, self.dtype.itemsize)
        return [_numpy(weights, self.dtype)]

    def _heads(self, weights: Tensor) -> Tensor:
        if self.heads == "all":
            return weights
        return weights.mean(1, keepdim=True) if self.heads == "mean" else weights[:, list(self.heads)]

    def _reserve(self, shape: Sequence[int], itemsize: int) -> None:
        self._held += math.prod(shape) * itemsize
        if self._held > self.budget:
            raise RecordingTooLarge(
                f"recording would hold more than its budget of {self.budget / 2**20:.0f} MiB; "
                "choose sites, layers or rows, take heads='mean' or dtype='float16', or raise budget="
            )

    def _note_padding(self, stream: str, mask: Tensor | None, batch: int, keys: int) -> None:
        """Keys that no query may look at are padding."""
        if mask is not None and mask.dtype == torch.bool and mask.dim() == 4 and mask.shape[0] == batch:
            seen = mask.any(2).any(1).expand(batch, keys)
            self._present.setdefault(stream, seen.cpu().numpy())

    def _sizes(self) -> dict[str, tuple[int, int]]:
        """Batch and length of every stream, read off the recorded weights."""
        sizes: dict[str, tuple[int, int]] = {}
        for site in self.sites:
            sizes[site.keys] = (site.weights.shape[0], site.weights.shape[3])
            if site.rows is None:
                sizes[site.queries] = (site.weights.shape[0], site.weights.shape[2])
        for site in self.sites:  # chosen rows do not tell a length: the highest row is the best there is
            sizes.setdefault(site.queries, (site.weights.shape[0], max(site.rows or (0,)) + 1))
        return sizes


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


class _ThroughWeights(torch.autograd.Function):
    """The fused kernel's values forward; backward through the explicit weights, so that they receive gradients."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, v: Tensor, fused: Tensor) -> Tensor:
        ctx.save_for_backward(weights, v)
        return fused.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, v = ctx.saved_tensors
        return gradient @ v.transpose(-2, -1), weights.transpose(-2, -1) @ gradient, None


def _fused(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float | None, dropout: float
) -> Tensor:
    return F.scaled_dot_product_attention(
        q, k, v, mask, dropout, is_causal=causal, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    )


def _weights(q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float | None) -> Tensor:
    """softmax(q kᵀ · scale + mask) in float32, (B, H, Q, K); zero rows where every key is masked."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
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


def _listen(module: nn.Module, weights: Tensor, *, step: int | None, fold: Fold | None, normalised: bool) -> Tensor:
    recorder = None if torch.compiler.is_compiling() else _recorder.get()
    if recorder is not None:
        recorder.listen(module, weights, step, fold, normalised)
    return weights


def _numpy(tensor: Tensor, dtype: np.dtype) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float16 if dtype == np.float16 else torch.float32, copy=True).numpy()


def _names(model: nn.Module) -> dict[int, str]:
    """Module to path, without the wrappers that compiling and several processes put around a model."""
    wrappers = ("_orig_mod", "module") if hasattr(model, "module") else ("_orig_mod",)
    paths = {}
    for path, module in model.named_modules():
        parts = [part for part in path.split(".") if part not in wrappers]
        paths.setdefault(id(module), ".".join(parts) or type(module).__name__)
    return paths


def _is_compiled(module: nn.Module) -> bool:
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def _is_main_process() -> bool:
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
