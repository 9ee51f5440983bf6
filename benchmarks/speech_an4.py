"""AN4 from nothing on this machine: train, choose on validation, score the official test set once.

    python benchmarks/speech_an4.py                                  # the default architecture, as the data set advises
    python benchmarks/speech_an4.py --architecture classic
    python benchmarks/speech_an4.py --out RUN --scored               # a run that was trained already

130 test utterances of 10 speakers, 773 words. The published figure is from the sound, with speed perturbation; the data
here are the 13 mel cepstra that the set is distributed with. Only words of the training texts are written: words=known,
like the other options of prediction, was chosen on validation.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from _results import claim, trained_seconds

import attentionflow as af

PUBLISHED = {
    "wer": {"ESPnet transformer": 0.074, "without language model": 0.076},
    "cer": {"ESPnet transformer": 0.036},
}
BAR = 0.12  # of the default architecture's WER


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="conformer")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument(
        "--option", action="append", default=["words=known"], help="of prediction; chosen on validation"
    )
    parser.add_argument("--scored", action="store_true", help="--out holds the trained run already")
    options = parser.parse_args()
    out = options.out or Path("runs") / f"an4-{options.architecture}-{int(time.time())}"
    if options.scored:
        run = af.load(out)
    else:
        settings = dict(one.split("=", 1) for one in options.set)
        run = af.train(
            "speech-recognition",
            "an4",
            out=out,
            architecture=options.architecture,
            seed=options.seed,
            settings=settings,
        )
    trained = trained_seconds(out)
    chosen = dict(one.split("=", 1) for one in options.option)
    val = run.evaluate("val", baselines=False, **chosen)["metrics"]
    found = run.evaluate("test", **chosen)
    name = "default" if run.page["architecture"] == "conformer" else run.page["architecture"]
    for metric in ("wer", "cer", "exact_match"):
        score = found["metrics"][metric]
        claim(
            f"speech-recognition/an4/{name}/{metric}",
            score.value,
            "",
            f"<= {BAR}" if (name, metric) == ("default", "wer") else "",
            baseline={key: scores[metric].value for key, scores in found["baselines"].items()},
            peer=PUBLISHED.get(metric),
            seconds=trained,
            steps=run.page["settings"]["training"]["steps"] or run.page["settings"]["training"]["epochs"],
            interval=[round(edge, 4) for edge in score.interval or ()],
            counted=score.signature,
            val=val[metric].value,
            options=chosen,
            settings=run.page["settings"],
        )


if __name__ == "__main__":
    main()
