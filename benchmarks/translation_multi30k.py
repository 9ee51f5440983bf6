"""Multi30k English to German from nothing on this machine: train, choose on validation, score the test set once.

    python benchmarks/translation_multi30k.py transformer --max-minutes 42
    python benchmarks/translation_multi30k.py classic --max-minutes 42
    python benchmarks/translation_multi30k.py transformer --out RUN --scored   # a run that this script has trained

The published protocol (README of LividWo/Revisit-MMT) scores lower-cased text, punctuation normalised and tokenised by
the Moses scripts, as multi-bleu does. Our models are trained on the raw cased text; their output and the reference are
both lower-cased, normalised and tokenised by sacremoses, then scored by sacrebleu without further tokenising, which is
the same number. The cased, detokenised sacrebleu figure stands beside it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from _results import claim, trained_seconds
from sacrebleu.metrics.bleu import BLEU, BLEUScore
from sacremoses import MosesPunctNormalizer, MosesTokenizer

import attentionflow as af

BARS = {"transformer": ("default", 41.0), "classic": ("classic", 36.0)}


def moses(texts: Sequence[str], language: str) -> list[str]:
    """Lower-cased, normalised, tokenised, one string a text; the order of the data set's own script."""
    normalizer, tokenizer = MosesPunctNormalizer(language), MosesTokenizer(language)
    return [tokenizer.tokenize(normalizer.normalize(text.lower()), return_str=True) for text in texts]


def published_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[BLEUScore, str]:
    """The score, and sacrebleu's signature of it."""
    metric = BLEU(tokenize="none", force=True)
    score = metric.corpus_score(moses(hypotheses, "de"), [moses(references, "de")], n_bootstrap=1000)
    return score, str(metric.get_signature())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("architecture", choices=BARS)
    parser.add_argument("--max-minutes", type=float, default=42)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"multi30k-{options.architecture}-{int(time.time())}"
    if options.scored:
        run = af.load(out)
    else:
        run = af.train(
            "translation",
            "multi30k",
            out=out,
            architecture=options.architecture,
            max_minutes=options.max_minutes,
            seed=options.seed,
            settings=dict(one.split("=", 1) for one in options.set),
        )
    trained = trained_seconds(out)
    found = run.evaluate("test")
    test = run.task.read("multi30k", options.seed)[0]["test"]
    hypotheses = [p.output for p in run.predict([pair.source for pair in test])]
    published, signature = published_bleu(hypotheses, [pair.target for pair in test])
    name, bar = BARS[options.architecture]
    claim(
        f"translation/multi30k/{name}/bleu",
        published.score,
        "BLEU",
        f">= {bar}",
        baseline={key: scores["bleu"].value for key, scores in found["baselines"].items()},
        peer={"published Transformer-tiny": 41.02},
        seconds=trained,
        steps=run.page["settings"]["training"]["steps"],
        interval=[round(float(published._mean - published._ci), 2), round(float(published._mean + published._ci), 2)],
        protocol="lower-cased, normalised, tokenised by sacremoses, " + signature,
        cased_detokenised={key: [score.value, score.signature] for key, score in found["metrics"].items()},
    )


if __name__ == "__main__":
    main()
