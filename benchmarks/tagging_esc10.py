"""ESC-10: five networks from nothing, one for each official fold, which it never sees; the mean of their accuracies.

    OMP_NUM_THREADS=1 python benchmarks/tagging_esc10.py                     # bfloat16, for CPUs that compute it
    python benchmarks/tagging_esc10.py --set precision=no --architecture classic

Epochs and all settings are fixed beforehand: those that the data set advises. One of them, mix-up of log-mel and not of
power, was chosen on fold 4 after training on folds 1 to 3; fold 5 had no part in it, so its accuracy is told apart.
A run that is there already is scored, and one that was stopped is gone on with.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from _results import claim, cpu_seconds, trained_seconds
from _runs import run_in

from attentionflow.tasks._label_scores import wilson

TASK, DATA, FOLDS = "audio-processing/tagging", "esc10", 5
PUBLISHED = "people 0.957, random forest on cepstra 0.727 (Piczak 2015)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="spectrogram-transformer")
    parser.add_argument("--out", type=Path, default=None, help="folder of the five runs")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "spectrogram-transformer"
    out = options.out or Path("runs") / f"esc10-{options.architecture}"
    settings = {"precision": "bf16"} | dict(one.split("=", 1) for one in options.set)
    used, scores, baselines, seconds = cpu_seconds(), [], [], 0.0
    for fold in range(1, FOLDS + 1):
        own = {**settings, "fold": fold}
        run = run_in(out / f"fold{fold}", TASK, DATA, architecture=options.architecture, settings=own)
        found = run.evaluate("test")
        scores.append(found["metrics"])
        baselines.append(found["baselines"])
        seconds += trained_seconds(run.folder)
        print(f"fold {fold}: {found['metrics']['accuracy'].value:.4f}")
    values = [score["accuracy"].value for score in scores]
    examples = FOLDS * found["examples"]
    page = json.loads((run.folder / "settings.json").read_text(encoding="utf-8"))["settings"]
    claim(
        f"audio-processing/esc10/tagging/{'' if default else f'{options.architecture}/'}accuracy",
        float(np.mean(values)),
        "accuracy",
        ">= 0.85" if default else "",
        baseline={
            name: round(float(np.mean([one[name]["accuracy"].value for one in baselines])), 4) for name in baselines[0]
        },
        peer=PUBLISHED,
        seconds=seconds,
        interval=[round(edge, 4) for edge in wilson(round(float(np.mean(values)) * examples), examples)],
        folds=[round(value, 4) for value in values],
        macro_f1=round(float(np.mean([score["macro_f1"].value for score in scores])), 4),
        parameters=sum(p.numel() for p in run.model.parameters()),
        epochs=page["training"]["epochs"],
        precision=page["training"]["precision"],
        threads=torch.get_num_threads(),
        training_cpu_seconds=round(cpu_seconds() - used, 1),
    )


if __name__ == "__main__":
    main()
