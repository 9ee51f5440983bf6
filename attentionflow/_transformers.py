"""Where a recording listens inside Hugging Face transformers.

The ways in are public: `AttentionInterface` and `AttentionMaskInterface`, under a name of our own, and
`set_attn_implementation`, which is undone afterwards. Values stay those of transformers' own SDPA function, bit for
bit. What that does not tell, such as which inputs a layer was given, hooks of PyTorch do.

Letters: B examples, F rows of a batch into which something was folded, H heads, G groups of heads that share keys,
Q queries, K keys, D features of a head, n positions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from torch import Tensor, nn

from attentionflow.attend import Place, listener
from attentionflow.errors import UserError
from attentionflow.recorder import Recorder, recording
from attentionflow.records import Fold

try:
    from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
except ModuleNotFoundError as error:
    if error.name != "transformers":
        raise
    raise UserError('Hugging Face models need transformers: pip install "attentionflow[hf]"') from None

NAME = "attentionflow"

# How attention layers call the states that the queries and the keys are made of.
_OWN = ("hidden_states", "query", "queries", "query_tensor", "q")
_OTHER = (
    *("key_value_states", "encoder_hidden_states", "cross_attention_states", "context", "context_hidden_states"),
    *("key", "keys", "key_tensor", "k"),
)
# What some architectures add to the softmax of a dot product; SDPA would pass over it in silence.
_BEYOND_SDPA = ("softcap", "s_aux", "sinks", "indices", "block_indices")
# Architectures that declare no SDPA and run on eager attention, but add nothing to a softmax of masked dot products;
# benchmarks/capture_families.py holds each against its eager attention.
_PLAIN_ALL_THE_SAME = (
    "longt5",
    "markuplm",
    "speech_to_text",
    "splinter",
    "switch_transformers",
    "time_series_transformer",
)
_ATTENTION = re.compile("Attention|Attn|MLA$")


@contextmanager
def capturing(model: nn.Module, **choices: Any) -> Iterator[Recorder]:
    """Record the attention of one pass through a transformers model inside the block; choices as of `recording`.

    Yields the recorder, whose `record()` is there after the block. Raises UserError, with the reason, where the model
    cannot be recorded; what was left out is in the record's notes.
    """
    with ExitStack() as stack:
        recorder = stack.enter_context(recording(model, **choices))
        ear = _Ear(model, recorder, stack.enter_context(_switched(model)))
        stack.callback(_listening.reset, _listening.set(ear))
        stack.enter_context(ear.hooked())
        yield recorder
        ear.finish()


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    position_bias: Tensor | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """What is registered: transformers' SDPA, and who listens in this thread told of it. Returns (B, Q, H, D)."""
    ear = _listening.get()
    beyond = [name for name in _BEYOND_SDPA if more.get(name) is not None]
    if ear is not None and beyond:
        raise UserError(
            f"{type(module).__name__} adds {', '.join(beyond)} to its attention, which SDPA does not know, so that "
            f"nothing true can be recorded beside it; {_REMEDY}"
        )
    output, _ = AttentionInterface()["sdpa"](
        module,
        query,
        key,
        value,
        attention_mask,
        dropout=dropout,
        scaling=scaling,
        is_causal=is_causal,
        position_bias=position_bias,
        **more,
    )
    if ear is None:
        return output, None
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    causal = bool(causal) and attention_mask is None and query.shape[2] > 1
    if causal and key.shape[2] > query.shape[2]:  # SDPA's rule: query i sees keys 0..i
        key, value = key[:, :, : query.shape[2]], value[:, :, : query.shape[2]]
        position_bias = None if position_bias is None else position_bias[..., : query.shape[2]]
    told = {"mask": attention_mask, "bias": position_bias, "causal": causal, "scale": scaling, "dropout": dropout}
    return ear.hear(module, query, key, value, output, told), None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, AttentionMaskInterface()["sdpa"])  # without it, padding would be ignored

_REMEDY = "set_attn_implementation('eager') and output_attentions=True give what the model itself offers"

# Models may be captured in several threads at once: configuration -> how many captures, and what it was set to.
_open: dict[int, tuple[int, str | None]] = {}
_lock = Lock()


