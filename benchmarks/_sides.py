"""Two trainings side by side: each in a process of its own, one at a time, in turns.

A script that calls `race` is started again once a side, with `--side NAME`, and then calls `work`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from _results import claim
from torch import Tensor, nn

from attentionflow._device import keep_freed_memory
from attentionflow._plan import make_plan
from attentionflow.task import Batch

SIDES = ("ours", "hf")


@dataclass
class Rates:
    """What each side trained on a second, a figure a turn: by the clock, and by the CPU seconds of the process, which
    other work on the machine does not stretch. parameters: of each side's model."""

    wall: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})
    parameters: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def medians(rates: dict[str, list[float]]) -> tuple[float, float]:
        """Of our side and of the peer's."""
        ours, theirs = (statistics.median(rates[side]) for side in SIDES)
        return ours, theirs


def asked_side() -> str | None:
    """The side that this process is to be, None for the one that starts both."""
    return sys.argv[2] if sys.argv[1:2] == ["--side"] else None


def work(steps: Iterator[int], parameters: int, seconds: float, warmup: int) -> None:
    """Train for so many seconds each time that a line comes in, and say how much it was: `steps` trains a step and
    yields its size."""
    for _ in range(warmup):
        next(steps)
    print("ready", parameters, flush=True)
    for _ in sys.stdin:
        started, used, done = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - started < seconds:
            done += next(steps)
        print(json.dumps([done, time.perf_counter() - started, time.process_time() - used]), flush=True)


def race(script: str, turns: int, threads: int | None = None, **more: object) -> Rates:
    """Let both sides of a script train in turns. threads: of each process, those of the environment unless given; more:
    arguments of the script, name and value, that both sides are started with."""
    environment = os.environ if threads is None else {**os.environ, "OMP_NUM_THREADS": str(threads)}
    processes = {
        side: subprocess.Popen(
            [sys.executable, script, "--side", side, *(str(a) for name, v in more.items() for a in (f"--{name}", v))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=environment,
        )
        for side in SIDES
    }
    rates = Rates()
    for side, process in processes.items():
        while "ready" not in (line := process.stdout.readline()):  # type: ignore[union-attr]
            if not line:
                raise SystemExit(f"{side} ended before its first turn; its message is above")
        rates.parameters[side] = int(line.split()[1])
    for _ in range(turns):
        for side, process in processes.items():
            process.stdin.write("go\n")  # type: ignore[union-attr]
            done, seconds, used = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            rates.wall[side].append(done / seconds)
            rates.cpu[side].append(done / used)
    for process in processes.values():
        process.stdin.close()  # type: ignore[union-attr]
        process.wait()
    return rates


class PictureSide(ABC):
    """Batches of a task of pictures as both sides take them, and a model with its optimiser."""

    clip = 1.0  # norm of the gradients at most

    def __init__(self, task: str, data: str, architecture: str, dimensions: Mapping[str, Any], split: str) -> None:
        torch.manual_seed(0)
        keep_freed_memory()
        self.plan = make_plan(task, data, architecture, dimensions, 0)
        self.task = self.plan.task
        splits, _ = self.task.read(data, 0)
        self.task.learn(splits[split])
        self.train, _ = self.task.prepare(splits[split], training=True)
        self.model = self.build()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)

    def build(self) -> nn.Module:
        return self.task.build(self.plan.architecture, self.plan.model)

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Of the model, for a batch."""

    def steps(self) -> Iterator[int]:
        """Train forever; the pictures of each step."""
        epoch = 0
        while True:
            for indices in self.task.batches(self.train, 0, epoch):
                self.model.train()
                self.loss(self.task.collate(self.train, indices, 0, epoch)).backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
                self.optimizer.step()
                self.optimizer.zero_grad()
                yield len(indices)
            epoch += 1


def race_pictures(
    script: str,
    sides: Mapping[str, Callable[[], PictureSide]],
    claimed: str,
    peer: str,
    dimensions: Mapping[str, Any],
    *,
    turn_seconds: float,
    turns: int,
    more: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """What a script does that trains our network on pictures beside a peer's: as a side, its work; otherwise the race,
    and the claim that ours trains 1.2 times as many pictures a CPU second.

    sides: by name, what makes one. more: further facts of the claim, once it is over.
    """
    if side := asked_side():
        made = sides[side]()
        work(made.steps(), sum(p.numel() for p in made.model.parameters()), turn_seconds, warmup=3)
        return
    rates = race(script, turns)
    # Of CPU seconds, which other work on the machine does not stretch; the wall clock's figures stand beside them.
    ours, theirs = rates.medians(rates.cpu)
    claim(
        claimed,
        ours / theirs,
        "x",
        ">= 1.2",
        baseline={"ours, pictures a CPU second": ours},
        peer={f"{peer}, pictures a CPU second": theirs},
        turns={side: [round(rate, 2) for rate in found] for side, found in rates.cpu.items()},
        wall_clock={side: [round(rate, 2) for rate in found] for side, found in rates.wall.items()},
        parameters=rates.parameters,
        threads=torch.get_num_threads(),
        dimensions=dimensions,
        omp=os.environ.get("OMP_NUM_THREADS", ""),
        **more(),
    )
