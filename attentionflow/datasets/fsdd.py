"""Free Spoken Digit Dataset: single English digits, said by six people."""

from __future__ import annotations

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.readers.utterances import SoundFile, Utterance

_COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"

DATASET = Dataset(
    name="fsdd",
    task="speech-recognition",
    summary="Single spoken digits, 6 speakers, 8 kHz: 2,400 train, 300 val, 300 test (official). All speakers are "
    "in all splits.",
    licence="CC BY-SA 4.0.",
    address=f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{_COMMIT}.zip",
    archive=f"free-spoken-digit-dataset-{_COMMIT}",
    trees={"recordings": "e0ed3f4c73a865c7a3c0f434146175a6af4e9514c452b0c587f4770e52fb8d7b"},
    reference="Accuracy 97 % by a convolutional network on cepstra of the older release with 3 speakers, split at "
    "random (README of adhishthite/sound-mnist); no official results.",
    size=21_128_848,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "units": "words",
    "normalised_by": "training",
    "batch_frames": 3000,
    "masked_bands": 6,
}
ADVICE: dict[str, dict[str, object]] = {"conformer": {**_SHARED, "encoder_layers": 3}, "classic": _SHARED}

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Numbers of the recordings of each digit by each speaker: 0 to 4 are the official test, the last five are our val.
# Some speakers' first recordings are unlike their later ones, so those next to the test are worth more in training.
SPLITS = {"train": range(5, 45), "val": range(45, 50), "test": range(5)}


def read(seed: int = 0) -> tuple[dict[str, list[Utterance]], list[str]]:
    """Recordings by split. `seed` is of no effect: the splits are fixed."""
    folder = fetch(DATASET) / "recordings"
    splits: dict[str, list[Utterance]] = {split: [] for split in SPLITS}
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, number = path.stem.split("_")
        split = next(split for split, numbers in SPLITS.items() if int(number) in numbers)
        splits[split].append(Utterance(path.name, WORDS[int(digit)], f"fsdd/{path.name}", SoundFile(path), speaker))
    return splits, []
