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

import time
from typing import Any

import numpy as np
import torch
from _results import claim
from _runs import asked_run, on_validation

import attentionflow as af

PUBLISHED = "0.949 ResNet18 with augmentation, 0.950 MobileNet with flips, 0.897 SVM, 0.835 people (README of the set)"
WAITED = 30  # steps over which waiting is measured


def main() -> None:
    run, name, facts = asked_run("image-classification", "fashion_mnist", "patch-transformer")
    found = run.evaluate("test")
    score = found["metrics"]["accuracy"]
    claim(
        f"image-classification/fashion_mnist/{name}/accuracy",
        score.value,
        "accuracy",
        ">= 0.940" if name == "default" else "",
        baseline={method: round(scores["accuracy"].value, 4) for method, scores in found["baselines"].items()},
        peer=PUBLISHED,
        interval=[round(edge, 4) for edge in score.interval],
        metrics={metric: round(one.value, 4) for metric, one in found["metrics"].items()},
        parts={label: round(value, 4) for label, value in found["metrics"]["macro_f1"].parts.items()},
        validation=on_validation(run, "accuracy"),
        waiting_share=round(waiting(run), 4),
        **facts,
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
