"""TVSum, the key frames of 20 films: leave one out, train on the others, and ask how its scores go with each person's.

    python benchmarks/video_tvsum.py                             # 20 runs of seconds each
    python benchmarks/video_tvsum.py --architecture classic

Settings are those that the data set advises, and the epochs are fixed: with one validation, at the end, the test film
has no part in what is kept. The figure is the mean over films of the mean over the 20 people, with an interval by
resampling films. A run that is there already is gone on with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from _results import claim, cpu_seconds, trained_seconds
from _runs import run_in

from attentionflow.datasets import load_dataset
from attentionflow.tasks._ranking import bootstrap

PEOPLE = "people among themselves"
WHOLE_FILMS = {
    "kendall_tau": "0.177 people among themselves, 0.042 dppLSTM, 0.020 DR-DSN; on whole films (Otani et al. 2019)",
    "spearman_rho": "0.204 people among themselves, 0.055 dppLSTM, 0.026 DR-DSN; on whole films (Otani et al. 2019)",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="local-global")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of the runs")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    name = "default" if options.architecture == "local-global" else options.architecture
    used, seconds, found = cpu_seconds(), 0.0, []
    for fold in range(1, load_dataset("tvsum").folds + 1):
        out = options.out / f"tvsum-{options.architecture}-{fold}"
        settings = {"fold": fold} | dict(one.split("=", 1) for one in options.set)
        own = {"architecture": options.architecture, "settings": settings}
        run = run_in(out, "video-processing", "tvsum", device="cpu", quiet=True, **own)
        seconds += trained_seconds(run.folder)
        found.append(run.evaluate("test"))
    for metric, peer in WHOLE_FILMS.items():
        values = np.array([one["metrics"][metric].value for one in found])
        low, high = bootstrap(values)
        baselines = {
            method: np.array([one["baselines"][method][metric].value for one in found])
            for method in found[0]["baselines"]
        }
        claim(
            f"video-processing/tvsum/{name}/{metric}",
            float(values.mean()),
            "rank correlation",
            "",
            baseline={method: round(float(own.mean()), 4) for method, own in baselines.items()},
            peer=peer,
            seconds=seconds,
            interval=[round(low, 4), round(high, 4)],
            intervals_of_baselines={
                method: [round(edge, 4) for edge in bootstrap(own)] for method, own in baselines.items()
            },
            above_people=int((values > baselines[PEOPLE]).sum()),
            films=[round(value, 4) for value in values],
            parameters=sum(p.numel() for p in run.model.parameters()),
            epochs=run.page["settings"]["training"]["epochs"],
            threads=torch.get_num_threads(),
            training_cpu_seconds=round(cpu_seconds() - used, 1),
        )


if __name__ == "__main__":
    main()
