"""Known words inside the beam, against all texts counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.models.ctc import prefix_beams
from attentionflow.models.grammar import any_text, known_words

SPACE, UNITS = 1, 5
WORDS = [(2, 3), (2, 3, 3), (4,)]
KNOWN = known_words(WORDS, SPACE, UNITS)


def allowed(text: tuple[int, ...]) -> bool:
    """Known words with a single space from one to the next, or nothing."""
    words = "".join(map(str, text)).split(str(SPACE))
    return not text or all(tuple(map(int, word)) in WORDS for word in words)


def random_logs(steps: int, seed: int) -> np.ndarray:
    scores = torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (steps, UNITS)))
    return scores.log_softmax(-1).numpy()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_with_room_for_all_it_finds_the_texts_of_known_words_and_no_other(steps: int, seed: int) -> None:
    logs = random_logs(steps, seed)
    everything = dict(prefix_beams(logs, 5_000, UNITS))
    found = prefix_beams(logs, 5_000, UNITS, KNOWN)
    assert {text for text, _ in found} == {text for text in everything if allowed(text)}
    for text, score in found:
        assert score == pytest.approx(everything[text])


def test_a_narrow_beam_writes_known_words_alone() -> None:
    for seed in range(30):
        for text, _ in prefix_beams(random_logs(12, seed), 3, 3, KNOWN):
            assert allowed(text)


def test_what_is_broken_off_at_the_end_is_cut_back() -> None:
    sure = np.full((3, UNITS), np.log(1e-6))
    sure[[0, 1, 2], [4, SPACE, 2]] = 0.0  # the word (4,), a space, and the beginning of another
    assert prefix_beams(sure, 1, 1, KNOWN)[0][0] == (4,)


def test_any_text_is_no_bound() -> None:
    logs = random_logs(8, 7)
    assert prefix_beams(logs, 20, UNITS, any_text(UNITS)) == prefix_beams(logs, 20, UNITS)
