"""Units of text there and back, and where they lie on their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.readers.transcripts import Units, plain
from attentionflow.readers.vocabulary import SPECIAL, UNKNOWN

TEXTS = ["one two", "two too"]


@pytest.mark.parametrize(("kind", "first"), [("characters", "o"), ("words", "two")])
def test_the_commonest_unit_comes_first(kind: str, first: str) -> None:
    units = Units.learn(TEXTS, kind)  # type: ignore[arg-type]
    assert units.labels[: len(SPECIAL) + 1] == (*SPECIAL, first)
    assert len(units) == len(SPECIAL) + len(set("".join(TEXTS)) if kind == "characters" else {"one", "two", "too"})


@given(st.lists(st.text(st.sampled_from("ab é中"), max_size=12), min_size=1), st.sampled_from(["characters", "words"]))
def test_there_and_back(texts: list[str], kind: str) -> None:
    units = Units.learn(texts, kind)  # type: ignore[arg-type]
    assert units.decode(units.encode(texts)) == [" ".join(text.split()) for text in texts]
    again = Units(**units.page())  # type: ignore[arg-type]
    assert again.labels == units.labels
    for text, axis in zip(texts, units.axes_of(units.encode(texts)), strict=True):
        assert len(axis) == len(units.encode([text])[0]) + 1


def test_what_training_did_not_have() -> None:
    units = Units.learn(TEXTS, "words")
    assert units.encode(["one three"])[0][1] == UNKNOWN
    assert units.decode(units.encode(["one three two"])) == ["one two"]


def test_characters_lie_on_their_words() -> None:
    units = Units.learn(TEXTS, "characters")
    (axis,) = units.axes_of(units.encode(["to one"]))
    assert axis.labels == ("t", "o", "\u2581", "o", "n", "e", "</s>")
    assert axis.spans == ((0, 1), (0, 1), None, (1, 2), (1, 2), (1, 2), None)
    assert axis.parent is not None
    assert axis.parent.labels == ("to", "one")


def test_an_empty_text_has_an_end() -> None:
    units = Units.learn(TEXTS, "characters")
    assert units.axes_of([[]])[0].labels == ("</s>",)
    assert units.decode([[]]) == [""]


def test_plain_text() -> None:
    assert plain("Don't  STOP, (here)_now: 3 cm — é!") == "don't stop here now 3 cm é"
