"""ZuCo 1.0, both ways of reading, averaged over 12 people, as in the published comparison with models."""

from __future__ import annotations

from attentionflow.datasets import _zuco
from attentionflow.datasets._fetch import fetch
from attentionflow.readers.reading import Reading

LANGUAGE = "en"
# SHA-256 of each file: as published, and compressed.
SUMS = {
    "zuco_sentences.txt": (
        "63eccfab59ac0a247d65c2605abaa887256bd21345680909756a0268298f61a8",
        "8ba480978fb0909d55aa6012232c78c9c2ce1531fcf1244cc29721aef5f76d6f",
    ),
    "zuco_relfix_averages.txt": (
        "2390d3ee226dd741a5cc93ba94699015cbb03eeda8e831db1624cefbf6d44307",
        "a1290d68739a5f5bc580e0982487ef392d5c5bb41ea44614314a9f5dcb52071a",
    ),
}

DATASET = _zuco.averages(
    "zuco",
    "924 English sentences without punctuation, lower-cased; the mean over 12 people of the share of time a word.",
    _zuco.LICENCE,
    SUMS,
    434_429,
)


def read() -> tuple[list[Reading], list[str]]:
    """Every sentence, with the mean over people of the share of time that each word took."""
    return _zuco.read_averages(fetch(DATASET), "zuco", "mean of 12 people")
