"""Gradient-weighted relevance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.flows.checks import all_layers, chosen_streams, chosen_targets, combined, relevance
from attentionflow.records import AttentionRecord, Relevance


def gradient(record: AttentionRecord, target: int | Sequence[int] | None, onto: str | None) -> Relevance:
    """Relevance that every layer adds in proportion to max(0, A ∘ ∇A) (Chefer, Gur and Wolf 2021, section 3).

    With Ā the mean over heads of max(0, A ∘ ∇A), R of a stream onto itself begins as the identity. Self attention of a
    stream s does R_sk += Ā R_sk for every stream k (eq. 6, 7); cross attention from s to k does
    R_sk += norm(R_ss)ᵀ Ā norm(R_kk) (eq. 10) and R_sj += Ā R_kj for the others (eq. 11), where norm divides what lies
    beside the identity by its row sums (eq. 8, 9).

    The record must hold gradients: of one target, for whose row this is meant, or of all of them together.
    """
    sites = all_layers(record)
    top, onto = chosen_streams(record, sites, onto)
    length = {name: len(axes[0]) for name, axes in record.axes.items()}
    targets = gradient_targets(record, target, length[top], top)
    streams = list(dict.fromkeys(stream for site in sites for stream in (site.keys, site.queries)))
    found = {
        (s, k): np.eye(length[s]) if s == k else np.zeros((length[s], length[k])) for s in streams for k in streams
    }
    for site in sites:
        s, k, weights = site.queries, site.keys, combined(site, "gradient")
        if s == k:
            found |= {(s, j): found[s, j] + weights @ found[s, j] for j in streams}
            continue
        crossed = found[s, k] + _norm(found[s, s]).T @ weights @ _norm(found[k, k])
        found |= {(s, j): found[s, j] + weights @ found[k, j] for j in streams if j != k}
        found[s, k] = crossed
    values = found[top, onto][np.array(targets, int)]
    return relevance(record, "gradient", values, onto, top, targets)


def gradient_targets(
    record: AttentionRecord, target: int | Sequence[int] | None, length: int, stream: str
) -> tuple[int, ...]:
    """The targets that a record's gradients can speak of."""
    if record.target is None:
        return chosen_targets(target, length, stream)
    only = chosen_targets(record.target, length, stream)
    if target is not None and chosen_targets(target, length, stream) != only:
        raise UserError(f"the gradients in the record are those of target {only[0]}; record again with target={target}")
    return only


def _norm(matrix: np.ndarray) -> np.ndarray:
    beside = matrix - np.eye(len(matrix))
    sums = beside.sum(1, keepdims=True)
    return np.divide(beside, sums, out=np.zeros_like(beside), where=sums > 0) + np.eye(len(matrix))
