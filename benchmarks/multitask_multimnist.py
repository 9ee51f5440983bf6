"""Multi-MNIST: one network for both digits beside one for each, all of one size, trained from nothing in one run.

    python benchmarks/multitask_multimnist.py                              # bfloat16, for CPUs that compute it
    python benchmarks/multitask_multimnist.py --data multifashionmnist
    python benchmarks/multitask_multimnist.py --set precision=no --out runs/multimnist

All networks have the settings that the data set advises and the same seed; those of a single digit are told by
`columns=left` and `columns=right`. The one for both is trained as long as these two together, as it does the work of
both, and beside it, as one at equal steps, as long as each of them. Checkpoints are chosen on val, and test is scored
once. What is claimed is how much more of the test pictures the network for both answers rightly than the one for that
digit alone, with a 95 % interval of the paired difference (normal approximation, pictures taken as independent). Runs
that are in --out already are gone on with.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _results import claim, cpu_seconds, trained_seconds
from _runs import run_in

import attentionflow as af

SIDES = ("left", "right")
BOTH, BRIEF = "both", "both-at-equal-steps"
AIMS = {"multimnist": {"left": ">= 0.973", "right": ">= 0.959"}}
PUBLISHED = {
    "multimnist": "left 0.973 and right 0.959 MGDA-UB, 0.972 and 0.959 single networks (Sener and Koltun 2018, on "
    "pairs of their own)"
}
Z = 1.959964  # of the normal distribution, 95 % two-sided


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="multimnist", choices=["multimnist", "multifashionmnist"])
    parser.add_argument("--architecture", default="default")
    parser.add_argument("--out", type=Path, default=None, help="folder of the four runs; those there are finished")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    out = options.out or Path("runs") / f"{options.data}-{options.architecture}-{int(time.time())}"
    settings = {"precision": "bf16"} | dict(one.split("=", 1) for one in options.set)
    architecture = None if options.architecture == "default" else options.architecture
    runs, used = {}, {}
    for name in (*SIDES, BOTH, BRIEF):
        own = {**settings, "columns": name} if name in SIDES else dict(settings)
        if name == BOTH:
            own["epochs"] = str(len(SIDES) * runs[SIDES[0]].page["settings"]["training"]["epochs"])
        begun = cpu_seconds()
        runs[name] = run_in(out / name, "multi-task", options.data, architecture=architecture, settings=own)
        used[name] = round(cpu_seconds() - begun, 1)
    found = runs[BOTH].evaluate("test")
    right = {name: rightly(run) for name, run in runs.items()}
    training = {name: run.page["settings"]["training"] for name, run in runs.items()}
    start = f"multi-task/{options.data}/{options.architecture}"
    seconds = sum(trained_seconds(run.folder) for run in runs.values())
    about: dict[str, Any] = {
        "parameters": {name: sum(p.numel() for p in run.model.parameters()) for name, run in runs.items()},
        "training_cpu_seconds": used,
        "epochs": {name: own["epochs"] for name, own in training.items()},
        "precision": training[BOTH]["precision"],
        "threads": torch.get_num_threads(),
    }
    for side in SIDES:
        single = right[side][side]
        for name, bar, told in ((BOTH, ">= 0", ""), (BRIEF, "", "_at_equal_steps")):
            joint = right[name][side]
            gain = joint.astype(float) - single
            half = Z * float(gain.std()) / np.sqrt(len(gain))
            claim(
                f"{start}/{side}_accuracy_minus_single{told}",
                float(gain.mean()),
                "accuracy",
                bar,
                baseline={"single network": round(float(single.mean()), 4)},
                seconds=seconds,
                interval=[round(float(gain.mean()) + sign * half, 4) for sign in (-1, 1)],
                only_both=int((joint & ~single).sum()),
                only_single=int((single & ~joint).sum()),
                pictures=len(gain),
                **about,
            )
        score = found["metrics"][f"accuracy of {side}"]
        claim(
            f"{start}/{side}_accuracy",
            score.value,
            "accuracy",
            AIMS.get(options.data, {}).get(side, "") if options.architecture == "default" else "",
            baseline={
                name: round(scores[f"accuracy of {side}"].value, 4) for name, scores in found["baselines"].items()
            },
            peer=PUBLISHED.get(options.data),
            seconds=seconds,
            interval=[round(edge, 4) for edge in score.interval],
            **about,
        )


def rightly(run: af.Run) -> dict[str, np.ndarray]:
    """Of each column, which test pictures (N,) are answered rightly."""
    splits, _ = run.task.read(run.page["data"], run.page["seed"])
    examples, columns = list(splits["test"]), run.task.heads.columns
    predictions, _ = run.predict_examples(examples, run.options({}))
    given = [one.output.by_column for one in predictions]
    return {
        column: np.array([one[column] == example.labels[at] for one, example in zip(given, examples, strict=True)])
        for at, column in enumerate(columns)
    }


if __name__ == "__main__":
    main()
