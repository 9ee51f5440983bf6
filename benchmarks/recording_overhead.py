"""What recording costs: beam-5 prediction of 300 sentences of the Multi30k test set with and without the head mean of
every cross-attention site, in turns, and whether any output differs.

    python benchmarks/recording_overhead.py RUN
"""

from __future__ import annotations

import statistics
import sys
import time

from _results import claim

import attentionflow as af
from attentionflow._predict import predict_batches, record_predictions

ROUNDS = 5
SENTENCES = 300


def predict(run: af.Run, examples: list, record: bool) -> tuple[list[tuple[int, str, float]], float]:
    """(row, output, score) of every sentence, and seconds."""
    prepared, _ = run.task.prepare(examples, training=False)
    started = time.perf_counter()
    found, batch = [], []
    sizes = [len(indices) for indices in run.task.batches(prepared, 0, None)]
    for item in predict_batches(run.task, run.model, prepared, examples, run.options({"beams": 5})):
        batch.append(item)
        if len(batch) == sizes[0]:
            if record:
                rows, predictions = zip(*batch, strict=True)
                chosen = [examples[row] for row in rows]
                made = record_predictions(run.task, run.model, chosen, predictions, roles=("cross",), heads="mean")
                assert len(made.sites) == len(made.select(role="cross")) >= 1
            found += batch
            batch, sizes = [], sizes[1:]
    return [(row, p.output, p.score) for row, p in found], time.perf_counter() - started


def main() -> None:
    run = af.load(sys.argv[1])
    examples = list(run.task.read("multi30k", 0)[0]["test"])[:SENTENCES]
    expected, _ = predict(run, examples, False)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for record in (False, True):
            outputs, taken = predict(run, examples, record)
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
        sentences=len(examples),
    )


if __name__ == "__main__":
    main()
