"""Units of running text: what is encoded reads the same again, and every unit has its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.readers.units import (
    FIRST,
    KINDS,
    SPECIAL,
    UNKNOWN,
    BytePairs,
    Bytes,
    Characters,
    Units,
    Words,
    load_units,
)

TEXT = "Where is the cat?\nThe cat is here.  Naïve café — 你好，世界！🙂\n\tdef f(x): return x\n" * 3
ANY = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n\t你好ä🙂"), max_size=40)


@pytest.fixture(scope="module", params=KINDS)
def units(request: pytest.FixtureRequest) -> Units:
    return KINDS[request.param].learn([TEXT], 400)


def test_a_training_text_reads_the_same_again(units: Units) -> None:
    (ids,) = units.encode([TEXT])
    assert ids.min() >= SPECIAL
    assert ids.max() < len(units)
    written = units.decode(ids.tolist())
    if isinstance(units, Words):
        assert written.split() == TEXT.split()
        assert written.count("\n") == TEXT.count("\n")
    else:
        assert written == TEXT


@pytest.mark.parametrize("kind", [Bytes, BytePairs])
@settings(max_examples=60, deadline=None)
@given(text=ANY)
def test_bytes_and_byte_pairs_know_every_text(kind: type[Units], text: str) -> None:
    units = kind.learn([TEXT], 400)
    (ids,) = units.encode([text])
    assert not (ids == UNKNOWN).any()
    assert units.decode(ids.tolist()) == text


@settings(max_examples=60, deadline=None)
@given(text=ANY)
def test_unknown_characters_and_words_are_counted_one_for_one(text: str) -> None:
    (ids,) = Characters.learn([TEXT], 400).encode([text])
    assert len(ids) == len(text)
    assert int((ids == UNKNOWN).sum()) == sum(character not in TEXT for character in text)
    (ids,) = Words.learn([TEXT], 400).encode([text])
    words = [word for line in text.split("\n") for word in line.split()]
    assert len(ids) == len(words) + text.count("\n")
    assert int((ids == UNKNOWN).sum()) == sum(word not in TEXT.split() for word in words)


def test_texts_are_encoded_each_for_itself(units: Units) -> None:
    texts = ["The cat", "", "is here"]
    together = units.encode(texts)
    assert [len(ids) for ids in together] == [len(units.encode([text])[0]) for text in texts]
    assert units.encode([]) == []


def test_units_come_back_from_their_file(units: Units, tmp_path: Path) -> None:
    units.save(tmp_path / "units.json")
    again = load_units(tmp_path / "units.json")
    assert type(again) is type(units)
    assert again.pieces == units.pieces
    np.testing.assert_array_equal(again.encode([TEXT])[0], units.encode([TEXT])[0])


def test_the_most_frequent_units_are_kept() -> None:
    assert len(Characters.learn([TEXT], 10)) == SPECIAL + 10
    words = Words.learn(["a a a b b c <unk> <unk> <unk> <unk>"], 2)
    assert words.encode(["a b c <unk>"])[0].tolist() == [2, 3, UNKNOWN, UNKNOWN]
    assert len(BytePairs.learn([TEXT], 300)) <= SPECIAL + 300


def test_every_unit_lies_on_its_characters(units: Units) -> None:
    (ids,) = units.encode([TEXT])
    axis = units.axis(ids[:60].tolist())
    assert axis.labels[0] == "<s>"
    assert axis.spans is not None
    assert axis.parent is not None
    assert axis.spans[0] is None, "what a window begins with is no part of the text"
    text, parts = axis.parent.preview, axis.parent.spans
    assert text is not None
    assert parts is not None
    assert "".join(text[int(a) : int(b)] for a, b in parts) == text, "the parts make up the text"
    first = 0
    for unit, span in zip(ids[:60].tolist(), axis.spans[1:], strict=True):
        assert span is not None
        covered = text[int(parts[int(span[0])][0]) : int(parts[int(span[1]) - 1][1])]
        piece = units.pieces[unit].decode("utf-8", errors="replace").replace("\ufffd", "")
        assert piece in covered
        assert span[0] >= first
        first = int(span[0])


def test_blanks_have_labels_that_can_be_seen() -> None:
    units = Characters.learn([TEXT], 400)
    (ids,) = units.encode(["a \n\t"])
    assert units.axis(ids.tolist()).labels == ("<s>", "a", "␣", "⏎", "⇥")
    assert units.label(FIRST) == "<s>"
    assert units.label(UNKNOWN) == "<unk>"
