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

import argparse
import json
import time
from pathlib import Path

import torch
from _results import claim, trained_seconds

import attentionflow as af

PUBLISHED = "0.669 FC-DenseNet103, 0.513 ENet, 0.464 SegNet (pre-trained); all on pictures of 480 x 360"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="mask-transformer")
    parser.add_argument("--out", type=Path, default=None, help="folder of the run")
    parser.add_argument("--trained", type=Path, default=None, help="score this run instead of training one")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "mask-transformer"
    if options.trained is None:
        run = af.train(
            "image-segmentation",
            "camvid",
            out=options.out or Path("runs") / f"camvid-{options.architecture}-{int(time.time())}",
            architecture=options.architecture,
            settings={"precision": "bf16"} | dict(one.split("=", 1) for one in options.set),
            quiet=True,
        )
    else:
        run = af.load(options.trained)
    on_val = {
        mirrored: run.evaluate("val", baselines=False, mirrored=mirrored)["metrics"]["miou"].value
        for mirrored in (False, True)
    }
    mirrored = on_val[True] > on_val[False]
    found = run.evaluate("test", mirrored=mirrored)
    state = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))
    settings = run.page["settings"]
    for metric, bar in (("miou", ">= 0.50"), ("pixel_accuracy", ""), ("mean_accuracy", "")):
        score = found["metrics"][metric]
        claim(
            f"image-segmentation/camvid/{'default' if default else options.architecture}/{metric}",
            score.value,
            "fraction",
            bar if default else "",
            baseline={name: scores[metric].value for name, scores in found["baselines"].items()},
            peer=PUBLISHED if metric == "miou" else None,
            seconds=trained_seconds(run.folder),
            parts={label: round(value, 4) for label, value in score.parts.items()},
            validation={"plain": round(on_val[False], 4), "mirrored too": round(on_val[True], 4)},
            mirrored=mirrored,
            pictures=found["examples"],
            parameters=sum(p.numel() for p in run.model.parameters()),
            chosen_step=state["val"]["chosen_step"],
            steps=settings["training"]["steps"] or f"{settings['training']['epochs']:g} epochs",
            precision=settings["training"]["precision"],
            size=settings["task"]["size"],
            threads=torch.get_num_threads(),
        )


if __name__ == "__main__":
    main()
