"""Fashion-MNIST: train from nothing on this machine in 30 minutes of two cores, choose on val, score test once.

    python benchmarks/classification_fashion_mnist.py --max-minutes 30       # bfloat16, for CPUs that compute it
    OMP_NUM_THREADS=1 python benchmarks/classification_fashion_mnist.py      # on one core, within 60 minutes of it
    python benchmarks/classification_fashion_mnist.py --set precision=no
    python benchmarks/classification_fashion_mnist.py --trained runs/fashion # a run that is there already

Settings are those that the data set advises for the architecture. Of the default, its 14 epochs take about 55 minutes
of one core. The baselines of `evaluate` stand beside the score, and the share of a step's time in which the network
waits for its pictures, on the same machine.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _labels import cpu_seconds
from _results import claim, trained_seconds

import attentionflow as af

PUBLISHED = "0.949 ResNet18 with augmentation, 0.950 MobileNet with flips, 0.897 SVM, 0.835 people (README of the set)"
WAITED = 30  # steps over which waiting is measured


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="patch-transformer")
    parser.add_argument("--max-minutes", type=float, default=None, help="by default as many epochs as the set advises")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run")
    parser.add_argument("--trained", type=Path, default=None, help="score this run instead of training one")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "patch-transformer"
    more: dict[str, float] = {}
    if options.trained is None:
        used = cpu_seconds()
        run = af.train(
            "image-classification",
            "fashion_mnist",
            out=options.out or Path("runs") / f"fashion-{options.architecture}-{int(time.time())}",
            architecture=options.architecture,
            settings={"precision": "bf16"} | dict(one.split("=", 1) for one in options.set),
            max_minutes=options.max_minutes,
        )
        more["training_cpu_seconds"] = round(cpu_seconds() - used, 1)
    else:
        run = af.load(options.trained)
    found = run.evaluate("test")
    state = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
    settings, score = run.page["settings"], found["metrics"]["accuracy"]
    claim(
        f"image-classification/fashion_mnist/{'default' if default else options.architecture}/accuracy",
        score.value,
        "accuracy",
        ">= 0.940" if default else "",
        baseline={name: round(scores["accuracy"].value, 4) for name, scores in found["baselines"].items()},
        peer=PUBLISHED,
        seconds=trained_seconds(run.folder),
        interval=[round(edge, 4) for edge in score.interval],
        metrics={name: round(one.value, 4) for name, one in found["metrics"].items()},
        parts={label: round(value, 4) for label, value in found["metrics"]["macro_f1"].parts.items()},
        validation=round(state["val"]["metrics"]["accuracy"]["value"], 4),
        waiting_share=round(waiting(run), 4),
        parameters=sum(p.numel() for p in run.model.parameters()),
        chosen_step=state["val"]["chosen_step"],
        steps=settings["training"]["steps"] or f"{settings['training']['epochs']:g} epochs",
        precision=settings["training"]["precision"],
        threads=torch.get_num_threads(),
        **more,
    )


def waiting(run: af.Run) -> float:
    """Share of the CPU seconds of training steps that goes into cutting out and changing the pictures of a batch."""
    task, rounded = run.task, run.page["settings"]["training"]["precision"] == "bf16"
    splits, _ = task.read(run.page["data"], run.page["seed"])
    prepared, _ = task.prepare(splits["train"], training=True)
    model: Any = run.model.train()
    spent: list[tuple[float, float]] = []
    for indices in task.batches(prepared, 0, 0)[: WAITED + 1]:
        begun = time.process_time()
        batch = task.collate(prepared, indices, 0, 0)
        cut = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            loss = task.losses(model, batch)["nats"].total
        loss.backward()
        spent.append((cut - begun, time.process_time() - begun))
        model.zero_grad()
    run.model.eval()
    fetched, whole = np.array(spent[1:]).sum(0)  # the first step pays for what all share
    return float(fetched / whole)


if __name__ == "__main__":
    main()
