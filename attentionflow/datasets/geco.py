"""GECO: a whole English novel, averaged over 14 people, as in the published comparison with models."""

from __future__ import annotations

from attentionflow.datasets import _zuco
from attentionflow.datasets._fetch import fetch
from attentionflow.readers.reading import Reading

LANGUAGE = "en"
# SHA-256 of each file: as published, and compressed.
SUMS = {
    "geco_sentences.txt": (
        "fef232961c2a6565911fe19cc373d0bb3803227b62d48bcfe5a5e110d742864f",
        "36fe84de5e6d40c55845ca73fc66f71500430a437ec79a1f2ff6f43ffa3deb8f",
    ),
    "geco_relfix_averages.txt": (
        "3bc3c75c6f96a23f6396db27240bf360f5af4ef841e89ce0caf1b499d4c88fc6",
        "0e43687d13f2d2c7c7803978672088e932ada3f0922b58a992d7aa904fa9878b",
    ),
}

DATASET = _zuco.averages(
    "geco",
    "4,926 English sentences of a novel (Christie, The Mysterious Affair at Styles; Cop et al. 2017), lower-cased; "
    "the mean over 14 people of the share of time a word.",
    "None stated for GECO; the repository of the extracted times holds the text of the GPL 3.0.",
    SUMS,
    1_407_016,
)


def read() -> tuple[list[Reading], list[str]]:
    """Every sentence, with the mean over people of the share of time that each word took."""
    return _zuco.read_averages(fetch(DATASET), "geco", "mean of 14 people")
