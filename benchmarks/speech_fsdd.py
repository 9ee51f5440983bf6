"""Spoken digits from nothing on this machine: trained on strings, scored on strings and on single digits, each once.

    python benchmarks/speech_fsdd.py                                 # the default architecture, as the data set advises
    python benchmarks/speech_fsdd.py --architecture classic
    python benchmarks/speech_fsdd.py --out RUN --scored              # a run that was trained already

Trained on strings joined from the training recordings alone, chosen on strings of the validation recordings. Scored on
the official test: its 300 recordings one by one (accuracy), and 600 strings of 3 to 7 of them (strings with any error).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from _results import claim, trained_seconds

import attentionflow as af
from attentionflow.task import Score

BARS = {"accuracy": ">= 0.99"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="conformer")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--option", action="append", default=[], help="a prediction option, chosen on validation")
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"fsdd-{options.architecture}-{int(time.time())}"
    if options.scored:
        run = af.load(out)
    else:
        settings = dict(one.split("=", 1) for one in options.set)
        run = af.train(
            "speech-recognition",
            "fsdd_strings",
            out=out,
            architecture=options.architecture,
            seed=options.seed,
            settings=settings,
        )
    trained = trained_seconds(out)
    chosen = dict(one.split("=", 1) for one in options.option)
    strings, digits = run.evaluate("test", **chosen), run.evaluate("test", data="fsdd", **chosen)
    figures = {
        "accuracy": (digits, lambda scores: scores["exact_match"]),
        "string_error_rate": (strings, lambda scores: _rest(scores["exact_match"])),
        "wer": (strings, lambda scores: scores["wer"]),
    }
    name = "default" if run.page["architecture"] == "conformer" else run.page["architecture"]
    for metric, (found, of) in figures.items():
        score = of(found["metrics"])
        claim(
            f"speech-recognition/fsdd/{name}/{metric}",
            score.value,
            "",
            BARS.get(metric, "") if name == "default" else "",
            baseline={key: of(scores).value for key, scores in found["baselines"].items()},
            peer={"CNN, older release, random split": 0.97} if metric == "accuracy" else None,
            seconds=trained,
            interval=[round(edge, 4) for edge in score.interval or ()],
            counted=score.signature,
            options=chosen,
            settings=run.page["settings"],
        )


def _rest(score: Score) -> Score:
    """The share that is left: strings with an error, of those without."""
    low, high = score.interval or (score.value, score.value)
    return Score(1 - score.value, "", (1 - high, 1 - low), f"right: {score.signature}")


if __name__ == "__main__":
    main()
