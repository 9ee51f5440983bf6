"""Recording: listens at the seam of `attend`, keeps the weights asked for, and makes the attention record of them.

Letters: B batch, H heads, G groups of heads that share keys, Q queries, K keys, D features of a head, n positions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from attentionflow._cores import over_cores
from attentionflow.attend import Place, dot_product_weights, listener, weight_blocks
from attentionflow.errors import UserError
from attentionflow.records import AttentionRecord, Axis, Fold, Role, Site

PIECE_ROWS = 256  # rows of weights that a core computes at a time
MANY_SCORES = 1 << 24  # from which a core for each piece is worth starting its threads


class NothingRecordedError(UserError):
    """A recording ended without the sites that were asked for."""


class RecordingTooLargeError(UserError):
    """The weights asked for would not fit the byte budget."""


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
    dry: bool = False,
) -> Iterator[Recorder]:
    """Record every attention weight of `model` that is computed in this block, in this thread.

    sites: patterns (`decoder.*.cross`) over module names; roles, layers (negative counts from the last), heads ("all",
    "mean" or numbers) and rows (query positions, kept in rising order) narrow further. budget: bytes that may be held;
    more raises RecordingTooLargeError before it is allocated. gradients: also keep gradients, see
    `Recorder.differentiate`. dry: compute and keep nothing, and only count the bytes, in `Recorder.nbytes`.

    Raises NothingRecordedError where the block ends with no site. Under several processes the main one records.
    A compiled module runs uncompiled inside, and the record says so.
    """
    recorder = Recorder(
        names=_names(model),
        patterns=(sites,) if isinstance(sites, str) else tuple(sites),
        roles=tuple(roles),
        layers=None if layers is None else tuple(layers),
        heads=heads if isinstance(heads, str) else _counted("heads", heads),
        rows=None if rows is None else tuple(sorted(set(_counted("rows", rows)))),
        dtype=np.dtype(dtype),
        budget=budget,
        gradients=gradients,
        value_norms=value_norms,
        dry=dry,
    )
    if not _is_main_process():
        yield recorder
        return
    with ExitStack() as stack:
        if any(_is_compiled(module) for module in model.modules()):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
            recorder.notes.append("the model is compiled; it was recorded uncompiled")
        token = listener.set(recorder)
        try:
            yield recorder
        finally:
            listener.reset(token)
    if not dry:
        recorder.close()


@dataclass
class _Heard:
    """A site while it is being recorded; a list holds one entry a decoder step, or a single one."""

    place: Place
    layer: int
    normalised: bool
    fold: Fold | None
    heads: tuple[int, ...] | Literal["mean"]
    stepped: bool = False  # computed step by step, as a decoder does
    queries: int = 0  # so many rows the mechanism computed, whichever of them are kept
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
    dry: bool = False
    notes: list[str] = field(default_factory=list)
    sites: tuple[Site, ...] = ()
    nbytes: int = 0
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)
    _layers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _seen: dict[str, None] = field(default_factory=dict)
    _present: dict[str, np.ndarray] = field(default_factory=dict)
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)  # batch and length of every stream

    def differentiate(self, target: Tensor) -> None:
        """Keep the gradient of a scalar by every recorded weight. To be called inside the block, after the pass."""
        if not self.gradients:
            raise UserError("gradients were not recorded; open the recording with gradients=True")
        if self.dry:
            return
        heard = [site for site in self._heard.values() if site.live]
        live = [weights for site in heard for weights in site.live]
        if not live:  # the end of the block says what is missing
            return
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
        for stream, (batch, length) in self._sizes.items():
            if stream not in marks and stream in named:
                marks[stream] = np.arange(length) < np.array([[len(axis)] for axis in named[stream]])
            marks.setdefault(stream, self._present.get(stream, np.ones((batch, length), bool)))
            if stream not in named:
                counts = marks[stream].sum(1)
                named[stream] = [Axis("position", tuple(map(str, range(count)))) for count in counts]
        return AttentionRecord(self.sites, {s: tuple(a) for s, a in named.items()}, marks, model, tuple(self.notes))

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
        """Compute and keep the weights beside the fused kernel; returns the values, through which gradients run."""
        (batch, heads, queries), (groups, keys) = q.shape[:3], k.shape[1:3]
        site = self._open(module, None, fold, heads, True, place)
        if site is None:
            return values
        self._note(site, mask, (batch, queries, keys))
        if self.gradients and dropout:
            raise UserError("gradients are recorded without dropout on the weights; put the model in eval mode")
        self._reserve((batch, heads, queries, keys), None)
        if self.dry:
            return values
        if self.value_norms:
            norms = v.detach().norm(dim=-1).repeat_interleave(heads // groups, 1)
            site.value_norms = _numpy(self._heads(norms), self.dtype)
        if self.gradients:
            k, v = k.repeat_interleave(heads // groups, 1), v.repeat_interleave(heads // groups, 1)
            weights = self._follow(site, dot_product_weights(q, k, mask, causal, scale, bias))
            return _ThroughWeights.apply(weights, v.float(), values.detach())
        site.weights.append(self._stream(q, k, mask, causal, scale, bias))
        return values

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
        """Keep weights that a mechanism computed itself."""
        batch, heads, queries, keys = weights.shape
        site = self._open(module, step, fold, heads, normalised)
        if site is None:
            return
        self._note(site, mask, (batch, queries, keys))
        self._reserve((batch, heads, queries, keys), step)
        if self.dry:
            return
        site.stepped = step is not None
        if self.gradients:
            self._follow(site, weights)
        else:
            site.weights += self._keep(weights, step)

    def follow(self, paths: Tensor) -> None:
        """Of sites heard step by step while a search had many hypotheses open, keep the rows of its answers.

        paths (B, T): in which row of step t answer b was computed, -1 past its end. A search says so when it ends.
        """
        answers, length = paths.shape
        there = paths.cpu().numpy()
        for site in self._heard.values():
            if not site.stepped or not site.weights:
                continue
            steps = [t for t in (range(site.queries) if self.rows is None else self.rows) if t < length]
            # A decoder's own past grows with the steps.
            keys = length if site.place.keys == site.place.queries else site.weights[0].shape[-1]
            kept = np.zeros((answers, site.weights[0].shape[1], len(steps), keys), self.dtype)
            # Some hypotheses may have outlived the longest answer.
            for i, (t, weights) in enumerate(zip(steps, site.weights[: len(steps)], strict=True)):
                at = np.flatnonzero(there[:, t] >= 0)
                kept[at, :, i, : weights.shape[-1]] = weights[there[at, t], :, 0]
            site.weights, site.queries, site.stepped = [kept], length, False
            self._sizes[site.place.queries] = answers, length
            self._sizes[site.place.keys] = answers, keys

    def close(self) -> None:
        """Turn what was heard into sites; complain where something asked for was not heard."""
        counts = self._layers
        for order, (name, site) in enumerate(self._heard.items()):
            group = (site.place.role, site.place.queries, site.place.keys)
            if self.layers is not None and not {site.layer, site.layer - counts[group]} & set(self.layers):
                continue
            rows = None if self.rows is None else tuple(row for row in self.rows if row < site.queries)
            if rows == ():
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
                    weights=_joined(site.weights),
                    residual=site.place.residual,
                    normalised=site.normalised,
                    heads=site.heads,
                    rows=rows,
                    gradients=_joined(site.gradients) if site.gradients else None,
                    value_norms=site.value_norms,
                    fold=site.fold,
                ),
            )
            site.live.clear()
        heard = [site.name for site in self.sites]
        missed = [p for p in self.patterns if not any(fnmatchcase(name, p) for name in heard)]
        if missed:
            raise NothingRecordedError(
                f"no attention was recorded for {', '.join(map(repr, missed))} "
                f"(roles {', '.join(self.roles)}; layers {_listed(self.layers)}; rows {_listed(self.rows)}). "
                + (f"The pass ran through {', '.join(self._seen)}" if self._seen else "The pass called no mechanism")
            )

    def asks_for(self, name: str, role: str) -> bool:
        """Whether a site of this name and role is wanted, whatever its layer."""
        return role in self.roles and any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def _open(
        self,
        module: nn.Module,
        step: int | None,
        fold: Fold | None,
        heads: int,
        normalised: bool,
        place: Place | None = None,
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
        stands: Place = place or module.place  # type: ignore[assignment]
        group = (stands.role, stands.queries, stands.keys)
        layer = self._layers.get(group, 0)
        self._layers[group] = layer + 1
        self._seen[name] = None
        wanted = self.layers is None or layer in self.layers or min(self.layers) < 0
        if not wanted or not self.asks_for(name, stands.role):
            return None
        if isinstance(self.heads, tuple) and max(self.heads) >= heads:
            raise UserError(f"head {max(self.heads)} was asked for, but {name} has heads 0 to {heads - 1}")
        kept = tuple(range(heads)) if self.heads == "all" else self.heads
        self._heard[name] = site = _Heard(stands, layer, normalised, fold, kept)
        return site

    def _follow(self, site: _Heard, weights: Tensor) -> Tensor:
        """Weights that are to receive a gradient, be the parameters frozen or not."""
        if not torch.is_grad_enabled():
            raise UserError("gradients cannot be recorded under torch.no_grad() or torch.inference_mode()")
        site.live.append(weights if weights.requires_grad else weights.requires_grad_())
        return weights

    def _stream(
        self, q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float | None, bias: Tensor | None
    ) -> np.ndarray:
        """The weights asked for, block by block, so that the full tensor is never held."""
        (batch, heads, queries), (groups, keys) = q.shape[:3], k.shape[1:3]
        if isinstance(self.heads, tuple):
            chosen = list(self.heads)
            q, k = q[:, chosen], k[:, [head // (heads // groups) for head in chosen]]
            mask, bias = (_of_heads(given, chosen) for given in (mask, bias))
        rows = None if self.rows is None else [row for row in self.rows if row < queries]
        count, kept_heads = self._kept(heads, queries, None)
        kept = np.empty((batch, kept_heads, count, keys), self.dtype)  # not zeros, which take no huge pages
        mean, k = self.heads == "mean", k.detach().float().contiguous()  # once, and not for every piece

        def fill(first: int) -> None:
            chosen = (range(queries) if rows is None else rows)[first : first + PIECE_ROWS]
            into = kept[:, :, first : first + PIECE_ROWS]
            with torch.no_grad():
                for at, weights in weight_blocks(q, k, mask, causal, scale, bias, rows=chosen, mean=mean):
                    part, seen = torch.from_numpy(into[at]), weights.shape[-1]
                    part[..., :seen].copy_(weights)
                    part[..., seen:].zero_()

        pieces = range(0, count, PIECE_ROWS)
        apart = q.device.type == "cpu" and batch * q.shape[1] * count * keys >= MANY_SCORES
        for _ in (over_cores if apart else map)(fill, pieces):
            pass
        return kept

    def _keep(self, weights: Tensor, step: int | None) -> list[np.ndarray]:
        """The heads and rows asked for, as an array; an empty list where this step's row was not asked for."""
        if self.rows is not None:
            if step is not None and step not in self.rows:
                return []
            if step is None:
                weights = weights[:, :, [row for row in self.rows if row < weights.shape[2]]]
        return [_numpy(self._heads(weights.detach()), self.dtype, copy=self.heads == "all")]

    def _heads(self, weights: Tensor) -> Tensor:
        if self.heads == "all":
            return weights
        return weights.mean(1, keepdim=True) if self.heads == "mean" else weights[:, list(self.heads)]

    def _kept(self, heads: int, queries: int, step: int | None) -> tuple[int, int]:
        """How many rows and heads are kept of so many, or of the one row of a step."""
        rows = range(queries) if step is None else [step]
        count = len(rows) if self.rows is None else len(set(rows) & set(self.rows))
        return count, {"all": heads, "mean": 1}[self.heads] if isinstance(self.heads, str) else len(self.heads)

    def _reserve(self, shape: tuple[int, int, int, int], step: int | None) -> None:
        """Count what will be held of weights (B, H, Q, K) before any of it is allocated."""
        batch, heads, queries, keys = shape
        rows, kept_heads = self._kept(heads, queries, step)
        kept = batch * kept_heads * rows * keys * self.dtype.itemsize
        # Gradients are as large as the weights, and until they are there the graph holds all weights.
        self.nbytes += math.prod(shape) * 4 + 2 * kept if self.gradients else kept
        self.nbytes += batch * kept_heads * keys * self.dtype.itemsize if self.value_norms else 0
        if self.nbytes > self.budget and not self.dry:
            raise RecordingTooLargeError(
                f"recording would hold more than its budget of {self.budget / 2**20:.0f} MiB; "
                "choose sites, layers or rows, take heads='mean' or dtype='float16', or raise budget="
            )

    def _note(self, site: _Heard, mask: Tensor | None, shape: tuple[int, int, int]) -> None:
        """The sizes of both streams; keys that no query may look at are padding."""
        (batch, queries, keys), place = shape, site.place
        site.queries += queries
        if site.fold is not None:
            examples = int(site.fold.examples.max()) + 1
            self._sizes[place.queries] = (examples, int(site.fold.queries.max()) + 1)
            self._sizes[place.keys] = (examples, int(site.fold.keys.max()) + 1)
            return
        self._sizes[place.queries] = (batch, site.queries)
        self._sizes[place.keys] = (batch, keys)
        if place.keys not in self._present and mask is not None and mask.dim() == 4 and mask.shape[0] == batch:
            seen = mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min
            self._present[place.keys] = seen.any(2).any(1).expand(batch, keys).cpu().numpy()


