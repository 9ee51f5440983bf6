"""The attention record: what every model leaves behind, and all that flow, human comparison and view ever see.

A record needs neither torch nor a model: numpy arrays and plain Python, saved as safetensors plus JSON.

Letters: B examples, H heads, Q queries, K keys, n positions of a stream.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

FORMAT = 1

Role = Literal["self", "cross", "pool", "gate"]
Span = tuple[float, ...]


@dataclass(frozen=True)
class Axis:
    """The positions along which attention runs, for one example of one stream.

    kind:    what a position is: "token", "word", "patch", "box", "frame", "step", "item", "channel".
    labels:  one human label a position.
    spans:   where each position lies on the parent (first, one past last), or on the preview where there is no parent:
             sub-word on words, word on characters, frame on seconds. None for a position that covers nothing.
             On a picture four numbers, (left, top, right, bottom) as shares of it: patch or box on picture.
    parent:  the coarser axis below, such as the words under sub-words.
    preview: something small to draw on: the text itself, a data URI of a picture.
    """

    kind: str
    labels: tuple[str, ...]
    spans: tuple[Span | None, ...] | None = None
    parent: Axis | None = None
    preview: str | None = None

    def __post_init__(self) -> None:
        if self.spans is not None and len(self.spans) != len(self.labels):
            raise ValueError(f"an axis of {len(self.labels)} labels got {len(self.spans)} spans; give one a label")

    def __len__(self) -> int:
        return len(self.labels)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "spans": None if self.spans is None else [None if s is None else list(s) for s in self.spans],
            "parent": None if self.parent is None else self.parent.to_json(),
            "preview": self.preview,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Axis:
        spans = data["spans"]
        return cls(
            kind=data["kind"],
            labels=tuple(data["labels"]),
            spans=None if spans is None else tuple(None if s is None else tuple(s) for s in spans),
            parent=None if data["parent"] is None else cls.from_json(data["parent"]),
            preview=data["preview"],
        )


@dataclass(frozen=True)
class Fold:
    """The map back from a batch into which windows, frames or channels were folded.

    examples: (F,) the example of each folded row.
    queries, keys: (F, Q), (F, K) the position in its stream of each query and key; -1 where padding.
    """

    examples: np.ndarray
    queries: np.ndarray
    keys: np.ndarray


@dataclass(frozen=True)
class Site:
    """The weights of one attention mechanism in one pass.

    weights:    (B, H, Q, K), after softmax and before dropout; zero on padding, and all zero where every key is masked.
    gradients:  (B, H, Q, K), of the recorded target by the weights, where they were asked for.
    value_norms: (B, H, K), Euclidean norm of each value vector, where they were asked for.
    role:       "self", "cross", "pool" or "gate".
    queries, keys: names of the streams that the rows and columns run over.
    layer:      position among the sites of the same role and streams, from 0.
    residual:   whether a residual connection runs beside it.
    normalised: whether each row sums to one.
    heads:      which heads were kept: their numbers, or "mean" where the heads were averaged.
    rows:       which queries were kept; None means all.
    """

    name: str
    order: int
    layer: int
    role: Role
    queries: str
    keys: str
    weights: np.ndarray
    residual: bool = True
    normalised: bool = True
    heads: tuple[int, ...] | Literal["mean"] = "mean"
    rows: tuple[int, ...] | None = None
    gradients: np.ndarray | None = None
    value_norms: np.ndarray | None = None
    fold: Fold | None = None

    def unfolded(self, examples: int, queries: int, keys: int) -> np.ndarray:
        """Weights (examples, H, queries, keys) on the whole streams: each window's block put back at its place."""
        return self.weights if self.fold is None else _put_back(self.weights, self.fold, (examples, queries, keys))


def _put_back(array: np.ndarray, fold: Fold, shape: tuple[int, int, int]) -> np.ndarray:
    out = np.zeros((shape[0], array.shape[1], *shape[1:]), array.dtype)
    for row, example in enumerate(fold.examples):
        q, k = fold.queries[row], fold.keys[row]
        at = np.ix_([example], range(out.shape[1]), q[q >= 0], k[k >= 0])
        out[at] = array[row][:, q >= 0][:, :, k >= 0]
    return out


# What of a site is an array, and so goes to safetensors; the rest goes to JSON.
_ARRAYS = ("weights", "gradients", "value_norms")


