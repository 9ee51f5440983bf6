"""A run killed at three random moments and resumed, beside one that was left alone: weights and log, byte for byte.

python benchmarks/resume.py
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _results import claim

STEPS = 90


def command(out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "attentionflow", "train", "translation", "--out", str(out), "--device", "cpu", *more]


def steps_done(out: Path) -> int:
    log = out / "log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    settings = ["--data", "multi30k", f"--set=steps={STEPS}", "--set=evaluations=2", "--set=log_every=5"]
    subprocess.run(command(folder / "whole", *settings), check=True, capture_output=True)
    moments = sorted(random.Random(0).sample(range(5, STEPS - 5, 5), 3))
    arguments = settings
    for moment in moments:
        process = subprocess.Popen(command(folder / "killed", *arguments), stderr=subprocess.DEVNULL)
        while steps_done(folder / "killed") < moment and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        arguments = ["--resume"]
    subprocess.run(command(folder / "killed", "--resume"), check=True, capture_output=True)
    equal = all(
        (folder / "whole" / name).read_bytes() == (folder / "killed" / name).read_bytes()
        for name in ("model.safetensors", "log.jsonl")
    )
    claim("resume/multi30k/default/equal", float(equal), "", ">= 1", killed_at=moments, steps=STEPS)


if __name__ == "__main__":
    main()
