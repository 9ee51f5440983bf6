"""DailyDialog from nothing on this machine: train, choose on validation, score the test set once.

    python benchmarks/dialogue_dailydialog.py classic
    python benchmarks/dialogue_dailydialog.py transformer
    python benchmarks/dialogue_dailydialog.py transformer --out RUN --scored   # a run that this script has trained

The steps are those that the data set advises, so that a run is the same on every machine; `--max-minutes` makes a
shorter one. Training dialogues that are in the validation or test split too are left out. Perplexity is by word, the
end of a reply counted as one, so that architectures with other units compare; the bar of the transformer is what the
classic scored. Replies are greedy; BLEU and distinct-n are stated with their definition, and beside the commonest reply
of training given every time, since such figures say little about dialogue.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from _results import LINES, claim, trained_seconds

import attentionflow as af

NAMES = {"transformer": "default", "classic": "classic"}
LEAST_RECALL = 0.45


def newest(name: str) -> float | None:
    """The value that was last written down for a claim."""
    lines = [json.loads(line) for line in LINES.read_text(encoding="utf-8").splitlines()]
    return next((line["value"] for line in reversed(lines) if line["claim"] == name), None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("architecture", choices=NAMES)
    parser.add_argument("--max-minutes", type=float)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"dailydialog-{options.architecture}-{int(time.time())}"
    if options.scored:
        run = af.load(out)
    else:
        run = af.train(
            "dialogue",
            "dailydialog",
            out=out,
            architecture=options.architecture,
            max_minutes=options.max_minutes,
            seed=options.seed,
            settings=dict(one.split("=", 1) for one in options.set),
        )
    found = run.evaluate("test")
    name = f"dialogue/dailydialog/{NAMES[options.architecture]}"
    classic = (
        newest("dialogue/dailydialog/classic/word_perplexity") if NAMES[options.architecture] == "default" else None
    )
    bars = {"recall_at_1_of_10": f">= {LEAST_RECALL}"} if NAMES[options.architecture] == "default" else {}
    bars |= {"word_perplexity": f"<= {classic}"} if classic is not None else {}
    common: dict[str, Any] = {
        "seconds": trained_seconds(out),
        "steps": run.page["settings"]["training"]["steps"],
        "replies": found["examples"],
        "notes": found["notes"],
    }
    for metric, score in found["metrics"].items():
        claim(
            f"{name}/{metric}",
            score.value,
            {"recall_at_1_of_10": "share", "word_perplexity": "a word"}.get(metric, ""),
            bars.get(metric, ""),
            baseline={key: scores[metric].value for key, scores in found["baselines"].items()},
            peer={"classic": classic} if metric == "word_perplexity" and classic is not None else None,
            interval=[round(edge, 4) for edge in score.interval] if score.interval else None,
            definition=score.signature,
            **common,
        )


if __name__ == "__main__":
    main()
