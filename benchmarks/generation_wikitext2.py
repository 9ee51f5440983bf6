"""WikiText-2, word by word: train from nothing on this machine, choose on validation, score the test part once.

    python benchmarks/generation_wikitext2.py transformer
    python benchmarks/generation_wikitext2.py classic
    python benchmarks/generation_wikitext2.py transformer --out RUN --scored   # a run that this script has trained

Perplexity is that of the literature: words between blanks, the end of each line as one, the vocabulary of the training
part (33,278), every word of the test part scored once. Windows of 128 words overlap by half, so that each word but the
first has at least 64 before it. The claim is made by the architecture that is better on the validation part, by hand.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from _results import claim, trained_seconds

import attentionflow as af

BAR = 150.0
PUBLISHED = {"AWD-LSTM": 65.8, "AWD-LSTM with a cache pointer": 52.0}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("architecture", choices=["transformer", "classic"])
    parser.add_argument("--max-minutes", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    parser.add_argument("--claim", default="best", help="what the claim is called; another name has no bar")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"wikitext2-{options.architecture}-{int(time.time())}"
    if options.scored:
        run = af.load(out)
    else:
        run = af.train(
            "text-generation",
            "wikitext2",
            out=out,
            architecture=options.architecture,
            max_minutes=options.max_minutes,
            seed=options.seed,
            settings=dict(one.split("=", 1) for one in options.set),
        )
    found = run.evaluate("test")
    claim(
        f"text-generation/wikitext2/{options.claim}/perplexity",
        found["metrics"]["perplexity"].value,
        "perplexity a word",
        f"<= {BAR}" if options.claim == "best" else "",
        baseline={name: scores["perplexity"].value for name, scores in found["baselines"].items()},
        peer=PUBLISHED,
        seconds=trained_seconds(out),
        architecture=options.architecture,
        threads=torch.get_num_threads(),
        parameters=sum(p.numel() for p in run.model.parameters()),
        steps=run.page["settings"]["training"]["steps"],
        epochs=run.page["settings"]["training"]["epochs"],
    )


if __name__ == "__main__":
    main()
