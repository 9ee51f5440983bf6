"""What the relevance view is given: each relevance as one more group of the page, and the paths of its diagrams.

Letters: T targets, n positions of the input, E arcs of all diagrams of one target.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attentionflow.errors import UserError, nearest
from attentionflow.records import AttentionRecord, Axis, Paths, Relevance
from attentionflow.view.payload import pack

Relevances = Relevance | Sequence[Relevance] | None
# Of the first relevance, or by the method whose ways they are; each of one target.
AllPaths = Paths | Sequence[Paths] | Mapping[str, Paths | Sequence[Paths]] | None

VERDICTS = ("", "yes", "no", "cannot tell")
BITS = 16


def relevance_groups(
    record: AttentionRecord, example: int, relevance: Relevances, paths: AllPaths
) -> list[dict[str, Any]]:
    """A group for each relevance, in the order given; all must be of this example."""
    given = [] if relevance is None else list(relevance) if isinstance(relevance, Sequence) else [relevance]
    seen = {stream for site in record.sites for stream in (site.queries, site.keys)}
    axes = {stream: record.axes[stream][example] for stream in sorted(seen)}
    for one in given:
        _check(one, axes)
    diagrams = _by_method(paths, given)
    groups = []
    for i, one in enumerate(given):
        first = all(one.method != other.method for other in given[:i])
        traced = diagrams.get(one.method, []) if first else []
        groups.append(_group(one, _difference(one, given)) | {"paths": [_paths(p, one, record, axes) for p in traced]})
    return groups


def _check(relevance: Relevance, axes: Mapping[str, Axis]) -> None:
    if not isinstance(relevance, Relevance):
        raise UserError(f"expected a Relevance, got {type(relevance).__name__}; af.flow(record, method) makes one")
    what = f"the {relevance.method} relevance"
    for stream, axis in ((relevance.stream, relevance.axis), (relevance.target_stream, relevance.target_axis)):
        if stream not in axes:
            raise UserError(f"{what} is of stream {stream!r}, not in this record; {nearest(stream, axes)}")
        _check_axis(what, stream, axis, axes[stream])
    length = len(relevance.target_axis)
    if not relevance.targets or not len(relevance.axis):
        raise UserError(f"{what} has no target or no input position to show")
    for target in relevance.targets:
        if not 0 <= target < length:
            raise UserError(f"{what} has a target {target}; the {relevance.target_stream} has 0 to {length - 1}")
    if not np.isfinite(relevance.values).all():
        raise UserError(f"{what}: some values are not finite numbers")
    if relevance.verdict not in VERDICTS:
        raise UserError(f"{what}: unknown verdict {relevance.verdict!r}; {nearest(relevance.verdict, VERDICTS[1:])}")


def _check_axis(what: str, stream: str, axis: Axis, own: Axis) -> None:
    if len(axis) != len(own):
        raise UserError(f"{what} has {len(axis)} positions in stream {stream!r}, this record {len(own)}")
    for i, (label, other) in enumerate(zip(axis.labels, own.labels, strict=True)):
        if label != other:
            raise UserError(
                f"{what} is of another example: position {i} of stream {stream!r} is {label!r}, here {other!r}; "
                "choose the right one with example="
            )


def _by_method(paths: AllPaths, given: Sequence[Relevance]) -> dict[str, list[Paths]]:
    if paths is None:
        return {}
    if not given:
        raise UserError("paths are drawn beside the relevance of their method; give that too")
    by_method = paths if isinstance(paths, Mapping) else {given[0].method: paths}
    methods = {one.method for one in given}
    for method in by_method:
        if method not in methods:
            raise UserError(f"paths of {method!r}, of which no relevance is given; {nearest(method, methods)}")
    return {method: [some] if isinstance(some, Paths) else list(some) for method, some in by_method.items()}


def _difference(relevance: Relevance, given: Sequence[Relevance]) -> str:
    """The settings that tell it from others of the same method."""
    same = [one.settings for one in given if one.method == relevance.method]
    differ = [key for key in relevance.settings if len({str(settings.get(key)) for settings in same}) > 1]
    return ", ".join(f"{key} {relevance.settings[key]}" for key in differ)


def _group(relevance: Relevance, difference: str) -> dict[str, Any]:
    count, length = relevance.values.shape
    every = relevance.targets == tuple(range(len(relevance.target_axis)))
    bounded = relevance.lower is not None and relevance.upper is not None
    values = {
        "name": relevance.method,
        "layer": 0,
        "normalised": False,
        "heads": None,
        "shape": (1, count, length),
        "bits": BITS,
        "data": pack(relevance.values[None], BITS),
    }
    return {
        "role": "relevance",
        "queries": relevance.target_stream,
        "keys": relevance.stream,
        "rows": None if every else relevance.targets,
        "sites": [values],
        "method": relevance.method,
        "difference": difference,
        "settings": {key: str(value) for key, value in relevance.settings.items()},
        "gap": relevance.gap if bounded else None,
        "certified": relevance.certified,
        "saturation": relevance.saturation,
        "verdict": relevance.verdict,
        "notes": [note for note in relevance.notes if not _is_said(note, relevance)],
    }


def _is_said(note: str, relevance: Relevance) -> bool:
    """Whether it is the note on saturation, which the page says in the reader's language."""
    return relevance.saturation is not None and note.startswith(f"{relevance.saturation:.0%} of the flows equal")


def _paths(paths: Paths, relevance: Relevance, record: AttentionRecord, axes: Mapping[str, Axis]) -> dict[str, Any]:
    """The diagrams of one target: (4, E) columns of level and cut, node above, node below, share of the widest."""
    what = f"the paths of {relevance.method}"
    for stream, count in paths.streams.items():
        own = len(axes[stream]) if stream in axes else 0
        if count != own:
            raise UserError(f"{what} have {count} positions in stream {stream!r}, this record {own}")
    sites = {site.name: site for site in record.sites}
    for name in paths.levels:
        if name not in sites:
            raise UserError(f"{what} run through site {name!r}, not in this record; {nearest(name, sites)}")
    nodes = [(stream, i) for stream, count in paths.streams.items() for i in range(count)]
    stream, target = nodes[paths.source] if 0 <= paths.source < len(nodes) else ("", -1)
    if stream != relevance.target_stream or target not in relevance.targets:
        raise UserError(f"{what} start from node {paths.source}, which is no target of the relevance given")
    most = {key: float(np.max(flow, initial=0.0)) for key, flow in paths.flow.items()}
    columns = [
        np.column_stack(
            (
                paths.edges[key][:, 0] * 2 + paths.cut[key],
                paths.edges[key][:, 1:],
                np.rint(paths.flow[key] * ((2**BITS - 1) / (most[key] or 1))),
            )
        )
        for key in paths.edges
    ]
    arcs = np.concatenate(columns).T.astype("<u2")
    return {
        "target": target,
        "streams": list(paths.streams.items()),
        "levels": [(name, sites[name].queries, sites[name].keys) for name in paths.levels],
        "inputs": [None if key is None else int(key) for key in paths.edges],
        "counts": [len(arcs) for arcs in paths.edges.values()],
        "most": [float(f"{most[key]:.7g}") for key in paths.edges],
        "hidden": [round(paths.hidden[key], 4) for key in paths.edges],
        "data": base64.b64encode(zlib.compress(arcs.tobytes(), 9)).decode(),
    }
