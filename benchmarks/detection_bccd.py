"""Blood cells (BCCD), the official split: train from nothing on this machine, choose on val, score test once.

    python benchmarks/detection_bccd.py                          # bfloat16, for CPUs that compute it
    python benchmarks/detection_bccd.py --set precision=no
    python benchmarks/detection_bccd.py --architecture classic
    python benchmarks/detection_bccd.py --trained runs/bccd      # a run that is there already

Settings are those that the data set advises for the architecture. The baselines of `evaluate` stand beside the score.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from _results import claim, trained_seconds

import attentionflow as af

PUBLISHED = "0.8535 CNN (Joshi et al. 2022), 0.9043 YOLOv8n, pre-trained (Yang et al.); other splits"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="proposal-transformer")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run")
    parser.add_argument("--trained", type=Path, default=None, help="score this run instead of training one")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "proposal-transformer"
    if options.trained is None:
        run = af.train(
            "object-detection",
            "bccd",
            out=options.out or Path("runs") / f"bccd-{options.architecture}-{int(time.time())}",
            architecture=options.architecture,
            settings={"precision": "bf16"} | dict(one.split("=", 1) for one in options.set),
            quiet=True,
        )
    else:
        run = af.load(options.trained)
    found = run.evaluate("test")
    state = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
    settings = run.page["settings"]
    for metric, bar in (("map50", ">= 0.84"), ("map", "")):
        score = found["metrics"][metric]
        claim(
            f"object-detection/bccd/{'default' if default else options.architecture}/{metric}",
            score.value,
            "mAP@0.5" if metric == "map50" else "mAP@0.5:0.95",
            bar if default else "",
            baseline={name: scores[metric].value for name, scores in found["baselines"].items()},
            peer=PUBLISHED if metric == "map50" else None,
            seconds=trained_seconds(run.folder),
            parts={label: round(value, 4) for label, value in score.parts.items()},
            validation=round(state["val"]["metrics"][metric]["value"], 4),
            pictures=found["examples"],
            parameters=sum(p.numel() for p in run.model.parameters()),
            chosen_step=state["val"]["chosen_step"],
            steps=settings["training"]["steps"] or f"{settings['training']['epochs']:g} epochs",
            precision=settings["training"]["precision"],
            size=settings["task"]["size"],
            threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
