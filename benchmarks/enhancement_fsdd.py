"""Digits of FSDD in the noise of ESC-10: train from nothing, choose on val, score test once.

    OMP_NUM_THREADS=1 python benchmarks/enhancement_fsdd.py                  # on one core
    python benchmarks/enhancement_fsdd.py --architecture classic

Recordings of digits and of noise are each in one split alone; the noise is 0 to 10 dB below the speech. Settings are
those that the data set advises. Beside it stand the noisy sound itself and a Wiener filter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from _results import claim, cpu_seconds, trained_seconds
from _runs import run_in

TASK, DATA = "audio-processing/enhancement", "fsdd_noisy"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="mask-transformer")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run; one that is there is gone on with")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "mask-transformer"
    folder = options.out or Path("runs") / f"fsdd-noisy-{options.architecture}"
    used = cpu_seconds()
    settings = dict(one.split("=", 1) for one in options.set)
    run = run_in(folder, TASK, DATA, architecture=options.architecture, settings=settings)
    trained = cpu_seconds() - used
    found = run.evaluate("test")
    score = found["metrics"]["si_sdr_improvement"]
    claim(
        f"audio-processing/fsdd/enhancement/{'' if default else f'{options.architecture}/'}si_sdr_improvement",
        score.value,
        "dB",
        ">= 8" if default else "",
        baseline={name: round(scores["si_sdr_improvement"].value, 3) for name, scores in found["baselines"].items()},
        seconds=trained_seconds(run.folder),
        interval=[round(edge, 3) for edge in score.interval],
        metrics={name: round(one.value, 4) for name, one in found["metrics"].items()},
        before={name: round(one.value, 4) for name, one in found["baselines"]["the sound as it is"].items()},
        parameters=sum(p.numel() for p in run.model.parameters()),
        threads=torch.get_num_threads(),
        training_cpu_seconds=round(trained, 1),
    )


if __name__ == "__main__":
    main()
