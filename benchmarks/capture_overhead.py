"""What it costs to capture the head means of all layers of a model of BERT-base's size: seconds of a forward pass with
plain SDPA, captured, and with eager attention and output_attentions=True, in turns; and the memory of each.

    python benchmarks/capture_overhead.py            both lengths, every figure in a process of its own
    python benchmarks/capture_overhead.py --only 512
    python benchmarks/capture_overhead.py 512 5      one length, so many rounds
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from _results import claim

LENGTHS = {512: (15, "<= 1.2"), 2048: (7, "<= 1.4")}  # rounds, bar
VARIANTS = ("sdpa", "captured", "eager")
MIB = 2**20


def variants(length: int) -> dict[str, Callable[[], Any]]:
    import torch
    from transformers import BertConfig, BertModel

    from attentionflow import hf

    torch.manual_seed(0)
    model = BertModel(BertConfig(max_position_embeddings=length)).eval()
    inputs = {"input_ids": torch.randint(1000, 20000, (1, length))}

    def plain() -> Any:
        model.set_attn_implementation("sdpa")
        with torch.no_grad():
            return model(**inputs).last_hidden_state

    def captured() -> Any:
        with torch.no_grad(), hf.capturing(model, heads="mean") as recorder:
            output = model(**inputs).last_hidden_state
        assert len(recorder.sites) == 12
        return output, recorder.sites

    def eager() -> Any:
        model.set_attn_implementation("eager")
        with torch.no_grad():
            output = model(**inputs, output_attentions=True)
        model.set_attn_implementation("sdpa")
        assert len(output.attentions) == 12
        return output

    return dict(zip(VARIANTS, (plain, captured, eager), strict=True))


def seconds(length: int, rounds: int) -> dict[str, float]:
    import torch

    run = variants(length)
    (output, sites), expected, maps = run["captured"](), run["sdpa"](), run["eager"]().attentions
    assert torch.equal(output, expected), "capturing changed the output"
    for site, full in zip(sites, maps, strict=True):
        assert (torch.from_numpy(site.weights) - full.mean(1, keepdim=True)).abs().max() < 1e-6
    del output, sites, expected, maps
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name in VARIANTS:
            started = time.perf_counter()
            run[name]()
            found[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) for name, times in found.items()}


def peak(length: int, name: str) -> float:
    """Most MiB that the process held while it ran this variant once, over what it held before."""
    run = variants(length)[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = run()
    assert kept is not None
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def alone(*arguments: object) -> Any:
    """The same script in a process of its own, so that no peak hides another."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    if sys.argv[1:2] == ["--peak"]:
        print(json.dumps(peak(int(sys.argv[2]), sys.argv[3])))
        return
    if sys.argv[1:] and sys.argv[1] != "--only":
        length, rounds = map(int, sys.argv[1:])
        print(json.dumps(seconds(length, rounds)))
        return
    for length in map(int, sys.argv[2:]) if sys.argv[1:] else LENGTHS:
        rounds, bar = LENGTHS[length]
        taken = alone(length, rounds)
        held = {name: alone("--peak", length, name) for name in VARIANTS}
        record = 12 * length**2 * 4 / MIB
        claim(
            f"capture/bert-base/n{length}/overhead",
            taken["captured"] / taken["sdpa"],
            "x",
            bar,
            baseline={f"{name} seconds": value for name, value in taken.items()},
            peer={"eager, output_attentions=True": taken["eager"] / taken["sdpa"]},
            rounds=rounds,
            peak_mib=held,
            record_mib=record,
            extra_of_eagers_maps=(held["captured"] - held["sdpa"]) / (12 * record),
        )


if __name__ == "__main__":
    main()
