"""Kerstin: German sentences read by one woman, the first part of the published set."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from attentionflow.datasets._fetch import Dataset, fetch, tree_digest
from attentionflow.errors import DataError
from attentionflow.readers.utterances import Utterance, read_utterances

_COMMIT = "f73127135cf80d6ef52aef6af58c49774f4fd625"
# A copy of that part in Ogg Vorbis at 22.05 kHz, known by its folder: SHA-256 of its listing, see `tree_digest`.
COPY, COPY_DIGEST = "audio", "a906770a124772549c0f260ca902f66f5f27339735cd807bd71b22b1919c658d"
COUNT = 525  # rows of the table that are used

DATASET = Dataset(
    name="kerstin",
    task="speech-synthesis",
    summary="German sentences read by one woman, 40 minutes, the first 525 of the published 1,374: 450 train, 25 val "
    "and 50 test.",
    licence="CC0 1.0.",
    address=f"https://github.com/rhasspy/dataset-voice-kerstin/archive/{_COMMIT}.zip",
    archive=f"dataset-voice-kerstin-{_COMMIT}/verified",
    reference="None published; its makers expect that so little alone serves best to adapt another voice.",
    size=214_000_000,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "sample_rate": 22_050,
    "bands": 80,
    "frame_rate": 86,
    "batch_frames": 5_000,
    "evaluations": 5,
    "epochs": 60,
}
ADVICE: dict[str, dict[str, object]] = {"parallel": _SHARED, "classic": _SHARED}

HELD_OUT = {"test": 50, "val": 25}


def read(seed: int = 0) -> tuple[dict[str, list[Utterance]], list[str]]:
    """Sentences by split. `seed` is of no effect: the hash of its name holds a sentence out."""
    folder = fetch(DATASET)
    if (folder / COPY).is_dir() and tree_digest(folder, ".") != COPY_DIGEST:
        remedy = f"Take them from {DATASET.address} again"
        raise DataError(
            "the files are not those of the data set 'kerstin': some are altered", file=folder, remedy=remedy
        )
    rest = sorted(read_utterances(folder / "metadata.csv")["train"][:COUNT], key=_digest)
    splits = {}
    for split, count in HELD_OUT.items():
        splits[split], rest = rest[:count], rest[count:]
    return {"train": sorted(rest, key=lambda one: one.name), "val": splits["val"], "test": splits["test"]}, []


def _digest(utterance: Utterance) -> bytes:
    return blake2b(Path(utterance.name).stem.encode(), digest_size=16).digest()
