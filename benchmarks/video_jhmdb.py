"""J-HMDB, 14 actions: train from nothing on each of the three official splits, score each test split once.

    python benchmarks/video_jhmdb.py pose      # from the places of joints; about 4 minutes of one core
    python benchmarks/video_jhmdb.py pixels    # from films of stick figures; about 32 minutes of one core
    python benchmarks/video_jhmdb.py pose --architecture classic

The figure is the mean over the splits. Settings are those that the data sets advise, and the epochs are fixed: with one
validation, at the end, the test clips have no part in what is kept. A run that is there already is gone on with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from _results import claim, cpu_seconds, trained_seconds
from _runs import run_in

from attentionflow.datasets import load_dataset

DATA = {"pose": "jhmdb_pose", "pixels": "jhmdb_sticks"}
BARS = {"pose": ">= 0.76", "pixels": ">= 0.70"}
PUBLISHED = "0.787 DD-Net from the joints of the same clips (0.81, 0.77, 0.78), the epoch chosen on test"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=DATA)
    parser.add_argument("--architecture", default="space-time")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the runs")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default, data = options.architecture == "space-time", DATA[options.kind]
    used, seconds, found = cpu_seconds(), 0.0, []
    for fold in range(1, load_dataset(data).folds + 1):
        out = options.out / f"{data}-{options.architecture}-{fold}"
        settings = {"fold": fold, "precision": "bf16"} | dict(one.split("=", 1) for one in options.set)
        run = run_in(out, "video-recognition", data, architecture=options.architecture, settings=settings, device="cpu")
        seconds += trained_seconds(run.folder)
        found.append(run.evaluate("test"))
    scores = [one["metrics"]["accuracy"] for one in found]
    claim(
        f"video-recognition/jhmdb_{options.kind}/{'default' if default else options.architecture}/accuracy",
        float(np.mean([score.value for score in scores])),
        "accuracy",
        BARS[options.kind] if default else "",
        baseline={
            name: round(float(np.mean([one["baselines"][name]["accuracy"].value for one in found])), 4)
            for name in found[0]["baselines"]
        },
        peer=PUBLISHED,
        seconds=seconds,
        splits=[round(score.value, 4) for score in scores],
        intervals=[[round(edge, 4) for edge in score.interval] for score in scores],
        macro_f1=round(float(np.mean([one["metrics"]["macro_f1"].value for one in found])), 4),
        parameters=sum(p.numel() for p in run.model.parameters()),
        epochs=run.page["settings"]["training"]["epochs"],
        precision=run.page["settings"]["training"]["precision"],
        threads=torch.get_num_threads(),
        training_cpu_seconds=round(cpu_seconds() - used, 1),
    )


if __name__ == "__main__":
    main()
