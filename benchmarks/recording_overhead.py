"""What recording costs: beam-5 prediction of the Multi30k test set with and without the head mean of every
cross-attention site, in turns, and whether any output differs.

    python benchmarks/recording_overhead.py RUN
"""

from __future__ import annotations

import statistics
import sys
import time

from _results import claim

import attentionflow as af
from attentionflow.task import Prediction

ROUNDS = 7
SENTENCES = 1000
OPTIONS = {"beams": 5}


def predict(run: af.Run, texts: list[str], record: bool) -> tuple[list[tuple[str, float]], float]:
    """(output, score) of every sentence, and seconds."""
    started = time.perf_counter()
    if record:
        found: dict[int, Prediction] = {}
        for rows, predictions, made in run.predict_recorded(texts, options=OPTIONS, roles=("cross",), heads="mean"):
            assert len(made.sites) == len(made.select(role="cross")) >= 1
            assert len(made) == len(rows)
            found |= zip(rows, predictions, strict=True)
        predictions = [found[row] for row in range(len(texts))]
    else:
        predictions = run.predict(texts, **OPTIONS)
    return [(p.output, p.score) for p in predictions], time.perf_counter() - started


def main() -> None:
    run = af.load(sys.argv[1])
    texts = [pair.source for pair in run.task.read("multi30k", 0)[0]["test"]][:SENTENCES]
    expected, _ = predict(run, texts, False)
    predict(run, texts, True)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for record in (False, True):
            outputs, taken = predict(run, texts, record)
            seconds[record].append(taken)
            assert outputs == expected, "recording changed an output"
    plain, recorded = (statistics.median(seconds[record]) for record in (False, True))
    name = "default" if run.page["architecture"] == "transformer" else run.page["architecture"]
    claim(
        f"recording/multi30k/{name}/overhead",
        recorded / plain,
        "x",
        "<= 1.1",
        baseline={"seconds without recording": plain, "seconds with": recorded},
        rounds=ROUNDS,
        sentences=len(texts),
    )


if __name__ == "__main__":
    main()
