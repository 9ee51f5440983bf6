"""Attention flow over gradient-weighted capacities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attentionflow.flows.checks import checked_sites, chosen_streams
from attentionflow.flows.gradient import gradient_targets
from attentionflow.flows.maxflow import maxflow
from attentionflow.records import AttentionRecord, Relevance


def agf(
    record: AttentionRecord, target: int | Sequence[int] | None, onto: str | None, *, residual: float = 0.5
) -> Relevance:
    """Exact maximum flow with capacities mean_h max(0, A ∘ ∇A) (the "AGF" of Azarkhalili and Libbrecht 2025).

    They join all pairs into one problem with a barrier, to share the flow out among the inputs; here each pair has its
    own maximum flow, with bounds, as in `maxflow`. A layer's capacities are scaled by its largest row sum, so that
    attention and residual have the scale (1 - r) and r in every layer.
    """
    sites = checked_sites(record)
    top, _ = chosen_streams(record, sites, onto)
    targets = gradient_targets(record, target, len(record.axes[top][0]), top)
    found = maxflow(record, targets, onto, residual=residual, heads="gradient")
    return replace(found, method="agf", settings={"residual": residual})
