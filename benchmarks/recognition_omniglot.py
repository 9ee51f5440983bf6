"""Omniglot, the smaller protocol: train on both small background sets, choose on alphabets held out, score the 20
one-shot runs once.

    OMP_NUM_THREADS=1 python benchmarks/recognition_omniglot.py             # on one core, about 25 minutes of it
    python benchmarks/recognition_omniglot.py --set precision=no            # for CPUs that do not compute bfloat16
    python benchmarks/recognition_omniglot.py --trained runs/omniglot       # a run that is there already

Each run shows 20 characters of an alphabet that training never saw, each drawn once by one person, and asks about 20
drawings by another. Beside the error stands how well a character is told from one that is not shown: the area under the
ROC curve of the greatest similarity, with each character once shown and once taken out.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from _labels import cpu_seconds
from _results import claim, trained_seconds

import attentionflow as af

PUBLISHED = (
    "error 0.301 prototypical network, 0.042 Bayesian program learning, both on these sets (Lake et al. 2019); 0.388 "
    "modified Hausdorff distance (demo of the set); 0.045 people (Lake et al. 2015)"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="patch-matcher")
    parser.add_argument("--max-minutes", type=float, default=None, help="by default as many epochs as the set advises")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run")
    parser.add_argument("--trained", type=Path, default=None, help="score this run instead of training one")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "patch-matcher"
    more: dict[str, float] = {}
    if options.trained is None:
        used = cpu_seconds()
        run = af.train(
            "image-recognition",
            "omniglot",
            out=options.out or Path("runs") / f"omniglot-{options.architecture}-{int(time.time())}",
            architecture=options.architecture,
            settings={"precision": "bf16"} | dict(one.split("=", 1) for one in options.set),
            max_minutes=options.max_minutes,
        )
        more["training_cpu_seconds"] = round(cpu_seconds() - used, 1)
    else:
        run = af.load(options.trained)
        default = run.page["architecture"] == "patch-matcher"
    found = run.evaluate("test")
    state = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))["val"]
    training = run.page["settings"]["training"]
    facts = {
        "validation": round(state["metrics"]["error"]["value"], 4),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "chosen_step": state["chosen_step"],
        "steps": training["steps"] or f"{training['epochs']:g} epochs",
        "precision": training["precision"],
        "threads": torch.get_num_threads(),
        **more,
    }
    name = "default" if default else run.page["architecture"]
    error, auroc = found["metrics"]["error"], found["metrics"]["open_set_auroc"]
    claim(
        f"image-recognition/omniglot/{name}/error",
        error.value,
        "error",
        "<= 0.25" if default else "",
        baseline={method: round(scores["error"].value, 4) for method, scores in found["baselines"].items()},
        peer=PUBLISHED,
        seconds=trained_seconds(run.folder),
        interval=[round(edge, 4) for edge in error.interval],
        metrics={metric: round(one.value, 4) for metric, one in found["metrics"].items()},
        parts={part: round(value, 4) for part, value in error.parts.items()},
        **facts,
    )
    claim(
        f"image-recognition/omniglot/{name}/open_set_auroc",
        auroc.value,
        "AUROC",
        "",
        baseline={method: round(scores["open_set_auroc"].value, 4) for method, scores in found["baselines"].items()},
        seconds=trained_seconds(run.folder),
        threshold=round(run.task.threshold, 4),
        open_set_error=round(found["metrics"]["open_set_error"].value, 4),
    )


if __name__ == "__main__":
    main()
