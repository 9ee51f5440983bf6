"""The sentences of Kerstin to be written down, in the splits of the data set `kerstin`."""

from __future__ import annotations

from dataclasses import replace

from attentionflow.datasets import kerstin
from attentionflow.readers.utterances import Utterance

DATASET = replace(
    kerstin.DATASET,
    name="kerstin_sentences",
    task="speech-recognition",
    folder="kerstin",
    reference="None published.",
)

# Settings that suit these data, by architecture; the user's own go before them.
_SHARED: dict[str, object] = {
    "plain_text": True,
    "sample_rate": 16_000,
    "batch_frames": 6_000,
    "evaluations": 6,
    "masked_bands": 6,
}
ADVICE: dict[str, dict[str, object]] = {
    "conformer": {**_SHARED, "encoder_layers": 3, "epochs": 100},
    "classic": {**_SHARED, "epochs": 60},
}


def read(seed: int = 0) -> tuple[dict[str, list[Utterance]], list[str]]:
    """Sentences by split, as `kerstin` has them."""
    return kerstin.read(seed)
