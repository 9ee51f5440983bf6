"""What the attention page is given: a record checked, cut into examples and groups, its weights packed.

Letters: B examples, H heads, Q queries, K keys.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from attentionflow.errors import UserError, nearest
from attentionflow.records import AttentionRecord, Axis, Site

FINE = 2**21  # weights that are kept with 16 bits
MANY = 2**22  # weights up to which all of a few examples travel together
MOST = 2**26  # weights that a browser still handles; beyond, heads are averaged


def payload(record: AttentionRecord, example: int, alone: bool = False) -> dict[str, Any]:
    """The record as plain data, its chosen example first to be shown, or the only one."""
    record = _whole(record)
    if not 0 <= example < len(record):
        raise UserError(f"no example {example}: the record holds {len(record)}, counted from 0")
    together = not alone and len(record) <= 8 and sum(site.weights.size for site in record.sites) <= MANY
    shown = {i: record.example(i) for i in (range(len(record)) if together else [example])}
    averaged = _size(shown) > MOST
    if averaged:
        shown = {i: replace(one, sites=tuple(map(_head_mean, one.sites))) for i, one in shown.items()}
    if _size(shown) > MOST:
        raise UserError(f"{_size(shown):,} weights are too many for one page; record fewer layers or rows")
    bits = 16 if _size(shown) <= FINE else 8
    return {
        "model": record.model,
        "notes": record.notes,
        "averaged": averaged,
        "bits": bits,
        "count": len(record),
        "start": list(shown).index(example),
        "examples": [_example(i, one, bits) for i, one in shown.items()],
    }


def _size(shown: dict[int, AttentionRecord]) -> int:
    return sum(site.weights.size for one in shown.values() for site in one.sites)


def _whole(record: AttentionRecord) -> AttentionRecord:
    """The record with every site on its whole streams, checked."""
    if not record.sites:
        raise UserError("the record holds no attention site, so there is nothing to show")
    for site in record.sites:
        for stream in (site.queries, site.keys):
            for part, known in (("axis", record.axes), ("mask of what is present", record.present)):
                if stream not in known:
                    hint = nearest(stream, known) if known else "There are none"
                    raise UserError(f"site {site.name!r}: its stream {stream!r} has no {part}; {hint}")
    counts = {stream: len(axes) for stream, axes in record.axes.items()}
    if len(set(counts.values())) > 1:
        raise UserError(f"the streams have axes for different numbers of examples: {counts}")
    for stream, mask in record.present.items():
        if stream in counts and (np.ndim(mask) != 2 or len(mask) != counts[stream]):
            raise UserError(
                f"stream {stream!r}: its mask of what is present has shape {np.shape(mask)}, not (examples, n)"
            )
    return replace(record, sites=tuple(_checked(site, record) for site in record.sites))


def _checked(site: Site, record: AttentionRecord) -> Site:
    queries, keys = (np.shape(record.present[stream])[1] for stream in (site.queries, site.keys))
    weights = site.unfolded(len(record), queries, keys)
    rows = queries if site.rows is None else len(site.rows)
    heads = weights.shape[1:2] if site.heads == "mean" else (len(site.heads),)
    if weights.shape != (len(record), *heads, rows, keys):
        expected = f"(examples, heads, queries, keys) = ({len(record)}, {heads[0] if heads else 1}, {rows}, {keys})"
        raise UserError(f"site {site.name!r}: weights of shape {weights.shape}, where its axes ask for {expected}")
    if not np.isfinite(weights).all():
        raise UserError(f"site {site.name!r}: some weights are not finite numbers")
    # Gradients and norms are not shown; without them, cutting out an example is cheaper.
    return replace(site, weights=weights, fold=None, gradients=None, value_norms=None)


def _head_mean(site: Site) -> Site:
    return replace(site, weights=site.weights.mean(1, keepdims=True, dtype=np.float32), heads="mean")


def _example(index: int, record: AttentionRecord, bits: int) -> dict[str, Any]:
    """One example for the browser. Sites of the same role, streams and rows form a group, with a layer each."""
    for stream, mask in record.present.items():
        if stream in record.axes and len(record.axes[stream][0]) != mask.shape[1]:
            found = f"{len(record.axes[stream][0])} labels for {mask.shape[1]} positions"
            raise UserError(f"example {index}: the axis of stream {stream!r} has {found}")
    used = {stream for site in record.sites for stream in (site.queries, site.keys)}
    sites = [site for site in record.sites if site.weights.size]
    if not sites:
        raise UserError(f"example {index} has no query and key to show: all is padding, or its rows were not kept")

    def kind(site: Site) -> tuple[str, ...]:
        return (site.role, site.queries, site.keys, "" if site.rows is None else str(site.rows))

    order = {"cross": 0, "self": 1, "pool": 2, "gate": 3}
    sites.sort(key=lambda site: (order.get(site.role, 4), kind(site), site.layer, site.order))
    groups = []
    for (role, queries, keys, _), run in groupby(sites, kind):
        members = list(run)
        packed = [_site(site, bits) for site in members]
        groups.append({"role": role, "queries": queries, "keys": keys, "rows": members[0].rows, "sites": packed})
    axes = {stream: _axis(stream, record.axes[stream][0]) for stream in sorted(used)}
    lying = {stream: record.axes[stream][0].preview for stream in sorted(used) if "boxes" in axes[stream]}
    pictures = list(dict.fromkeys(filter(None, lying.values())))
    for stream, picture in lying.items():  # what was found on a picture may come without it
        axes[stream]["picture"] = pictures.index(picture) if picture else 0
    return {"index": index, "axes": axes, "groups": groups, "pictures": pictures}


def _site(site: Site, bits: int) -> dict[str, Any]:
    return {
        "name": site.name,
        "layer": site.layer,
        "normalised": site.normalised,
        "heads": None if site.heads == "mean" else site.heads,
        "shape": site.weights.shape[1:],
        "data": pack(site.weights[0], bits),
    }


def pack(weights: np.ndarray, bits: int) -> str:
    """(H, Q, K) weights as base64 of deflated lows (H, Q), steps (H, Q) and codes (H, Q, K): low + step * code**2.

    Squares keep the many small weights of a long row, which sum up, closer than its few large ones.
    """
    top = 2**bits - 1
    weights = weights.astype(np.float32)
    low = np.minimum(weights.min(-1, keepdims=True), 0)
    span = np.maximum(weights.max(-1, keepdims=True), 0) - low
    codes = np.rint(top * np.sqrt((weights - low) / np.where(span > 0, span, 1))).clip(0, top)
    parts = low.astype("<f4"), (span / np.float32(top**2)).astype("<f4"), codes.astype(f"<u{bits // 8}")
    return base64.b64encode(zlib.compress(b"".join(part.tobytes() for part in parts), 6)).decode()


def _axis(stream: str, axis: Axis) -> dict[str, Any]:
    bare = [] if axis.spans is None else [i for i, span in enumerate(axis.spans) if span is None]
    made: dict[str, Any] = {"kind": axis.kind, "labels": axis.labels, "bare": bare, "units": units(stream, axis)}
    spans = axis.spans or ()
    if axis.parent is None and any(spans) and all(span is None or len(span) == 4 for span in spans):
        made["boxes"] = [None if span is None else [round(float(edge), 5) for edge in span] for span in spans]
    elif axis.parent is None and any(spans) and (axis.preview or "").startswith("data:image"):
        made["seconds"] = seconds = max(span[1] for span in spans if span)
        made["boxes"] = [span and [round(span[0] / seconds, 5), 0, round(span[1] / seconds, 5), 1] for span in spans]
    return made


def units(stream: str, axis: Axis) -> list[tuple[str, list[int]]] | None:
    """Positions that share a part of the parent, with its label; None where nothing would be merged.

    A position across two parts joins them. A position that covers nothing stays itself.
    """
    if axis.parent is None or axis.spans is None or any(span and len(span) != 2 for span in axis.spans):
        return None
    part = list(range(len(axis.parent)))  # the first part with which each is joined
    for i, span in enumerate(axis.spans):
        if span and not 0 <= span[0] <= span[1] <= len(part):
            raise UserError(f"stream {stream!r}: position {i} spans {span} of a parent with {len(part)} positions")
        covered = range(int(span[0]), int(np.ceil(span[1]))) if span and span[0] < span[1] else ()
        roots = {part[p] for p in covered}
        if len(roots) > 1:
            part = [min(roots) if p in roots else p for p in part]
    merged: dict[object, list[int]] = {}
    for i, span in enumerate(axis.spans):
        merged.setdefault(part[int(span[0])] if span and span[0] < span[1] else ("alone", i), []).append(i)
    if all(len(at) == 1 for at in merged.values()):
        return None
    found = []
    for key, at in merged.items():
        own = isinstance(key, tuple)
        found.append((axis.labels[at[0]] if own else " ".join(_labels(axis.parent, part, key)), at))
    return found


def _labels(parent: Axis, part: list[int], key: object) -> list[str]:
    return [label for label, p in zip(parent.labels, part, strict=True) if p == key]
