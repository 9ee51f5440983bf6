"""The run that a benchmark of quality scores: trained from nothing on a named data set, or there already."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from _results import cpu_seconds, trained_seconds

import attentionflow as af
from attentionflow._checkpoint import METRICS, MODEL, STATE, read_json

BOTH = {"device", "quiet"}  # choices of a new run and of one that is gone on with


def asked_run(task: str, data: str, default: str) -> tuple[af.Run, str, dict[str, Any]]:
    """As the command line asks: the run, what a claim calls it ("default" or its architecture), and facts for claims.

    Trained in bfloat16 unless --set says otherwise, with the settings that the data set advises.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default=default)
    parser.add_argument("--max-minutes", type=float, default=None, help="by default as many epochs as the set advises")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run")
    parser.add_argument("--trained", type=Path, default=None, help="score this run instead of training one")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    more = {}
    if options.trained is None:
        used = cpu_seconds()
        run = af.train(
            task,
            data,
            out=options.out or Path("runs") / f"{data}-{options.architecture}-{int(time.time())}",
            architecture=options.architecture,
            settings={"precision": "bf16"} | dict(one.split("=", 1) for one in options.set),
            max_minutes=options.max_minutes,
        )
        more["training_cpu_seconds"] = round(cpu_seconds() - used, 1)
    else:
        run = af.load(options.trained)
    architecture, training = run.page["architecture"], run.page["settings"]["training"]
    facts = {
        "seconds": trained_seconds(run.folder),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "chosen_step": read_json(run.folder / METRICS)["val"]["chosen_step"],
        "steps": training["steps"] or f"{training['epochs']:g} epochs",
        "precision": training["precision"],
        "threads": torch.get_num_threads(),
    }
    return run, "default" if architecture == default else architecture, facts | more


def run_in(folder: Path, task: str, data: str, **choices: Any) -> af.Run:
    """The run in the folder; one that was stopped is gone on with, and one that is not there is trained.

    choices: how a new one is, as `train` takes them: architecture, settings, seed; device and quiet go for both.
    """
    if (folder / MODEL).exists():
        return af.load(folder)
    if (folder / STATE).exists():
        return af.train(task, out=folder, resume=True, **{name: choices[name] for name in BOTH & choices.keys()})
    return af.train(task, data, out=folder, **choices)


def on_validation(run: af.Run, metric: str) -> float:
    """As training left it, over the whole split."""
    return round(read_json(run.folder / METRICS)["val"]["metrics"][metric]["value"], 4)
