"""An hour of film beside five minutes: the memory and time to pick its moments and to write the cut-down film.

    python benchmarks/video_hour.py runs/events      # a run of video-processing; the films are made here

Each film goes through a process of its own, whose largest resident memory is told by the system. The memory must not
grow with the film: the claim is by how much that of an hour is above that of five minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _results import claim

MINUTES = (5, 60)
RATE, WIDTH, HEIGHT = 12, 320, 240
INSIDE = """
import json, resource, sys, time
import attentionflow as af
from attentionflow._verbs import _write
from pathlib import Path
run = af.load(sys.argv[1], device="cpu")
started = time.perf_counter()
prediction = run.predict(sys.argv[2])
seconds = time.perf_counter() - started
_write(run.task, [prediction], Path(sys.argv[3]))
whole = time.perf_counter() - started
page = {"moments": len(prediction.output.scores), "seconds": seconds, "with_files": whole}
print(json.dumps(page | {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    found: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            film = write_film(Path(folder) / f"{minutes}.mp4", minutes)
            command = [sys.executable, "-c", INSIDE, str(options.run), str(film), str(Path(folder) / str(minutes))]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[minutes] = json.loads(done.stdout.splitlines()[-1])
            print(minutes, found[minutes])
    short, long = (found[minutes] for minutes in MINUTES)
    claim(
        "video-processing/hour/extra_memory",
        long["mib"] - short["mib"],
        "MiB above five minutes",
        "<= 200",
        seconds=long["seconds"],
        peak_mib={f"{minutes} minutes": round(one["mib"], 1) for minutes, one in found.items()},
        moments=long["moments"],
        seconds_with_files=round(long["with_files"], 1),
        film=f"{WIDTH} x {HEIGHT} pixels, {RATE} frames a second, MPEG-4",
    )


def write_film(path: Path, minutes: int) -> Path:
    """Squares that wander over noise, with a tone."""
    import av

    draw, started = np.random.default_rng(0), time.perf_counter()
    ground = draw.integers(0, 120, (HEIGHT, WIDTH, 3), np.uint8)
    with av.open(str(path), "w") as container:
        picture: Any = container.add_stream("mpeg4", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound: Any = container.add_stream("aac", rate=8000, layout="mono")
        for second in range(minutes * 60):
            for at in range(second * RATE, (second + 1) * RATE):
                pixels = ground.copy()
                left, top = at * 3 % (WIDTH - 40), at * 2 % (HEIGHT - 40)
                pixels[top : top + 40, left : left + 40] = (at // 100 % 256, 200, 90)
                container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            tone = 0.2 * np.sin(2 * np.pi * 220 * (np.arange(8000) / 8000)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, second * 8000
            container.mux(sound.encode(frame))
        container.mux(picture.encode())
        container.mux(sound.encode())
    print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB in {time.perf_counter() - started:.0f} s")
    return path


if __name__ == "__main__":
    main()
