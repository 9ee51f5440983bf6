"""Raw attention: the weights of one layer as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.flows.checks import HeadRule, checked_sites, chosen_streams, chosen_targets, combined, relevance
from attentionflow.records import AttentionRecord, Relevance


def raw(
    record: AttentionRecord,
    target: int | Sequence[int] | None,
    onto: str | None,
    *,
    layer: int = -1,
    heads: HeadRule = "mean",
) -> Relevance:
    """A_l(u, v): the share of its attention that target u gives to position v in layer l, the last unless told.

    It ignores every other layer, and that a position above the first layer is a mixture of the input; which is why the
    other methods exist (Jain and Wallace 2019; Abnar and Zuidema 2020).
    """
    sites = checked_sites(record)
    top, onto = chosen_streams(record, sites, onto)
    between = [site for site in sites if (site.queries, site.keys) == (top, onto)]
    if not between:
        raise UserError(f"no attention runs from {top} to {onto} directly; use rollout or maxflow")
    if not -len(between) <= layer < len(between):
        raise UserError(f"no layer {layer}: the attention from {top} to {onto} has layers 0 to {len(between) - 1}")
    targets = chosen_targets(target, len(record.axes[top][0]), top)
    values = combined(between[layer], heads)[np.array(targets, int)]
    settings = {"layer": layer % len(between), "heads": heads}
    return relevance(record, "raw", values, onto, top, targets, settings=settings)
