"""Tiny Shakespeare, character by character: train from nothing on this machine, score the last 10 % of the text once.

    python benchmarks/generation_tinyshakespeare.py
    python benchmarks/generation_tinyshakespeare.py --architecture classic
    python benchmarks/generation_tinyshakespeare.py --out RUN --scored   # a run that this script has trained

The text is split as nanoGPT splits it; the weights are chosen on the last 5 % of its training part. Every character of
the last 10 % is scored once, by windows of 256 that overlap by half, so that each but the first has at least 128
before it; nanoGPT averages over random windows without overlap, whose first characters have less. Settings are those
that the data set advises.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import torch
from _results import claim, trained_seconds

import attentionflow as af

BAR = 1.55  # nats a character
PUBLISHED = {"nanoGPT, 10.6 M parameters, one A100": 1.4697, "nanoGPT, 0.8 M parameters, CPU": 1.88}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="transformer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"tinyshakespeare-{options.architecture}-{int(time.time())}"
    more = {}
    if options.scored:
        run = af.load(out)
    else:
        used = resource.getrusage(resource.RUSAGE_SELF)
        run = af.train(
            "text-generation",
            "tinyshakespeare",
            out=out,
            architecture=options.architecture,
            seed=options.seed,
            settings=dict(one.split("=", 1) for one in options.set),
        )
        now = resource.getrusage(resource.RUSAGE_SELF)
        more["training_cpu_minutes"] = round((now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) / 60, 1)
    found = run.evaluate("test")
    default = options.architecture == "transformer"
    claim(
        f"text-generation/tinyshakespeare/{'default' if default else options.architecture}/nats",
        found["metrics"]["nats"].value,
        "nats a character",
        f"<= {BAR}" if default else "",
        baseline={name: scores["nats"].value for name, scores in found["baselines"].items()},
        peer=PUBLISHED,
        seconds=trained_seconds(out),
        threads=torch.get_num_threads(),
        parameters=sum(p.numel() for p in run.model.parameters()),
        steps=run.page["settings"]["training"]["steps"],
        epochs=run.page["settings"]["training"]["epochs"],
        metrics={name: [round(score.value, 5), score.signature] for name, score in found["metrics"].items()},
        **more,
    )


if __name__ == "__main__":
    main()
