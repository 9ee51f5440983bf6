"""Words and their n-grams: what is in them, what they count, and what goes when a word is taken out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.readers.ngrams import Ngrams, word_axis, word_spans

TEXTS = ["A good film, a GOOD film", "not a good film", "房间很好", "房间不好", ""]


def learned(words: int = 2, characters: tuple[int, int] = (2, 3), most: int = 1000) -> Ngrams:
    return Ngrams.learn(TEXTS, words, characters, most)


def words_of(text: str) -> list[str | None]:
    return [text[a:b] for a, b in word_spans(text)]


def names(ngrams: Ngrams, texts: list[list[str | None]]) -> list[list[list[str]]]:
    """Names of the features of every word of every text."""
    bags = ngrams.encode(texts)
    found = [[ngrams.names[i] for i in part] for part in np.split(bags.ids, bags.ends)[:-1]]
    return [found[a:b] for a, b in zip([0, *bags.texts], bags.texts, strict=False)]


def test_a_word_is_itself_what_ends_with_it_and_what_is_in_it() -> None:
    (text,) = names(learned(), [["good", "film"]])
    assert text[1] == ["1film", "2good film", "#<f", "#fi", "#il", "#lm", "#m>", "#<fi", "#fil", "#ilm", "#lm>"]


def test_characters_are_words_where_there_are_no_blanks() -> None:
    assert words_of("房间很好!") == ["房", "间", "很", "好", "!"]
    (text,) = names(learned(), [words_of("房间不好")])
    assert text == [["1房"], ["1间", "2房 间"], ["1不", "2间 不"], ["1好", "2不 好"]]


def test_what_was_not_learned_is_left_out() -> None:
    assert names(learned(words=1, characters=(9, 9)), [["zebra", "film"]]) == [[[], ["1film"]]]


def test_the_most_frequent_come_first_and_stay() -> None:
    few, all_of_them = learned(most=10), learned()
    assert few.names == all_of_them.names[:10]
    assert (np.diff(all_of_them.rarity) >= 0).all()
    assert few.names[0] == "#<f"


def test_a_word_that_is_taken_out_takes_its_ngrams_along() -> None:
    whole, cut = names(learned(), [["a", "good", "film"], ["a", None, "film"]])
    assert cut[0] == whole[0]
    assert cut[1] == []
    assert cut[2] == [name for name in whole[2] if name != "2good film"]


def test_values_are_those_of_scikit_learn() -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    ngrams = Ngrams.learn(TEXTS, 2, (2, 3), 1000)
    ours = ngrams.encode([words_of(one) for one in TEXTS])
    stops = np.append(0, ours.ends)[ours.texts]
    theirs = text.TfidfVectorizer(tokenizer=words_of, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True)
    matrix = theirs.fit_transform(TEXTS)
    known = theirs.vocabulary_
    for row, (a, b) in enumerate(zip([0, *stops], stops, strict=False)):
        found: dict[str, float] = {}
        for i, value in zip(ours.ids[a:b], ours.values[a:b], strict=True):
            name = ngrams.names[i]
            if name[0] != "#":
                found[name[1:]] = found.get(name[1:], 0) + float(value)
        expected = {name: matrix[row, at] for name, at in known.items() if matrix[row, at]}
        assert found == pytest.approx(expected, abs=1e-6)


def test_features_in_two_texts_are_counted() -> None:
    ngrams = Ngrams.learn(["a b", "a c"], 1, (2, 2), 100)
    assert ngrams.names[: ngrams.repeated] == ["1a"]


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    ngrams = learned()
    ngrams.save(tmp_path / "ngrams.json")
    again = Ngrams.load(tmp_path / "ngrams.json")
    assert again.names == ngrams.names
    for one, other in zip(
        vars(again.encode([["good", "film"]])).values(), vars(ngrams.encode([["good", "film"]])).values(), strict=True
    ):
        assert np.array_equal(one, other)


@given(st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=6))
def test_some_texts_are_what_they_are_alone(rows: list[int]) -> None:
    ngrams = learned()
    bags = ngrams.encode([words_of(text) for text in TEXTS])
    some, alone = bags[np.array(rows)], ngrams.encode([words_of(TEXTS[row]) for row in rows])
    assert np.array_equal(some.ids, alone.ids)
    assert np.array_equal(some.ends, alone.ends)
    assert np.array_equal(some.texts, alone.texts)
    np.testing.assert_allclose(some.values, alone.values, rtol=1e-6)


@given(st.text(max_size=40))
def test_any_text_is_cut_into_words_that_lie_on_it(text: str) -> None:
    spans = word_spans(text)
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    axis = word_axis(text, 3)
    assert axis.labels == tuple(text[a:b] for a, b in spans[:3])
    Ngrams.learn([text, "a b"], 3, (2, 4), 50).encode([words_of(text)])
