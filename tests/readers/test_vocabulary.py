"""Sub-words: texts come back, special tokens cannot be typed, and every sub-word lies on its word."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import UserError
from attentionflow.readers.vocabulary import BYTES, END, PAD, SPECIAL, START, UNKNOWN, Vocabulary
from attentionflow.records import Axis

ENGLISH = [
    "The quick brown fox jumps over the lazy dog.",
    "The dog isn't as quick as a well-known fox, is it?",
    "In 2016, 31 dogs slept; 204 foxes did not (or so they say).",
    "Crème brûlée costs 7% more than a café au lait, naïve as that is!",
    "<pad> </s> tags: a/b.",
] * 4
CHINESE = [
    "我们在公园里看见一只猫。",
    "他喜欢吃苹果和香蕉,我们也喜欢。",
    "天气很好,我们去公园散步吧!",
    "".join(map(chr, range(0x4E00, 0x4E00 + 300))),  # so many characters that the rare ones are spelt
] * 2

english = Vocabulary.learn(ENGLISH, 260)
chinese = Vocabulary.learn(CHINESE, 340)

known = sorted(set("".join(ENGLISH)) - {" "})
words = st.text(st.sampled_from(known), min_size=1, max_size=8)
known_texts = st.lists(words, min_size=1, max_size=6).map(" ".join)
# Letters from everywhere, with what a normal form composes; \u2581 stands for the blank, and surrogates are no text.
any_texts = st.lists(
    st.text(
        st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S"], exclude_characters="\u2581"), min_size=1
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


def ids_of(vocabulary: Vocabulary, text: str) -> list[int]:
    return vocabulary.encode([text])[0]


def covered(axis: Axis) -> list[tuple[str, str | None]]:
    """Each label with the words that it lies on."""
    return [
        (label, None if span is None else " ".join(axis.parent.labels[slice(*span)]))
        for label, span in zip(axis.labels, axis.spans, strict=True)
    ]


# There and back


@given(known_texts)
def test_a_text_of_known_characters_comes_back(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    ids = ids_of(english, text)
    assert english.decode([ids]) == [text]
    assert UNKNOWN not in ids


@given(any_texts)
def test_any_text_comes_back_where_rare_characters_are_spelt(text: str) -> None:
    assert chinese.decode([ids_of(chinese, text)]) == [unicodedata.normalize("NFC", text)]


def test_rare_chinese_characters_are_spelt_in_bytes() -> None:
    text = "我们龘我们𠀀。"
    ids = ids_of(chinese, text)
    spelt = [chinese.decode([list(run)])[0] for byte, run in groupby(ids, lambda i: i < len(SPECIAL + BYTES)) if byte]
    assert spelt == ["龘", "𠀀"]
    assert chinese.decode([ids]) == [text]
    assert len(ids_of(chinese, "我们")) < len("我们".encode())


def test_unseen_characters_are_one_unknown_where_none_are_spelt() -> None:
    ids = ids_of(english, "The 熊猫 dog")
    assert ids.count(UNKNOWN) == 1
    assert english.decode([ids]) == ["The <unk> dog"]


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert ids_of(english, unicodedata.normalize("NFD", "Crème brûlée")) == ids_of(english, "Crème brûlée")


def test_digits_and_punctuation_stand_alone() -> None:
    axis = english.axes(["In 2016, (31)"])[0]
    assert [label for label in axis.labels if label != "▁"][1:] == [*"2016,(31)", "</s>"]


def test_the_vocabulary_has_at_most_the_size_asked_for() -> None:
    assert len(english) <= 260
    assert len(chinese) <= 340
    assert max(map(max, english.encode(ENGLISH))) < len(english)
    with pytest.raises(UserError, match="take at least 68"):
        Vocabulary.learn(["ab"], 67)
    with pytest.raises(UserError, match="take at least 324"):
        Vocabulary.learn(CHINESE, 323)


# Special tokens


@pytest.mark.parametrize("vocabulary", [english, chinese], ids=["english", "chinese"])
@pytest.mark.parametrize("token", [*SPECIAL, "<0x41>"])
def test_a_special_token_that_is_typed_is_text(vocabulary: Vocabulary, token: str) -> None:
    for text in (token, f"The {token} dog", f"a{token}"):
        ids = ids_of(vocabulary, text)
        assert {PAD, START, END}.isdisjoint(ids)
        if UNKNOWN not in ids:
            assert vocabulary.decode([ids]) == [text]
    assert len(ids_of(vocabulary, token)) > 1


def test_texts_are_encoded_without_start_and_end() -> None:
    assert english.encode(["", "The dog"])[0] == []
    assert {START, END}.isdisjoint(ids_of(english, "The dog"))


# Axes


def test_sub_words_lie_on_their_words() -> None:
    vocabulary = Vocabulary.learn(["the dog isn't well-known"] * 3, 68)
    axis = vocabulary.axes(["the dog isn't"])[0]
    assert axis.kind == "token"
    assert axis.parent.kind == "word"
    assert axis.parent.labels == ("the", "dog", "isn't")
    assert axis.parent.spans == ((0, 3), (4, 7), (8, 13))
    assert axis.parent.preview == "the dog isn't"
    pairs = covered(axis)
    assert pairs[-1] == ("</s>", None)
    for word in axis.parent.labels:
        assert "".join(label for label, on in pairs if on == word) == word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("well-known, isn't it?", ["well-known", ",", "isn't", "it", "?"]),
        ("我们喜欢cats和2只dogs。", ["我", "们", "喜", "欢", "cats", "和", "2", "只", "dogs", "。"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("مُحَمَّد", ["مُحَمَّد"]),
        (unicodedata.normalize("NFD", "crème brûlée"), [*unicodedata.normalize("NFD", "crème brûlée").split()]),
        ("2024-03-15 T-shirt", ["2024", "-", "03", "-", "15", "T-shirt"]),
        ("l’été - \u201cici\u201d", ["l’été", "-", "\u201c", "ici", "\u201d"]),
        ("", []),
    ],
)
def test_words_are_what_readers_call_words(text: str, expected: list[str]) -> None:
    assert list(chinese.axes([text])[0].parent.labels) == expected


@given(known_texts | any_texts)
def test_every_sub_word_of_any_text_lies_on_its_word(text: str) -> None:
    """Letters stand on a word that holds them, in order, and only blanks and the end stand on none."""
    axis = chinese.axes([text])[0]
    assert len(axis) == len(ids_of(chinese, text)) + 1
    assert axis.labels[-1] == SPECIAL[END]
    assert axis.spans[-1] is None
    words_text = "".join(text[a:b] for a, b in axis.parent.spans)
    assert words_text == "".join(text.split())
    reached = 0
    for label, span in zip(axis.labels[:-1], axis.spans[:-1], strict=True):
        if span is None:
            assert label == "▁"
            continue
        first, last = span
        assert reached <= last
        assert label in "".join(axis.parent.labels[first:last])
        reached = max(reached, last)
    assert reached == len(axis.parent)


@given(known_texts | any_texts)
def test_the_axis_of_ids_is_that_of_their_text(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert chinese.axes_of([ids_of(chinese, text)])[0] == chinese.axes([text])[0]


@given(known_texts)
def test_the_axis_of_ids_without_spelling_is_that_of_their_text(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert english.axes_of([ids_of(english, text)])[0] == english.axes([text])[0]


def test_bytes_that_spell_nothing_each_have_their_place() -> None:
    """A model may write any bytes."""
    letters = ids_of(chinese, "我们")
    broken = chinese.encode(["龘"])[0][-2:]
    axis = chinese.axes_of([[*letters, *broken, *letters]])[0]
    text = axis.parent.preview
    assert text.count("�") == 2
    assert [label for label, _ in covered(axis)].count("�") == 2
    assert len(axis) == 2 * len(letters) + 2 + 1
    assert axis.spans[-2][1] == len(axis.parent)


def test_a_cut_axis_keeps_its_first_sub_words_and_the_end() -> None:
    whole, cut = english.axes([ENGLISH[0]])[0], english.axes([ENGLISH[0]], most=3)[0]
    assert cut.labels == (*whole.labels[:3], SPECIAL[END])
    assert cut.spans == (*whole.spans[:3], None)
    assert cut.parent == whole.parent


# Files


@pytest.mark.parametrize("vocabulary", [english, chinese], ids=["english", "chinese"])
def test_a_loaded_vocabulary_is_the_saved_one(tmp_path: Path, vocabulary: Vocabulary) -> None:
    vocabulary.save(tmp_path / "vocabulary.json")
    loaded = Vocabulary.load(tmp_path / "vocabulary.json")
    texts = [*ENGLISH, *CHINESE, "</s> 龘 xyz"]
    assert len(loaded) == len(vocabulary)
    assert loaded.encode(texts) == vocabulary.encode(texts)
    ids = vocabulary.encode(texts)
    assert loaded.decode(ids) == vocabulary.decode(ids)
    assert loaded.axes_of(ids) == vocabulary.axes_of(ids)


def test_learning_is_reproducible() -> None:
    again = Vocabulary.learn(ENGLISH, 260)
    assert again.encode(ENGLISH) == english.encode(ENGLISH)


# Words that can be copied

CHAT = "Tim: Hi,  what's up?\n\nKim: bad mood \r\n Tim: at 10:30? 小明去北京。"
loose = Vocabulary.learn([CHAT] * 5, 420, lowercase=True, loose=True)


def test_a_word_is_the_same_tokens_wherever_it_stands() -> None:
    (tim,), (kim,) = loose.encode(["tim"]), loose.encode(["Kim"])
    for text in ("Tim", "say Tim", "hi\nTim", "\n  TIM", "(no) Tim: no"):
        ids = ids_of(loose, text)
        assert any(ids[i : i + len(tim)] == tim for i in range(len(ids))), text
    (chat,) = loose.encode([CHAT])
    assert chat.count(loose.line_end) == 2
    assert [chat[i + 1 : i + 1 + len(kim)] == kim for i, id in enumerate(chat) if id == loose.line_end] == [True, False]
    assert loose.decode([chat]) == ["tim: hi, what's up? \n kim: bad mood \n tim: at 10:30? 小明去北京。"]


def test_characters_without_blanks_between_them_stand_alone() -> None:
    (axis,) = loose.axes(["北京小明"])
    assert [label for label in axis.labels if label != "▁"] == ["北", "京", "小", "明", "</s>"]


@given(any_texts)
def test_no_character_is_unknown_to_a_loose_vocabulary(text: str) -> None:
    lowered = unicodedata.normalize("NFC", text).lower()
    ids = ids_of(loose, lowered)
    assert UNKNOWN not in ids
    assert loose.decode([ids])[0].split() == lowered.split()


def test_line_ends_are_shown_and_cover_no_word(tmp_path: Path) -> None:
    for (axis,) in (loose.axes([CHAT]), loose.axes_of([ids_of(loose, CHAT)])):
        at = [i for i, label in enumerate(axis.labels) if label == "⏎"]
        assert len(at) == 2
        assert axis.spans is not None
        assert [axis.spans[i] for i in at] == [None, None]
    loose.save(tmp_path / "v.json")
    again = Vocabulary.load(tmp_path / "v.json")
    assert again.encode([CHAT]) == loose.encode([CHAT])
    assert again.line_end == loose.line_end
    assert english.line_end is None
