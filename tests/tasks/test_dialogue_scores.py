"""Scores of replies against their definitions, and the simple methods."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from attentionflow.errors import UserError
from attentionflow.readers.dialogues import Dialogue, Exchanges, Turn
from attentionflow.readers.vocabulary import WORD
from attentionflow.tasks._dialogue_scores import Reply, bleu_scores, distinct, reply_scores, words
from attentionflow.tasks._dialogue_tokens import DialogueTokens
from attentionflow.tasks._simple_replies import simple_replies

WRITTEN = ["I like tea very much .", "I see .", "That is a good idea , is it not ?", "I do not know ."]
RIGHT = ["I like coffee very much .", "Oh , I see .", "What a good idea !", "Nobody knows it yet ."]


def test_perplexity_by_word_with_the_end_as_a_word() -> None:
    found = reply_scores([Reply("x", 6.0, 1.0, 10), Reply("y", 4.0, 0.0, 10)], ["a b c", "你好"], cheap=True)
    assert found["word_perplexity"].value == pytest.approx(math.exp(10 / (4 + 3)))
    assert words("don't 你好, 12!") == ["don't", "你", "好", ",", "12", "!"]


def test_recall_counts_ties_as_lots() -> None:
    replies = [Reply("x", 1.0, first, 10) for first in (1.0, 0.5, 0.0, 0.1)]
    found = reply_scores(replies, ["a"] * 4, cheap=False)["recall_at_1_of_10"]
    assert found.value == pytest.approx(0.4)
    assert found.interval is not None
    assert found.interval[0] < 0.4 < found.interval[1]
    assert "candidates" not in found.signature
    few = reply_scores([Reply("x", 1.0, 1.0, 10), Reply("x", 1.0, 1.0, 4)], ["a"] * 2, cheap=True)
    assert "4 to 10 candidates" in few["recall_at_1_of_10"].signature


def plain_bleu(written: list[list[str]], right: list[list[str]], most: int) -> float:
    """Papineni et al. 2002 with one reference a text, over the whole set."""
    precisions = []
    for n in range(1, most + 1):
        found = total = 0
        for one, other in zip(written, right, strict=True):
            mine, theirs = (Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1)) for text in (one, other))
            found += (mine & theirs).total()
            total += mine.total()
        precisions.append(found / total)
    lengths = sum(map(len, written)), sum(map(len, right))
    brevity = min(1.0, math.exp(1 - lengths[1] / lengths[0]))
    return 100 * brevity * math.prod(precisions) ** (1 / most)


@pytest.mark.parametrize("n", [1, 2])
def test_bleu_is_its_formula(n: int) -> None:
    theirs = plain_bleu([WORD.findall(text) for text in WRITTEN], [WORD.findall(text) for text in RIGHT], n)
    assert bleu_scores(WRITTEN, RIGHT)[f"bleu{n}"].value == pytest.approx(theirs, rel=1e-6)


def test_bleu_by_hand() -> None:
    """One 1-gram of two is right, and the reply is half as long as the reference."""
    found = bleu_scores(["a b"], ["a c d e"])
    assert found["bleu1"].value == pytest.approx(100 * 0.5 * math.exp(1 - 4 / 2))
    assert "max n:1" in found["bleu1"].signature


def test_bleu_of_chinese_is_by_character() -> None:
    found = bleu_scores(["我喜欢茶"], ["我喜欢水"])
    assert found["bleu1"].value == pytest.approx(75.0)
    assert "tok:zh" in found["bleu1"].signature


def test_distinct_n() -> None:
    assert distinct(["I see", "i see you"], 1).value == 3 / 5
    assert distinct(["I see", "i see you"], 2).value == 2 / 3
    assert distinct(["", "x"], 2).value == 0


def test_what_was_not_written_has_no_bleu_and_what_is_not_known_no_score() -> None:
    assert set(reply_scores([Reply(None, 1.0, 1.0, 10)], ["a"], True)) == {"word_perplexity", "recall_at_1_of_10"}
    with pytest.raises(UserError, match="no reply of these dialogues is known"):
        reply_scores([Reply("a")], [None], True)


def test_simple_methods_do_what_they_say() -> None:
    turns = [("the red dog", "a dog barks"), ("the blue car", "a car stops"), ("the green tree", "a tree grows")]
    made = [Dialogue((Turn("A", a), Turn("B", b)), f"f:{i}") for i, (a, b) in enumerate([*turns, *turns, turns[0]])]
    train, test = Exchanges(made, False), list(Exchanges(made[:3], True))
    found = simple_replies(train, test, DialogueTokens.learn(train, 128, 64, 32), 0)
    guessed, similar = found.values()
    assert [one.text for one in guessed] == ["a dog barks"] * 3
    assert [one.first for one in guessed] == [pytest.approx(1 / 3)] * 3
    assert [one.text for one in similar] == [b for _, b in turns]
    assert [one.first for one in similar] == [1.0] * 3
    assert all(a.nats < b.nats for a, b in zip(similar, guessed, strict=True))