@contextmanager
def _switched(model: nn.Module) -> Iterator[list[PreTrainedModel]]:
    """The model and its sub-models set to our function, and back; yields those that declare no SDPA."""
    parts: dict[int, PreTrainedModel] = {}  # one a configuration, the outermost, outer before inner
    for module in model.modules():
        if isinstance(module, PreTrainedModel):
            parts.setdefault(id(module.config), module)
    if not parts:
        raise UserError(f"{type(model).__name__} is no model of Hugging Face transformers")
    declared = {key: _declares_sdpa(part) for key, part in parts.items()}
    ours = [key for key, part in parts.items() if declared[key] or part.config.model_type in _PLAIN_ALL_THE_SAME]
    with _lock:
        for key, part in parts.items():
            count, former = _open.get(key, (0, part.config._attn_implementation))  # there is no other way to read it
            _open[key] = count + 1, former
    try:
        with _lock:
            for key, part in parts.items():
                part.set_attn_implementation({"": NAME if key in ours else _open[key][1]})
        yield [part for key, part in parts.items() if not declared[key]]
    finally:
        with _lock:
            for key, part in parts.items():
                count, former = _open.pop(key)
                if count > 1:
                    _open[key] = count - 1, former
                else:
                    part.set_attn_implementation({"": former})


def _declares_sdpa(part: PreTrainedModel) -> bool:
    try:
        part.get_correct_attn_implementation("sdpa")
    except (ValueError, ImportError):
        return False
    return True


