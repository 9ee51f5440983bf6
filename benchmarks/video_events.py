"""Films in which the unusual matters (passing_shapes, made here): train from nothing, choose on val, score test once.

    python benchmarks/video_events.py                            # bfloat16, for CPUs that compute it
    python benchmarks/video_events.py --set precision=no
    python benchmarks/video_events.py --architecture classic
    python benchmarks/video_events.py --trained runs/events      # a run that is there already

An event is found where what was found and what is known share at least half of what both cover. The score from which a
moment belongs to an event is chosen on val; those of the baselines on train.
"""

from __future__ import annotations

from _results import claim
from _runs import asked_run, on_validation

BARS = {"event_f1": ">= 0.95", "event_precision": ">= 0.95", "event_recall": ">= 0.95", "spearman_rho": ""}


def main() -> None:
    run, name, facts = asked_run("video-processing", "passing_shapes", "local-global")
    found = run.evaluate("test")
    for metric, bar in BARS.items():
        score = found["metrics"][metric]
        claim(
            f"video-processing/generated/{name}/{metric}",
            score.value,
            "fraction" if metric != "spearman_rho" else "rank correlation",
            bar if name == "default" else "",
            baseline={method: round(scores[metric].value, 4) for method, scores in found["baselines"].items()},
            interval=[round(edge, 4) for edge in score.interval],
            validation=on_validation(run, metric),
            films=found["examples"],
            **facts,
        )


if __name__ == "__main__":
    main()