@dataclass(frozen=True)
class AttentionRecord:
    """All attention of one pass over a batch.

    sites:   in the order in which they ran.
    axes:    for each stream, one axis an example.
    present: for each stream (B, n), False on padding.
    notes:   what a reader must know, such as "recorded uncompiled".
    target:  the row, or rows, of the topmost attention that the answer is read from, or that part of it whose score the
             gradients are of; None where they are all.
    """

    sites: tuple[Site, ...]
    axes: Mapping[str, tuple[Axis, ...]]
    present: Mapping[str, np.ndarray]
    model: str = ""
    notes: tuple[str, ...] = field(default=())
    target: int | tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.axes.values())))

    def __iter__(self) -> Iterator[Site]:
        return iter(self.sites)

    def __getitem__(self, name: str) -> Site:
        for site in self.sites:
            if site.name == name:
                return site
        raise KeyError(f"no site {name!r}; there are {', '.join(site.name for site in self.sites)}")

    def select(
        self, *, role: str | None = None, queries: str | None = None, keys: str | None = None, layer: int | None = None
    ) -> tuple[Site, ...]:
        """The sites that match everything given, in order."""
        wanted = {"role": role, "queries": queries, "keys": keys, "layer": layer}
        return tuple(s for s in self.sites if all(v is None or getattr(s, k) == v for k, v in wanted.items()))

    def unfolded(self) -> AttentionRecord:
        """The record with every site on its whole streams; value norms of folded sites are left behind."""
        return replace(self, sites=tuple(map(self._unfolded, self.sites)))

    def _unfolded(self, site: Site) -> Site:
        if site.fold is None:
            return site
        shape = len(self), self.present[site.queries].shape[1], self.present[site.keys].shape[1]
        gradients = None if site.gradients is None else _put_back(site.gradients, site.fold, shape)
        return replace(site, weights=site.unfolded(*shape), gradients=gradients, value_norms=None, fold=None)

    def example(self, index: int) -> AttentionRecord:
        """The record of one example alone, padding cut away."""
        if any(site.fold is not None for site in self.sites):
            raise ValueError("a record with folded sites cannot be cut; unfold them first")
        kept = {stream: np.flatnonzero(mask[index]) for stream, mask in self.present.items()}
        return replace(
            self,
            sites=tuple(_cut(site, index, kept[site.queries], kept[site.keys]) for site in self.sites),
            axes={stream: (axes[index],) for stream, axes in self.axes.items()},
            present={stream: np.ones((1, len(at)), bool) for stream, at in kept.items()},
        )

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays."""
        return sum(a.nbytes for site in self.sites for name in _ARRAYS if (a := getattr(site, name)) is not None)

    def save(self, folder: str | Path) -> None:
        """Write `record.json` and `record.safetensors` into a folder, which is made where it is missing."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {f"present.{stream}": np.ascontiguousarray(mask) for stream, mask in self.present.items()}
        sites = []
        for site in self.sites:
            plain = {k: v for k, v in vars(site).items() if k not in (*_ARRAYS, "fold")}
            sites.append({**plain, "fold": site.fold is not None})
            for name in _ARRAYS:
                if (array := getattr(site, name)) is not None:
                    arrays[f"{site.order}.{name}"] = np.ascontiguousarray(array)
            if site.fold is not None:
                arrays |= {f"{site.order}.fold.{k}": np.ascontiguousarray(v) for k, v in vars(site.fold).items()}
        page = {
            "format": FORMAT,
            "model": self.model,
            "notes": list(self.notes),
            "target": self.target,
            "streams": list(self.present),
            "axes": {stream: [axis.to_json() for axis in axes] for stream, axes in self.axes.items()},
            "sites": sites,
        }
        save_file(arrays, folder / "record.safetensors")
        (folder / "record.json").write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> AttentionRecord:
        """Read what `save` wrote. Runs no code from the folder."""
        folder = Path(folder)
        try:
            page = json.loads((folder / "record.json").read_text(encoding="utf-8"))
            arrays = load_file(folder / "record.safetensors")
        except FileNotFoundError as error:
            missing = error.filename or folder / "record.safetensors"  # safetensors does not say
            raise FileNotFoundError(f"{folder} holds no attention record: {missing} is missing") from None
        except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
            raise ValueError(f"the attention record in {folder} is damaged: {error}; record it again") from None
        try:
            if page["format"] > FORMAT:
                newer = f"record format {page['format']}, newer than {FORMAT} which this version reads; upgrade"
                raise ValueError(f"{folder} has {newer}")
            return cls(
                sites=tuple(_site(plain, arrays) for plain in page["sites"]),
                axes={stream: tuple(map(Axis.from_json, axes)) for stream, axes in page["axes"].items()},
                present={stream: arrays[f"present.{stream}"] for stream in page["streams"]},
                model=page["model"],
                notes=tuple(page["notes"]),
                target=tuple(page["target"]) if isinstance(page["target"], list) else page["target"],
            )
        except (KeyError, TypeError) as error:  # the two files do not belong together, or are not ours
            raise ValueError(f"the attention record in {folder} is damaged: {error!r}; record it again") from None


