"""How long `attentionflow --help` takes, from the start of the process to its end.

python benchmarks/cli_help.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from _results import claim


def main() -> None:
    seconds = []
    for _ in range(11):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "attentionflow", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    claim("cli/help/seconds", statistics.median(seconds), "s", "<= 0.3", slowest=max(seconds), runs=len(seconds))


if __name__ == "__main__":
    main()
