"""Blood cells (BCCD), the official split: train from nothing on this machine, choose on val, score test once.

    python benchmarks/detection_bccd.py                          # bfloat16, for CPUs that compute it
    python benchmarks/detection_bccd.py --set precision=no
    python benchmarks/detection_bccd.py --architecture classic
    python benchmarks/detection_bccd.py --trained runs/bccd      # a run that is there already

Settings are those that the data set advises for the architecture. The baselines of `evaluate` stand beside the score.
"""

from __future__ import annotations

from _results import claim
from _runs import asked_run, on_validation

PUBLISHED = "0.8535 CNN (Joshi et al. 2022), 0.9043 YOLOv8n, pre-trained (Yang et al.); other splits"


def main() -> None:
    run, name, facts = asked_run("object-detection", "bccd", "proposal-transformer")
    found = run.evaluate("test")
    for metric, bar in (("map50", ">= 0.84"), ("map", "")):
        score = found["metrics"][metric]
        claim(
            f"object-detection/bccd/{name}/{metric}",
            score.value,
            "mAP@0.5" if metric == "map50" else "mAP@0.5:0.95",
            bar if name == "default" else "",
            baseline={method: scores[metric].value for method, scores in found["baselines"].items()},
            peer=PUBLISHED if metric == "map50" else None,
            parts={label: round(value, 4) for label, value in score.parts.items()},
            validation=on_validation(run, metric),
            pictures=found["examples"],
            size=run.page["settings"]["task"]["size"],
            **facts,
        )


if __name__ == "__main__":
    main()
