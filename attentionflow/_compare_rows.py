"""Rows of a comparison with people: of each method and baseline every measure, with its interval and its test.

Letters: N texts or pictures, R rows, M measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from attentionflow.flows import flow
from attentionflow.human.statistics import holm, intervals, permutation_p
from attentionflow.records import AttentionRecord, Relevance

SAMPLES = 10_000  # of the bootstrap, and of the permutations

Value = tuple[float, tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """A method or a baseline beside people.

    scores: measure -> mean over texts or pictures with its 95 % interval, None where it is defined for none; "partial"
    is the correlation that the simple baselines leave unexplained. undefined: how many have no deciding measure, since
    all is equal. outside: share of the relevance on positions that are no words or lie beside the picture. p: of the
    difference in the deciding measure from the baseline that methods are tested against, by a paired permutation test;
    p_corrected: by Holm for all methods of the table. by_case (N,): the deciding measure. pooled: rank correlation over
    the words of all texts, each over the mean of its text.
    """

    name: str
    baseline: bool
    scores: Mapping[str, Value | None]
    undefined: int
    outside: float | None
    p: float | None
    by_case: np.ndarray = field(repr=False)
    pooled: float | None = None
    p_corrected: float | None = None

    def mean(self, measure: str) -> float:
        """Of a measure; NaN where it is undefined."""
        one = self.scores[measure]
        return float("nan") if one is None else one[0]

    def cell(self, measure: str) -> str:
        """The mean with its interval."""
        one = self.scores[measure]
        return "undefined" if one is None else f"{one[0]:.3f} [{one[1][0]:.3f}, {one[1][1]:.3f}]"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "baseline": self.baseline,
            **{
                measure: None if one is None else {"mean": one[0], "interval": one[1]}
                for measure, one in self.scores.items()
            },
            "pooled": self.pooled,
            "undefined": self.undefined,
            "outside": self.outside,
            "p": self.p,
            "p_corrected": self.p_corrected,
        }


def scored_rows(
    table: np.ndarray,
    names: Sequence[str],
    measures: Sequence[str],
    *,
    deciding: str,
    beside: str,
    outside: Mapping[str, float],
    seed: int,
    pooled: Mapping[str, float] | None = None,
) -> list[Row]:
    """A row for each of `names` from a table (N, R, M), NaN where a measure is not defined.

    Those in `outside` are methods, the others baselines; methods are tested by `deciding` against the row `beside`.
    """
    ends = intervals(table.reshape(len(table), -1), SAMPLES, seed).reshape(2, len(names), -1)
    decides = table[:, :, list(measures).index(deciding)]
    base, rows = decides[:, list(names).index(beside)], []
    for j, name in enumerate(names):
        scores = dict(zip(measures, map(_mean, table[:, j].T, *ends[:, j]), strict=True))
        p = permutation_p(decides[:, j] - base, SAMPLES, seed) if name in outside else None
        undefined = int((~np.isfinite(decides[:, j])).sum())
        whole = None if pooled is None else pooled[name]
        rows.append(Row(name, name not in outside, scores, undefined, outside.get(name), p, decides[:, j], whole))
    tested = [row for row in rows if row.p is not None]
    corrected = dict(zip([row.name for row in tested], holm([row.p or 0.0 for row in tested]), strict=True))
    return [replace(row, p_corrected=float(corrected[row.name])) if row.name in corrected else row for row in rows]


def _mean(values: np.ndarray, low: float, high: float) -> Value | None:
    return (float(np.nanmean(values)), (float(low), float(high))) if np.isfinite(values).any() else None


def by_depth(record: AttentionRecord, methods: Sequence[str]) -> dict[str, Relevance]:
    """Relevance by each method through the first d self-attention layers, d from one to all: "maxflow, depth 2"."""
    layers = sorted({site.layer for site in record.sites if site.role == "self"})
    found = {}
    for depth in range(1, len(layers) + 1) if layers else [0]:
        sites = tuple(site for site in record.sites if site.role != "self" or site.layer < depth)
        part = replace(record, sites=sites)
        for method in methods:
            label = f"{method}, depth {depth}" if len(layers) > 1 else method
            found[label] = flow(part, method, target=record.target)
    return found
