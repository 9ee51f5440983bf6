"""One definition of the layered graph for every record.

The nodes of a level are the positions of all streams. A site lifts the graph by one level: each query of its stream
sends its share to the positions below it, with capacity

    A = r I + (1 - r) W      where a residual runs beside the attention (Abnar and Zuidema 2020 with r = 1/2)
    A = W                    where none does

and the other streams stay where they are. So an encoder is a stack of its own levels, a causal decoder likewise, and
in an encoder-decoder a target position sends part of its share through cross attention to the source positions, which
stand on top of the encoder's levels.

Letters: L levels, N nodes of a level, Q queries, K keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.errors import UserError
from attentionflow.flows.checks import HeadRule, all_layers, chosen_streams, chosen_targets, combined
from attentionflow.records import AttentionRecord


@dataclass(frozen=True)
class Graph:
    """capacities: (L, N, N) from node k of a level to node i of the level below; [0] is the lowest, next to the input.

    names: the site of each level. streams: the nodes of each stream. top, onto: streams of the targets and the input.
    targets: positions in the stream on top.
    """

    capacities: np.ndarray
    names: tuple[str, ...]
    streams: Mapping[str, slice]
    top: str
    onto: str
    targets: tuple[int, ...]

    @property
    def sources(self) -> np.ndarray:
        """Nodes of the highest level from which flow starts."""
        return self.streams[self.top].start + np.array(self.targets, np.int64)

    @property
    def sinks(self) -> np.ndarray:
        """Nodes of the lowest level at which flow arrives."""
        chosen = self.streams[self.onto]
        return np.arange(chosen.start, chosen.stop)


def build_graph(
    record: AttentionRecord,
    target: int | Sequence[int] | None = None,
    onto: str | None = None,
    *,
    residual: float = 0.5,
    heads: HeadRule = "mean",
) -> Graph:
    """The graph of a record of one example.

    residual: share r of a position's capacity that stays with it, where the model has a residual connection.
    heads: how the heads of a site become one matrix, see `checks.combined`. With "gradient" the residual has capacity r
    and the attention (1 - r) times its gradient-weighted weights over their largest row sum, so that rows keep their
    proportions (the information tensor of Azarkhalili and Libbrecht 2025, scaled to the residual).
    """
    if not 0 <= residual < 1:
        raise UserError(f"residual must be in [0, 1), got {residual}")
    sites = all_layers(record)
    top, onto = chosen_streams(record, sites, onto)
    streams, size = {}, 0
    for name in dict.fromkeys(stream for site in sites for stream in (site.keys, site.queries)):
        streams[name] = slice(size, size := size + len(record.axes[name][0]))
    levels = []
    for site in sites:
        share = residual if site.residual else 0.0
        weights = combined(site, heads)
        if heads == "gradient":
            weights = weights / max(weights.sum(-1).max(), np.finfo(float).tiny)
        level, rows = np.eye(size), streams[site.queries]
        level[rows] *= share
        level[rows, streams[site.keys]] += (1 - share) * weights
        levels.append(level)
    targets = chosen_targets(target, len(record.axes[top][0]), top)
    return Graph(np.stack(levels), tuple(site.name for site in sites), streams, top, onto, targets)
