"""ETTh1: two years of hourly loads and the oil temperature of an electricity transformer in China."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.series import Columns, read_panels
from attentionflow.readers.windows import Panel, Series

DATASET = Dataset(
    name="etth1",
    task="time-series-forecasting",
    summary="Hourly readings of an electricity transformer, July 2016 to June 2018: six loads and the oil temperature "
    "OT; 8,640 steps train, 2,880 val, 2,880 test, the 3,020 after them unused, as in the literature.",
    licence="CC BY-ND 4.0.",
    address="https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small",
    files={"ETTh1.csv": "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066"},
    local={"ETTh1.csv.gz": "3c56c865b8f6fc9b760a07f055ff8a993d3cf2a747235dc382b98821ed35f029"},
    folder="ett",
    reference="MSE at horizon 96, 192, 336, 720: 0.370, 0.413, 0.422, 0.447 by PatchTST/64 with a look-back of 512, "
    "and 0.375, 0.405, 0.439, 0.472 by DLinear with 336 (Nie et al., ICLR 2023).",
    size=2_589_657,
)

# First and one past last step of each split.
SPLITS = {"train": (0, 8_640), "val": (8_640, 11_520), "test": (11_520, 14_400)}

# Settings that suit these data, by architecture; the user's own go before them.
ADVICE: dict[str, dict[str, object]] = {
    "patch-transformer": {
        "look_back": 336,
        "patch": 24,
        "stride": 24,
        "rank": 4,
        "learning_rate": 1e-3,
        "epochs": 1,
        "evaluations": 5,
        "ema": 0.99,
    },
    "classic": {},
}


def read(horizon: int, seed: int = 0) -> Series:
    """All seven series. Neither argument is of effect: the data are what they are, and the splits are fixed."""
    folder = fetch(DATASET)
    path = next(folder / name for name in ("ETTh1.csv.gz", "ETTh1.csv") if (folder / name).is_file())
    (panel,) = read_panels(path, Columns(date="date"), "skip")
    end = SPLITS["test"][1]
    used = Panel(panel.file, panel.calendar, panel.names, panel.values[:end], panel.rows[:end])
    return Series((used,), {split: (steps,) for split, steps in SPLITS.items()})
