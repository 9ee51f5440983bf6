"""What a record must be before flow can run through it, and the choices that all methods share.

Letters: H heads, Q queries, K keys, N positions of all streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from attentionflow.errors import UserError, nearest
from attentionflow.records import AttentionRecord, Relevance, Site

HeadRule = Literal["mean", "max", "norm", "gradient"] | int
RULES = ("mean", "max", "norm", "gradient")
# Row sums of recorded weights are this near to one, by bytes of a weight.
TOLERANCE = {2: 1e-2, 4: 1e-4, 8: 1e-6}


def one_example(record: AttentionRecord, index: int | None) -> AttentionRecord:
    """The record of one example on its whole streams, without padding; the only one unless chosen."""
    if index is None and len(record) != 1:
        raise UserError(f"the record holds {len(record)} examples; choose one with example=0 to {len(record) - 1}")
    if not -len(record) <= (index or 0) < len(record):
        raise UserError(f"no example {index}: the record holds {len(record)}, counted from 0")
    record = record.unfolded()
    for site in record.sites:
        queries = record.present[site.queries].shape[1] if site.rows is None else len(site.rows)
        expected = len(record), queries, record.present[site.keys].shape[1]
        if (site.weights.shape[0], *site.weights.shape[2:]) != expected:
            raise UserError(
                f"site {site.name!r}: weights for (examples, queries, keys) = "
                f"{(site.weights.shape[0], *site.weights.shape[2:])}, where its axes have {expected}"
            )
    return record.example(index or 0)


def checked_sites(record: AttentionRecord) -> tuple[Site, ...]:
    """The sites of a record of one example, in order; raises where flow through them would mean nothing."""
    if not record.sites:
        raise UserError("the record holds no attention site, so nothing flows")
    for stream, present in record.present.items():
        if not present.any():
            raise UserError(f"stream {stream!r} holds nothing but padding in this example")
    for site in record.sites:
        _check(site, record)
    return record.sites


def all_layers(record: AttentionRecord) -> tuple[Site, ...]:
    """The checked sites of a record that lacks no layer."""
    sites = checked_sites(record)
    groups: dict[tuple[str, str, str], list[int]] = {}
    for site in sites:
        groups.setdefault((site.role, site.queries, site.keys), []).append(site.layer)
    for (role, queries, keys), layers in groups.items():
        missing = sorted(set(range(max(layers) + 1)) - set(layers))
        if missing:
            raise UserError(
                f"layer {missing[0]} of the {role} attention from {queries} to {keys} is not in the record, which "
                f"holds {', '.join(map(str, sorted(layers)))}; flow needs every layer: record without choosing layers"
            )
    return sites


def _check(site: Site, record: AttentionRecord) -> None:
    if site.role == "gate" or not site.normalised:
        raise UserError(
            f"site {site.name!r} is no distribution over its keys ({site.role}), so it has no share to pass on; "
            "record the others alone, by sites= or roles="
        )
    if site.rows is not None and len(site.rows) != len(record.axes[site.queries][0]):
        raise UserError(f"site {site.name!r} was recorded for some rows alone; flow needs all: record without rows=")
    weights = site.weights
    if not np.isfinite(weights).all():
        raise UserError(f"site {site.name!r}: some weights are not finite numbers")
    if (weights < 0).any():
        raise UserError(f"site {site.name!r}: some weights are negative")
    sums = weights.sum(-1, dtype=np.float64)
    off = np.abs(sums - 1).max()
    if off > TOLERANCE[weights.dtype.itemsize]:
        row = int(np.abs(sums - 1).max((0, 1)).argmax())
        raise UserError(
            f"site {site.name!r}: the weights of query {row} sum to {sums[0, :, row].ravel()[0]:.4g}, not to one, "
            "so they are no distribution over its keys"
        )


def combined(site: Site, heads: HeadRule) -> np.ndarray:
    """One matrix (Q, K) of the heads of a site, float64.

    "mean" and a head's number keep distributions; "max" (largest over the heads) and "norm" (each head weighted by the
    norm of the value that it brings, Kobayashi et al. 2020, without their output matrix) are normalised to be one.
    "gradient" is mean_h max(0, A ∘ ∇A) and stays as it is (Chefer et al. 2021, eq. 5).
    """
    weights = site.weights[0].astype(np.float64)
    if isinstance(heads, int):
        kept = range(len(weights)) if site.heads == "mean" else site.heads
        if site.heads == "mean" or heads not in kept:
            have = "their mean alone" if site.heads == "mean" else f"heads {', '.join(map(str, kept))}"
            raise UserError(f"site {site.name!r} holds {have}, not head {heads}")
        return _normalised(weights[list(kept).index(heads)])
    if heads == "mean":
        return _normalised(weights.mean(0))
    if heads == "max":
        return _normalised(weights.max(0))
    if heads == "norm":
        if site.value_norms is None:
            raise UserError(f"site {site.name!r} holds no value norms; record with value_norms=True")
        return _normalised((weights * site.value_norms[0, :, None].astype(np.float64)).sum(0))
    if heads == "gradient":
        if site.gradients is None:
            raise UserError(f"site {site.name!r} holds no gradients; record with gradients=True and a target")
        gradients = site.gradients[0].astype(np.float64)
        if not np.isfinite(gradients).all():
            raise UserError(f"site {site.name!r}: some gradients are not finite numbers")
        return np.maximum(weights * gradients, 0).mean(0)
    raise UserError(f"unknown head rule {heads!r}; {nearest(str(heads), RULES)}, or the number of a head")


def _normalised(weights: np.ndarray) -> np.ndarray:
    sums = weights.sum(-1, keepdims=True)
    return np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)


def chosen_streams(record: AttentionRecord, sites: Sequence[Site], onto: str | None) -> tuple[str, str]:
    """The stream on top, whose positions are the targets, and the input stream.

    Of several that are read and never written, it is the one whose positions lie on the input, where there is one: what
    a model knows beside its input, such as pictures of known things, lies nowhere on it.
    """
    top = sites[-1].queries
    read = {site.keys for site in sites} | {site.queries for site in sites}
    if onto is None:
        crossed = {site.keys for site in sites if site.queries != site.keys}
        written = {site.queries for site in sites if site.queries != site.keys}
        inputs = sorted(crossed - written) or sorted(read)
        lying = [stream for stream in inputs if record.axes[stream][0].spans is not None]
        inputs = lying if len(lying) == 1 else inputs
        if len(inputs) > 1:
            raise UserError(f"the record has several input streams: {', '.join(inputs)}; choose one with onto=")
        onto = inputs[0]
    if onto not in read:
        raise UserError(f"no stream {onto!r}; {nearest(onto, read)}")
    return top, onto


def chosen_targets(target: int | Sequence[int] | None, length: int, stream: str) -> tuple[int, ...]:
    """Target positions, counted from 0."""
    if target is None:
        return tuple(range(length))
    given = [target] if isinstance(target, int | np.integer) else list(target)
    for position in given:
        if not -length <= position < length:
            raise UserError(f"no target {position}: the {stream} has positions 0 to {length - 1}")
    return tuple(int(position) % length for position in given)


def relevance(
    record: AttentionRecord,
    method: str,
    values: np.ndarray,
    onto: str,
    top: str,
    targets: tuple[int, ...],
    **rest: object,
) -> Relevance:
    """A Relevance with the axes of the record."""
    axes = record.axes[onto][0], record.axes[top][0]
    return Relevance(values, method, onto, axes[0], top, axes[1], targets, **rest)  # type: ignore[arg-type]
