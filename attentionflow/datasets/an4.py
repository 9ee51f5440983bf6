"""CMU Census (AN4): people spell names and addresses, and say numbers, dates and commands; as mel cepstra.

Letters: T frames, K cepstra, F bands.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np

from attentionflow.datasets._fetch import Dataset, fetch
from attentionflow.errors import DataError
from attentionflow.readers.text import Lines
from attentionflow.readers.utterances import Frames, Held, Utterance

_COMMIT = "5e478f0ee6c5b060edf702acdd563948cad5545f"
_TRANSCRIPTS = {
    "etc/an4_train.transcription": "6eb103966af7ed10c8d44651bc51a0b2ddd052bf430d60efcf3a7e7b9d9f4651",
    "etc/an4_test.transcription": "a36c14d7473eeba948ea64aa95be1e4fa42321ae6d535ea91e2381cb16faacfd",
}
CEPSTRA = "an4_mfcc.npz"  # the converted copy: all cepstra in float16

DATASET = Dataset(
    name="an4",
    task="speech-recognition",
    summary="English spelling, numbers and commands at a close microphone, 48 minutes: 848 train, 100 val, 130 test "
    "utterances (official test), no speaker in two splits; 13 mel cepstra at 100 frames a second, no sound.",
    licence="CMU AN4 licence: any use; redistribution keeps the notice.",
    address=f"https://github.com/cphazen/Machine-Learning-Project-ASR/archive/{_COMMIT}.zip",
    archive=f"Machine-Learning-Project-ASR-{_COMMIT}/an4",
    files=_TRANSCRIPTS,
    local={CEPSTRA: "1f9e7ae1ad8d17c45064f21c2c42068e6906388c52fa04a1c1b613ac2ec1a80d", **_TRANSCRIPTS},
    reference="WER 7.4 %, CER 3.6 % on test by a transformer with CTC, from the sound, with speed perturbation and a "
    "language model of weight 0.1; 7.6 % without it (ESPnet, egs2/an4/asr1/README.md).",
    size=15_045_416,
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {"batch_frames": 2500, "masked_bands": 4, "epochs": 150, "evaluations": 30, "ema": 0.999}
ADVICE: dict[str, dict[str, object]] = {
    "conformer": {**_SHARED, "encoder_layers": 4, "warmup": 0.01},
    "classic": {**_SHARED, "hidden": 128, "embedding": 64, "epochs": 100},
}

HELD_OUT = 100  # training utterances for val, as ESPnet holds out as many
BANDS = 24
LIFTER = 22  # of Young et al. 2006, The HTK Book, section 5.6
# SHA-256 of all cepstra as little-endian float16.
CONTENT = "2b131a1b0b435365d22ce71f449e72f772a1b8b6cce095e9c5d7c3596af53786"


def read(seed: int = 0) -> tuple[dict[str, list[Utterance]], list[str]]:
    """Utterances by split. `seed` chooses the speakers of val."""
    folder = fetch(DATASET)
    rows = []
    for split in ("train", "test"):
        rows += [(split, *_row(line)) for line in Lines(folder / "etc" / f"an4_{split}.transcription")]
    utterances: dict[str, list[Utterance]] = {"train": [], "test": []}
    for (split, text, name), cepstra in zip(rows, _cepstra(folder, [name for *_, name in rows]), strict=True):
        utterances[split].append(Utterance(name, text, f"an4/{name}", Held(Frames(bands_of(cepstra)))))
    val = _of_whole_speakers(utterances["train"], seed)
    held = {one.name for one in val}
    train = [one for one in utterances["train"] if one.name not in held]
    note = f"{len(val)} utterances of train, all of their speakers', were held out for val (seed {seed})"
    return {"train": train, "val": val, "test": utterances["test"]}, [note]


def bands_of(cepstra: np.ndarray) -> np.ndarray:
    """The smooth spectrogram (T, F) that cepstra (T, K) describe: their inverse cosine transform, at F bands.

    Liftered before, so that fine structure, whose cepstra are small, is as strong as the coarse.
    """
    order = np.arange(cepstra.shape[1])
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER)
    waves = np.cos(np.pi * order[:, None] * (np.arange(BANDS) + 0.5) / BANDS)
    return (cepstra @ (waves * (np.where(order, 2, 1) * lifter)[:, None])).astype(np.float32)


def _row(line: str) -> tuple[str, str]:
    """Text and name of "YES (an251-fash-b)"."""
    text, _, name = line.strip().rpartition(" (")
    return text, name.rstrip(")")


def _cepstra(folder: Path, names: list[str]) -> list[np.ndarray]:
    """(T, 13) of each utterance, from the converted copy or the public files; both hold the same to float16."""
    if (folder / CEPSTRA).is_file():
        with np.load(folder / CEPSTRA, allow_pickle=False) as found:
            return [one.astype(np.float32) for one in np.split(found["feats"], np.cumsum(found["lengths"])[:-1])]
    files = {path.stem: path for path in folder.rglob("*.mfc")}
    missing = [name for name in names if name not in files]
    if missing:
        raise DataError(
            f"{len(missing)} cepstra missing, such as {missing[0]}.mfc",
            file=folder,
            remedy=f"Take them from {DATASET.address} again",
        )
    read = [np.fromfile(files[name], ">f4", offset=4).reshape(-1, 13).astype("<f2") for name in names]
    digest = sha256(b"".join(one.tobytes() for one in read)).hexdigest()
    if digest != CONTENT:
        raise DataError(
            f"the cepstra are not those of the data set: their SHA-256 is {digest}",
            file=folder,
            remedy=f"Take them from {DATASET.address} again",
        )
    return [one.astype(np.float32) for one in read]


def _of_whole_speakers(train: list[Utterance], seed: int) -> list[Utterance]:
    """About HELD_OUT utterances, all of their speakers', in their order; the speaker of an251-fash-b is fash."""
    speakers = [one.name.split("-")[1] for one in train]
    draw, chosen, count = np.random.default_rng((seed, 4)), set(), 0
    for speaker in draw.permutation(sorted(set(speakers))).tolist():
        if count + speakers.count(speaker) <= HELD_OUT:
            chosen.add(speaker)
            count += speakers.count(speaker)
    return [one for one, speaker in zip(train, speakers, strict=True) if speaker in chosen]
