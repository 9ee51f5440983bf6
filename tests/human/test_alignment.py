"""Positions onto words, pixels and seconds: what they cover, what lies beside, and what cannot be aligned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import UserError
from attentionflow.human.alignment import onto_pixels, onto_seconds, onto_words
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


def test_a_character_that_the_model_does_not_know_is_no_other_text() -> None:
    axis = Axis("token", ("na", "\ufffd", "ve"), ((0, 2), (2, 3), (3, 5)), preview="na\ufffdve")
    assert onto_words(np.array([1.0, 2, 3]), axis, [(0, 5)], "na\u00efve").values.tolist() == [6]
    with pytest.raises(UserError, match="another text than the people, from character 5 on"):
        onto_words(np.array([1.0, 2, 3]), axis, [(0, 5)], "na\u00efver")


def grid(rows: int, columns: int, beside: int = 0) -> Axis:
    spans = [(c / columns, r / rows, (c + 1) / columns, (r + 1) / rows) for r in range(rows) for c in range(columns)]
    return Axis("patch", ("",) * (beside + len(spans)), (*[None] * beside, *spans))


def test_a_patch_spreads_over_its_pixels_and_what_is_none_is_counted() -> None:
    maps, outside = onto_pixels(np.array([[5.0, 4, 0, 0, 8], [0, 0, 1, 0, 0]]), grid(2, 2, beside=1), (4, 6))
    assert maps[0][:2, :3] == pytest.approx(np.full((2, 3), 4 / 6))
    assert maps[0][2:, 3:] == pytest.approx(np.full((2, 3), 8 / 6))
    assert maps[1].sum() == pytest.approx(1)
    assert outside == pytest.approx([5 / 17, 0])


def test_pixels_at_an_edge_get_their_part() -> None:
    maps, _ = onto_pixels(np.array([[3.0, 3.0]]), grid(1, 2), (1, 3))
    assert maps[0][0] == pytest.approx([2, 2, 2])


@given(st.lists(st.floats(0, 10), min_size=12, max_size=12), st.sampled_from([0.0, 0.5, 2.0, 6.0]))
def test_nothing_of_a_picture_is_lost_by_smoothing(values: list[float], sigma: float) -> None:
    maps, _ = onto_pixels(np.array([values]), grid(3, 4), (21, 30), sigma)
    assert maps.sum() == pytest.approx(sum(values), abs=1e-9)


def test_positions_without_corners_lie_on_no_picture() -> None:
    with pytest.raises(UserError, match="runs over words, of which none lies on the picture"):
        onto_pixels(np.ones((1, 2)), Axis("word", ("a", "b"), ((0, 1), (2, 3))), (4, 4))


def test_frames_add_up_over_stretches_of_time() -> None:
    axis = Axis("frame", ("1", "2", "3", "end"), ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0), None))
    found = onto_seconds(np.array([1.0, 4, 2, 1]), axis, [(0, 1.5), (1.5, 3)])
    assert found.values == pytest.approx([3, 4])
    assert found.outside == pytest.approx(1 / 8)
    with pytest.raises(UserError, match="no frame of the model lies between 3 and 4 s; was the recording cut"):
        onto_seconds(np.ones(4), axis, [(0, 3), (3, 4)])