class _ThroughWeights(torch.autograd.Function):
    """The fused kernel's values forward; backward through the explicit weights, so that they receive gradients."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, v: Tensor, fused: Tensor) -> Tensor:
        ctx.save_for_backward(weights, v)
        return fused.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, v = ctx.saved_tensors
        gradient = gradient.float()
        return gradient @ v.transpose(-2, -1), weights.transpose(-2, -1) @ gradient, None


def _numpy(tensor: Tensor, dtype: np.dtype, copy: bool = True) -> np.ndarray:
    """copy: where the tensor is the caller's own, which may be written over."""
    return tensor.detach().to("cpu", torch.float16 if dtype == np.float16 else torch.float32, copy=copy).numpy()


def _joined(steps: list[np.ndarray]) -> np.ndarray:
    """The rows of all steps in one array; takes them out of the list, so that nothing is held twice."""
    joined = steps[0] if len(steps) == 1 else np.concatenate(steps, axis=2)
    steps.clear()
    return joined


def _of_heads(given: Tensor | None, heads: list[int]) -> Tensor | None:
    """The part of a mask that belongs to some heads."""
    return given if given is None or given.dim() < 3 or given.shape[-3] == 1 else given[..., heads, :, :]


def _names(model: nn.Module) -> dict[int, str]:
    """Module to path, without the wrappers that compiling and several processes put around a model."""
    wrappers = ("_orig_mod", "module") if hasattr(model, "module") else ("_orig_mod",)
    paths: dict[int, str] = {}
    for path, module in model.named_modules():
        parts = [part for part in path.split(".") if part not in wrappers]
        paths.setdefault(id(module), ".".join(parts) or type(module).__name__)
    return paths


def _counted(what: str, numbers: Sequence[int]) -> tuple[int, ...]:
    if any(number < 0 for number in numbers):
        raise UserError(f"{what} count from 0, got {list(numbers)}")
    return tuple(int(number) for number in numbers)


def _listed(numbers: tuple[int, ...] | None) -> str:
    return "all" if numbers is None else ", ".join(map(str, numbers))


def _is_compiled(module: nn.Module) -> bool:
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def _is_main_process() -> bool:
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
