"""Positions onto words by characters: sub-words, punctuation, special tokens, cut and other texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import UserError
from attentionflow.human.alignment import onto_words
from attentionflow.records import Axis

TEXT = "unhappy people left."
WORDS = [(0, 7), (8, 14), (15, 19)]


def sub_words() -> Axis:
    words = Axis("word", ("unhappy", "people", "left", "."), ((0, 7), (8, 14), (15, 19), (19, 20)), preview=TEXT)
    labels = ("[CLS]", "un", "##happy", "people", "left", ".", "[SEP]")
    return Axis("token", labels, (None, (0, 1), (0, 1), (1, 2), (2, 3), (3, 4), None), words)


def test_sub_words_add_up_and_what_is_no_word_is_counted() -> None:
    found = onto_words(np.array([4.0, 1, 2, 3, 1, 2, 3]), sub_words(), WORDS, TEXT)
    assert found.values.tolist() == [3, 3, 1]
    assert found.outside == pytest.approx(9 / 16)


def test_a_position_on_two_words_is_split_by_characters() -> None:
    axis = Axis("token", ("unhappy people", "left"), ((0, 14), (15, 19)), preview=TEXT)
    assert onto_words(np.array([13.0, 1]), axis, WORDS, TEXT).values.tolist() == [7, 6, 1]


def test_a_glued_mark_belongs_to_the_word_that_people_read() -> None:
    found = onto_words(np.array([0.0, 1, 1, 1, 1, 5, 0]), sub_words(), [(0, 7), (8, 14), (15, 20)], TEXT)
    assert found.values.tolist() == [2, 1, 6]
    assert found.outside == 0


@given(st.lists(st.floats(0, 10), min_size=7, max_size=7))
def test_nothing_is_lost(values: list[float]) -> None:
    found = onto_words(np.array(values), sub_words(), WORDS, TEXT)
    whole = sum(values)
    assert found.values.sum() == pytest.approx(whole * (1 - found.outside), abs=1e-9)


def test_another_text_is_named_with_the_place_where_it_parts() -> None:
    axis = Axis("word", ("unhappy", "folk"), ((0, 7), (8, 12)), preview="unhappy folk left.")
    with pytest.raises(UserError, match=r"row 3: the model read another text .* from character 8 on: 'folk left.'"):
        onto_words(np.ones(2), axis, WORDS, TEXT, "row 3")


def test_a_text_that_was_cut_is_named_with_the_first_word_missing() -> None:
    axis = Axis("word", ("unhappy", "people"), ((0, 7), (8, 14)), preview=TEXT)
    with pytest.raises(UserError, match="no position of the model lies on the word 'left'; was the text cut"):
        onto_words(np.ones(2), axis, WORDS, TEXT)
