"""ETTh1 by the published protocol: train from nothing on this machine, choose on validation, score the test set once.

    python benchmarks/forecasting_etth1.py                          # four horizons, three seeds
    python benchmarks/forecasting_etth1.py --horizons 96 --seeds 0
    python benchmarks/forecasting_etth1.py --architecture classic

MSE and MAE are those of the literature: on values scaled by mean and deviation of the training part, over all seven
series and every window of the test part (2,785 at horizon 96), none dropped. The baselines of `evaluate` stand beside
them. Settings are those that the data set advises for the architecture, the same for all horizons.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from _results import claim, trained_seconds
from _runs import run_in

# Mean of three seeds; PatchTST/42 and DLinear are from Nie et al. 2023, with a look-back of 336.
BARS = {96: 0.375, 192: 0.415, 336: 0.430, 720: 0.450}
PUBLISHED = {
    96: {"PatchTST/64": 0.370, "PatchTST/42": 0.375, "DLinear": 0.375},
    192: {"PatchTST/64": 0.413, "PatchTST/42": 0.414, "DLinear": 0.405},
    336: {"PatchTST/64": 0.422, "PatchTST/42": 0.431, "DLinear": 0.439},
    720: {"PatchTST/64": 0.447, "PatchTST/42": 0.449, "DLinear": 0.472},
}
MINUTES = 20  # for all four horizons of one seed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--horizons", type=int, nargs="+", default=[*BARS], choices=BARS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--architecture", default="patch-transformer")
    parser.add_argument("--out", type=Path, default=None, help="folder of the runs; those there are finished")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    out = options.out or Path("runs") / f"etth1-{options.architecture}-{int(time.time())}"
    settings = dict(one.split("=", 1) for one in options.set)
    default = options.architecture == "patch-transformer"
    name = "" if default else f"{options.architecture}/"
    seconds: dict[int, float] = dict.fromkeys(options.seeds, 0.0)
    for horizon in options.horizons:
        found, runs = [], []
        for seed in options.seeds:
            folder = out / f"{horizon}-{seed}"
            given = {"architecture": options.architecture, "settings": {"horizon": horizon, **settings}, "seed": seed}
            run = run_in(folder, "time-series-forecasting", "etth1", quiet=True, **given)
            runs.append(run)
            found.append(run.evaluate("test", baselines=seed == options.seeds[-1]))
            seconds[seed] += trained_seconds(run.folder)
        val = [json.loads((out / f"{horizon}-{seed}" / "metrics.json").read_text())["val"] for seed in options.seeds]
        each = {metric: [one["metrics"][metric].value for one in found] for metric in found[0]["metrics"]}
        baselines = found[-1]["baselines"]
        claim(
            f"time-series-forecasting/etth1/{name}{horizon}/mse",
            float(np.mean(each["mse"])),
            "MSE, scaled",
            f"<= {BARS[horizon]}" if default else "",
            baseline={method: scores["mse"].value for method, scores in baselines.items()},
            peer=PUBLISHED[horizon],
            seconds=sum(trained_seconds(run.folder) for run in runs),
            seeds=options.seeds,
            threads=torch.get_num_threads(),
            windows=found[0]["examples"],
            each_seed={metric: [round(value, 5) for value in values] for metric, values in each.items()},
            mean={metric: round(float(np.mean(values)), 5) for metric, values in each.items()},
            corrected=[one.task.corrected for one in runs],
            validation_mse=[round(one["metrics"]["mse"]["value"], 5) for one in val],
            mae_of_baselines={method: round(scores["mae"].value, 4) for method, scores in baselines.items()},
        )
    if default and set(options.horizons) == set(BARS):
        claim(
            "time-series-forecasting/etth1/default/minutes_a_seed",
            float(np.mean([*seconds.values()])) / 60,
            "min",
            f"<= {MINUTES}",
            horizons=options.horizons,
            threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
