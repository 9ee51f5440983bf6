"""Omniglot, the smaller protocol: train on both small background sets, choose on alphabets held out, score the 20
one-shot runs once.

    OMP_NUM_THREADS=1 python benchmarks/recognition_omniglot.py             # on one core, about 25 minutes of it
    python benchmarks/recognition_omniglot.py --set precision=no            # for CPUs that do not compute bfloat16
    python benchmarks/recognition_omniglot.py --trained runs/omniglot       # a run that is there already

Each run shows 20 characters of an alphabet that training never saw, each drawn once by one person, and asks about 20
drawings by another. Beside the error stands how well a character is told from one that is not shown: the area under the
ROC curve of the greatest similarity, with each character once shown and once taken out.
"""

from __future__ import annotations

from _results import claim
from _runs import asked_run, on_validation

PUBLISHED = (
    "error 0.301 prototypical network, 0.042 Bayesian program learning, both on these sets (Lake et al. 2019); 0.388 "
    "modified Hausdorff distance (demo of the set); 0.045 people (Lake et al. 2015)"
)


def main() -> None:
    run, name, facts = asked_run("image-recognition", "omniglot", "patch-matcher")
    found = run.evaluate("test")
    error, auroc = found["metrics"]["error"], found["metrics"]["open_set_auroc"]
    claim(
        f"image-recognition/omniglot/{name}/error",
        error.value,
        "error",
        "<= 0.25" if name == "default" else "",
        baseline={method: round(scores["error"].value, 4) for method, scores in found["baselines"].items()},
        peer=PUBLISHED,
        interval=[round(edge, 4) for edge in error.interval],
        metrics={metric: round(one.value, 4) for metric, one in found["metrics"].items()},
        parts={part: round(value, 4) for part, value in error.parts.items()},
        validation=on_validation(run, "error"),
        **facts,
    )
    claim(
        f"image-recognition/omniglot/{name}/open_set_auroc",
        auroc.value,
        "AUROC",
        "",
        baseline={method: round(scores["open_set_auroc"].value, 4) for method, scores in found["baselines"].items()},
        seconds=facts["seconds"],
        threshold=round(run.task.threshold, 4),
        open_set_error=round(found["metrics"]["open_set_error"].value, 4),
    )


if __name__ == "__main__":
    main()
