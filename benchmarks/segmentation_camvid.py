"""Street scenes (CamVid), the split of SegNet: train from nothing on this machine, choose on val, score test once.

    python benchmarks/segmentation_camvid.py                          # bfloat16, for CPUs that compute it
    python benchmarks/segmentation_camvid.py --set precision=no
    python benchmarks/segmentation_camvid.py --architecture classic
    python benchmarks/segmentation_camvid.py --trained runs/camvid    # a run that is there already

Trained on pictures of 240 x 180 pixels, scored on masks of 480 x 360 over 11 classes. Settings are those that the data
set advises for the architecture. Whether the mirrored picture is asked too is chosen on val. The baselines of
`evaluate` stand beside the score.
"""

from __future__ import annotations

from _results import claim
from _runs import asked_run

PUBLISHED = "0.669 FC-DenseNet103, 0.513 ENet, 0.464 SegNet (pre-trained); all on pictures of 480 x 360"


def main() -> None:
    run, name, facts = asked_run("image-segmentation", "camvid", "mask-transformer")
    on_val = {
        mirrored: run.evaluate("val", baselines=False, mirrored=mirrored)["metrics"]["miou"].value
        for mirrored in (False, True)
    }
    mirrored = on_val[True] > on_val[False]
    found = run.evaluate("test", mirrored=mirrored)
    for metric, bar in (("miou", ">= 0.50"), ("pixel_accuracy", ""), ("mean_accuracy", "")):
        score = found["metrics"][metric]
        claim(
            f"image-segmentation/camvid/{name}/{metric}",
            score.value,
            "fraction",
            bar if name == "default" else "",
            baseline={method: scores[metric].value for method, scores in found["baselines"].items()},
            peer=PUBLISHED if metric == "miou" else None,
            parts={label: round(value, 4) for label, value in score.parts.items()},
            validation={"plain": round(on_val[False], 4), "mirrored too": round(on_val[True], 4)},
            mirrored=mirrored,
            pictures=found["examples"],
            size=run.page["settings"]["task"]["size"],
            **facts,
        )


if __name__ == "__main__":
    main()