def _site(plain: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Site:
    """A site from its JSON and the arrays of all sites."""
    order, heads, rows = plain["order"], plain["heads"], plain["rows"]
    fold = {name: arrays[f"{order}.fold.{name}"] for name in ("examples", "queries", "keys")} if plain["fold"] else None
    return Site(
        **{k: v for k, v in plain.items() if k not in ("heads", "rows", "fold")},
        weights=arrays[f"{order}.weights"],
        gradients=arrays.get(f"{order}.gradients"),
        value_norms=arrays.get(f"{order}.value_norms"),
        heads=heads if heads == "mean" else tuple(heads),
        rows=None if rows is None else tuple(rows),
        fold=None if fold is None else Fold(**fold),
    )


def _cut(site: Site, index: int, queries: np.ndarray, keys: np.ndarray) -> Site:
    """One example of a site, padding cut away from rows and columns."""
    rows = None
    if site.rows is None:
        at = queries
    else:
        at = np.flatnonzero(np.isin(site.rows, queries))
        rows = tuple(site.rows[i] for i in at)

    def block(array: np.ndarray) -> np.ndarray:
        return array[[index]][:, :, at][:, :, :, keys]

    norms = site.value_norms
    return replace(
        site,
        weights=block(site.weights),
        gradients=None if site.gradients is None else block(site.gradients),
        value_norms=None if norms is None else norms[[index]][:, :, keys],
        rows=rows,
    )


@dataclass(frozen=True)
class Relevance:
    """How much each position of the input stands behind each target position, by one method, for one example.

    values:  (T, n), row by target, column by position of the stream; what a number means is the method's to say.
    method:  name of the flow method.
    stream:  the stream of the columns; axis describes it.
    target_stream, target_axis, targets: the stream of the rows, its axis, and which of its positions they are.
    settings: the choices that were made, such as the weight of the residual.
    lower, upper: (T, n) proven bounds on the exact values, where a method computes them.
    certified: share of the values that were proven without a search.
    saturation: share of the values that equal the bound set by the first layer alone, so that neither the target nor
             the layers above matter.
    notes:   what a reader must know.
    verdict: whether the values are more faithful to the model than random ones: "yes", "no", "cannot tell"; "" where
             that was not tested.
    """

    values: np.ndarray
    method: str
    stream: str
    axis: Axis
    target_stream: str
    target_axis: Axis
    targets: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    certified: float | None = None
    saturation: float | None = None
    notes: tuple[str, ...] = ()
    verdict: str = ""

    def __post_init__(self) -> None:
        expected = (len(self.targets), len(self.axis))
        for name in ("values", "lower", "upper"):
            array = getattr(self, name)
            if array is not None and array.shape != expected:
                raise ValueError(f"{name} of shape {array.shape}; the axes ask for (targets, positions) = {expected}")

    @property
    def gap(self) -> float:
        """Largest distance between the proven bounds; 0 where the method has a closed form."""
        return 0.0 if self.lower is None or self.upper is None else float(np.max(self.upper - self.lower, initial=0.0))


@dataclass(frozen=True)
class Paths:
    """The ways that flow takes from one target through the layers, to be drawn.

    levels:  for each level of arcs, lowest first, what lifts it: the name of a site.
    streams: each stream and how many nodes it has; the nodes of a level are numbered stream after stream.
    source:  the node of the highest level from which flow starts.
    edges:   for each input position (None: all together) int (E, 3): level of the arc, node above, node below.
    flow:    for the same keys (E,) what the arc carries.
    cut:     for the same keys (E,) True where the arc belongs to the minimum cut, which limits the flow; for max-flow.
    hidden:  for the same keys, the share of the flow that is too thin to be listed.
    """

    levels: tuple[str, ...]
    streams: Mapping[str, int]
    source: int
    edges: Mapping[int | None, np.ndarray]
    flow: Mapping[int | None, np.ndarray]
    cut: Mapping[int | None, np.ndarray]
    hidden: Mapping[int | None, float]
