"""What simple methods say: one sound for all, the mean sound of each letter, and what was said in the likest text.

Letters: T frames, F bands, N letters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numba
import numpy as np

from attentionflow.readers.utterances import Utterance

MOST = 3000  # training utterances that are used, evenly spread


def simple_voices(
    train: Sequence[Utterance],
    test: Sequence[Utterance],
    letters: Callable[[Utterance], Sequence[int]],
    frames: Callable[[Utterance], np.ndarray],
) -> dict[str, list[np.ndarray]]:
    """Name of the method -> the log-mel spectrogram (T, F) that it makes for each of `test`."""
    chosen = [train[at] for at in np.unique(np.linspace(0, len(train) - 1, min(MOST, len(train))).astype(int))]
    texts = [np.array(letters(one), np.int64) for one in chosen]
    known = [at for at, text in enumerate(texts) if len(text)]
    chosen, texts = [chosen[at] for at in known], [texts[at] for at in known]
    sounds = [frames(one).astype(np.float16) for one in chosen]
    wanted = [np.array(letters(one), np.int64) for one in test]
    whole = np.concatenate(sounds).astype(np.float32).mean(0)
    pace = sum(map(len, sounds)) / sum(map(len, texts))
    return {
        "mean spectrum": [np.repeat(whole[None], max(1, round(len(text) * pace)), 0) for text in wanted],
        "mean sound of each letter": _spelt(texts, sounds, wanted, whole, pace),
        "recording of the most similar text by the same speaker": _likest(chosen, texts, sounds, test, wanted),
    }


def _spelt(
    texts: Sequence[np.ndarray],
    sounds: Sequence[np.ndarray],
    wanted: Sequence[np.ndarray],
    whole: np.ndarray,
    pace: float,
) -> list[np.ndarray]:
    """Each letter for as long as the mean one, with the mean of the frames that are its where all of an utterance last
    alike; of a letter that training does not have, that of all frames."""
    size = 1 + max(int(text.max()) for text in (*texts, *wanted))
    sums, counts = np.zeros((size, len(whole))), np.zeros(size)
    for text, sound in zip(texts, sounds, strict=True):
        owners = text[np.arange(len(sound)) * len(text) // len(sound)]
        np.add.at(sums, owners, sound)
        np.add.at(counts, owners, 1)
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], whole).astype(np.float32)
    found = []
    for text in wanted:
        count = max(1, round(len(text) * pace))
        found.append(means[text[np.arange(count) * len(text) // count]])
    return found


def _likest(
    chosen: Sequence[Utterance],
    texts: Sequence[np.ndarray],
    sounds: Sequence[np.ndarray],
    test: Sequence[Utterance],
    wanted: Sequence[np.ndarray],
) -> list[np.ndarray]:
    by_speaker: dict[str | None, list[int]] = {}
    for at, one in enumerate(chosen):
        by_speaker.setdefault(one.speaker, []).append(at)
    found = []
    for one, text in zip(test, wanted, strict=True):
        own = by_speaker.get(one.speaker) or range(len(chosen))
        nearest = min(own, key=lambda at: _edits(text, texts[at]))
        found.append(sounds[nearest].astype(np.float32))
    return found


@numba.njit(nogil=True, cache=True)
def _edits(a: np.ndarray, b: np.ndarray) -> int:
    """Levenshtein distance."""
    before = np.arange(len(b) + 1)
    for i in range(len(a)):
        row = np.empty_like(before)
        row[0] = i + 1
        for j in range(len(b)):
            row[j + 1] = min(before[j] + (a[i] != b[j]), before[j + 1] + 1, row[j] + 1)
        before = row
    return int(before[-1])
