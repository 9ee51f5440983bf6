"""A classifier of texts against a linear support vector machine on TF-IDF, in one run: both see the same texts.

The machine is also fitted to training and validation texts together, and the better of the two is what counts: with the
validation texts a user of scikit-learn would have chosen its strength and fitted it once more.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from _results import claim, cpu_seconds

import attentionflow as af
from attentionflow.tasks._simple_classifiers import support_vectors


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--max-minutes", type=float, default=None, help="by default as many epochs as the data set advises"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    return parser


def trained(task: str, data: str, given: argparse.Namespace, **more: Any) -> tuple[af.Run, dict[str, float]]:
    """The run, and the wall and CPU seconds that training took, from reading the data to the finished folder."""
    architecture = "pretrained" if "pretrained" in more else "default"
    out = given.out or Path("runs") / f"{data}-{architecture}-{int(time.time())}"
    if given.scored:
        return af.load(out), {}
    started = time.perf_counter(), cpu_seconds()
    settings = dict(one.split("=", 1) for one in given.set) | more
    run = af.train(task, data, out=out, settings=settings, seed=given.seed, max_minutes=given.max_minutes)
    return run, {"seconds": time.perf_counter() - started[0], "training_cpu_seconds": cpu_seconds() - started[1]}


def machines(run: af.Run) -> dict[str, float]:
    """Test accuracy of always the most frequent label, and of the machine, by what it was fitted to."""
    splits, _ = run.task.read(run.page["data"], run.page["seed"])
    train, val, test = (list(splits[name]) for name in ("train", "val", "test"))
    found = {}
    for name, examples in (("train", train), ("train and val", train + val)):
        texts, labels = [one.text for one in examples], [one.labels for one in examples]
        answers, how = support_vectors(texts, labels, [one.text for one in test], several=False)
        right = sum(answer == one.labels for answer, one in zip(answers, test, strict=True)) / len(test)
        found[f"support vector machine on {name}, {how}"] = round(right, 4)
    return found


def against_machines(claimed: str, task: str, data: str, given: argparse.Namespace) -> None:
    run, cost = trained(task, data, given)
    found = run.evaluate("test")
    accuracy = found["metrics"]["accuracy"]
    rivals = machines(run)
    usual = next(iter(found["baselines"]))
    claim(
        claimed,
        100 * (accuracy.value - max(rivals.values())),
        "points",
        ">= 0",
        baseline=rivals | {usual: round(found["baselines"][usual]["accuracy"].value, 4)},
        accuracy=round(accuracy.value, 4),
        interval=[round(edge, 4) for edge in accuracy.interval],
        metrics={name: round(score.value, 4) for name, score in found["metrics"].items()},
        validation=run.task.deciding,
        **cost,
    )


def above(claimed: str, bar: str, task: str, data: str, given: argparse.Namespace, pretrained: str) -> None:
    run, cost = trained(task, data, given, pretrained=pretrained)
    found = run.evaluate("test")
    accuracy = found["metrics"]["accuracy"]
    claim(
        claimed,
        accuracy.value,
        "accuracy",
        bar,
        baseline={name: round(scores["accuracy"].value, 4) for name, scores in found["baselines"].items()},
        interval=[round(edge, 4) for edge in accuracy.interval],
        metrics={name: round(score.value, 4) for name, score in found["metrics"].items()},
        **cost,
    )