@dataclass
class _Frame:
    """A module that is running, and what it was given."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    calls: int = 0  # of attention, by this very module

    def given(self) -> dict[str, Any]:
        return dict(zip(inspect.signature(self.module.forward).parameters, self.args, strict=False)) | dict(self.kwargs)


class _Ear:
    """Tells a recorder what our attention function is called with, and where in the model that stands."""

    def __init__(self, model: nn.Module, recorder: Recorder, undeclared: list[PreTrainedModel]) -> None:
        self.model, self.recorder, self.undeclared = model, recorder, undeclared
        self.modules = dict(model.named_modules())
        self.paths = {id(module): path for path, module in self.modules.items()}
        self.towers = _towers(self.modules)
        attention = [path for path, module in self.modules.items() if _ATTENTION.search(type(module).__name__)]
        sides = {self._tower(path) for path in attention}
        self.sided = {tower for tower, _ in sides if {(tower, "source"), (tower, "target")} <= sides}
        self.stack: list[_Frame] = []
        self.ran: set[int] = set()
        self.heard: set[int] = set()  # modules inside which attention was called
        self.attending: dict[str, None] = {}  # paths of those that called it
        self.sizes: dict[str, tuple[int, int]] = {}  # stream -> (B, n)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Follows which modules run. PyTorch's own are left alone: some take other kernels where they have hooks."""

        def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if _listening.get() is self:
                self.stack.append(_Frame(module, args, kwargs))
                self.ran.add(id(module))

        def leave(module: nn.Module, _: Any, __: Any) -> None:
            while _listening.get() is self and self.stack.pop().module is not module:
                pass

        with ExitStack() as stack:
            for module in self.modules.values():
                if not _is_torchs(module) and any(True for _ in module.children()):
                    stack.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
                    stack.callback(module.register_forward_hook(leave).remove)
            yield

    def hear(
        self, module: nn.Module, q: Tensor, k: Tensor, v: Tensor, output: Tensor, told: Mapping[str, Any]
    ) -> Tensor:
        frame = next((frame for frame in reversed(self.stack) if frame.module is module), None)
        if frame is None or listener.get() is not self.recorder:  # another model, or another process that records
            return output
        frame.calls += 1
        path = self.paths[id(module)]
        self.heard |= {id(frame.module) for frame in self.stack}
        self.attending[path] = None
        rows = output.shape[0]
        q, k, v = (given.expand(rows, -1, -1, -1) for given in (q, k, v))  # learned queries have a batch of one
        examples = self._examples(rows)
        fold = None if rows == examples else self._fold(rows, examples, q.shape[2], k.shape[2])
        place = self._place(frame, path, fold, examples, q.shape[2], k.shape[2])
        if frame.calls > 1 or (fold is None and rows != examples):
            if self.recorder.asks_for(self.recorder.names[id(module)], place.role):
                raise UserError(_unclear(path, rows, examples, frame.calls))
            return output
        values = output.transpose(1, 2)
        heard = self.recorder.hear_attend(module, q, k, v, **told, fold=fold, values=values, place=place)
        return output if heard is values else heard.transpose(1, 2).contiguous()

    def finish(self) -> None:
        """Refuse a model of which nothing was heard; note what was not heard of another."""
        if not self.ran:
            return
        silent = self._silent()
        kinds = ", ".join(dict.fromkeys(type(self.modules[path]).__name__ for path in silent))
        if not self.heard:
            name = type(self.model).__name__
            why = f"{name} called no attention in this pass, so there is nothing to record"
            if silent and self.undeclared:
                why = f"{name} does not run on SDPA, beside which attention is recorded ({kinds}); {_REMEDY}"
            elif silent:
                why = f"{name} computes attention outside transformers' AttentionInterface ({kinds}); {_REMEDY}"
            raise UserError(why)
        notes = self.recorder.notes
        eager = [part for part in self.undeclared if part.config.model_type in _PLAIN_ALL_THE_SAME]
        if names := {type(part).__name__: None for part in eager if id(part) in self.heard}:
            notes.append(f"recorded on SDPA, while on its own it runs on eager attention: {', '.join(names)}")
        if silent:
            notes.append(f"not recorded, since computed outside the AttentionInterface: {_some(silent)} ({kinds})")
        for path, indices in self._without(silent).items():
            notes.append(f"no attention in {path}.{_some(indices)}")

    # Where attention stands

    def _tower(self, path: str) -> tuple[str, str]:
        """The sub-model that a path is in, and on which side of an encoder-decoder."""
        prefix = max((p for p in self.towers if not p or f"{path}.".startswith(f"{p}.")), key=len)
        tower, side = self.towers[prefix], _side(path[len(prefix) :])
        return ("input", _side(tower)) if _side(tower) else (tower, side)

    def _place(self, frame: _Frame, path: str, fold: Fold | None, examples: int, queries: int, keys: int) -> Place:
        tower, side = self._tower(path)
        own = side if tower in self.sided else tower
        if fold is not None:
            stream = self._stream(own, examples, int(fold.queries.max()) + 1)
            return Place("self", stream, stream)
        stream = self._stream(own, examples, queries)
        given = frame.given()
        mine = next((given[name] for name in _OWN if given.get(name) is not None), None)
        context = next((given[name] for name in _OTHER if isinstance(given.get(name), Tensor)), mine)
        other = own
        if context is not mine:
            same = [name for name, size in self.sizes.items() if size == (examples, keys) and name.split("/")[0] != own]
            other = same[-1] if same else f"{own} context"
            if own == "target" and context is not None and context.shape[-2:-1] == (keys,):
                other = "source"
        onto = self._stream(other, examples, keys)
        return Place("self" if onto == stream else "cross", stream, onto)

    def _stream(self, base: str, examples: int, length: int) -> str:
        """A stream of so many positions; where a sub-model has several, the later ones are named after their number."""
        for name in (base, f"{base}/{length}"):
            if self.sizes.setdefault(name, (examples, length)) == (examples, length):
                return name
        return f"{base}/{length}"

    def _examples(self, rows: int) -> int:
        """How many examples the pass was given; `rows` where that cannot be told."""
        given = self.stack[0].given()
        main = given.get(getattr(self.stack[0].module, "main_input_name", ""))
        tensors = [value for value in (main, *given.values()) if isinstance(value, Tensor) and value.dim()]
        return tensors[0].shape[0] if tensors else rows

    def _fold(self, rows: int, examples: int, queries: int, keys: int) -> Fold | None:
        """How the batch was folded, where a module around tells."""
        grids = (grid for frame in reversed(self.stack) for grid in _grids(frame, examples))
        wanted = (rows // examples, queries)
        grid = next((grid for grid in grids if grid.shape == wanted and queries == keys and rows % examples == 0), None)
        if grid is None:
            return None
        at = np.tile(grid, (examples, 1))
        return Fold(np.repeat(np.arange(examples), len(grid)), at, at)

    # What was not heard

    def _silent(self) -> list[str]:
        """Paths of attention that ran and did not come by us, the outermost of each."""
        found: list[str] = []
        for path, module in self.modules.items():
            if not _ATTENTION.search(type(module).__name__) or id(module) in self.heard:
                continue
            runner = self.modules[path.rpartition(".")[0]] if _is_torchs(module) else module
            if id(runner) in self.ran and not any(path.startswith(f"{p}.") for p in (*self.attending, *found)):
                found.append(path)
        return found

    def _without(self, silent: list[str]) -> dict[str, list[str]]:
        """Of every list of layers in which some attend: the numbers of those that ran and have no attention."""
        found: dict[str, list[str]] = {}
        for path in self.attending:
            parts = path.split(".")
            prefixes = (".".join(parts[:end]) for end in range(1, len(parts)))
            outermost = next((p for p in prefixes if isinstance(self.modules[p], nn.ModuleList)), None)
            if outermost is not None and outermost not in found:
                found[outermost] = [
                    number
                    for number, layer in self.modules[outermost].named_children()
                    if id(layer) in self.ran - self.heard
                    and not any(f"{p}.".startswith(f"{outermost}.{number}.") for p in silent)
                ]
        return {path: numbers for path, numbers in found.items() if numbers}


_listening: ContextVar[_Ear | None] = ContextVar("listening", default=None)


def _towers(modules: Mapping[str, nn.Module]) -> dict[str, str]:
    """Path of every sub-model with a configuration of its own -> its name there, such as vision, text or encoder."""
    names: dict[int, str] = {}

    def walk(config: Any, outer: str) -> None:
        for key in config.sub_configs:
            if (inner := getattr(config, key, None)) is not None:
                name = key.removesuffix("_config")
                names[id(inner)] = outer if name == "text" and _side(outer) else name
                walk(inner, names[id(inner)])

    models = {path: module for path, module in modules.items() if isinstance(module, PreTrainedModel)}
    walk(next(iter(models.values())).config, "")
    found = {"": "input"}
    for path, model in models.items():  # the outermost of those that share a configuration
        if name := names.pop(id(model.config), None):
            found[path] = name
    return found


def _side(path: str) -> str:
    """The side of an encoder-decoder that a path is on; "" where it does not say."""
    for part in path.split("."):
        if "decoder" in part or "encoder" in part:
            return "target" if "decoder" in part else "source"
    return ""


def _grids(frame: _Frame, examples: int) -> Iterator[np.ndarray]:
    """(F / B, Q) how positions may be folded into the batch inside a module: by shifted windows, or by an axis."""
    given, shift = frame.given(), getattr(frame.module, "shift_size", None)
    if shift is not None and "input_dimensions" in given:
        yield _windows(given["input_dimensions"], int(getattr(frame.module, "window_size", 0)), int(shift))
    for value in given.values():
        if isinstance(value, Tensor) and value.dim() == 4 and value.shape[0] == examples:
            rows, columns = value.shape[1:3]
            if rows != columns:  # which of the two it was could not be told
                grid = np.arange(rows * columns).reshape(rows, columns)
                yield from (grid, grid.T)


def _windows(size: tuple[int, int], window: int, shift: int) -> np.ndarray:
    """(windows, window²) the positions of a grid in each window of a Swin layer (Liu et al. 2021); -1 on padding."""
    height, width = size
    grid = np.arange(height * width).reshape(height, width)
    grid = np.pad(grid, ((0, -height % window), (0, -width % window)), constant_values=-1)
    grid = np.roll(grid, (-shift, -shift), (0, 1))
    rows, columns = (length // window for length in grid.shape)
    return grid.reshape(rows, window, columns, window).swapaxes(1, 2).reshape(rows * columns, window * window)


def _unclear(path: str, rows: int, examples: int, calls: int) -> str:
    what = f"runs on a batch of {rows} for {examples} examples, and for which windows, frames or images cannot be told"
    if calls > 1:
        what = "calls attention several times in a layer, for several images in one sequence or a difference of weights"
    return f"{path} {what}; give one example at a time, or leave such sites out with sites="


def _is_torchs(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.")


def _some(names: list[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
