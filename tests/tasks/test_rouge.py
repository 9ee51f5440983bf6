"""ROUGE against the rouge-score package and by hand, in English and Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.tasks._rouge import (
    MEASURES,
    common,
    english_tokens,
    rouge,
    rouge_scores,
    rouge_tokenizer,
    tokens_of_any_language,
)
from attentionflow.tasks._simple_summaries import utterances

TEXT = "the cat sat on a mat. It's 3:30! Tom's dog-house? und Naïve £5 THE Cat"
WORDS = st.sampled_from(TEXT.split())
TEXTS = st.lists(st.lists(WORDS, max_size=9).map(" ".join), max_size=4).map("\n".join)

# As rouge-score 0.1.2 prints them, without a stemmer, sentences on lines of their own.
REFERENCE = (
    (
        "the cat sat on the mat",
        "the cat is on the mat",
        (0.8333333333333334, 0.6, 0.8333333333333334, 0.8333333333333334),
    ),
    (
        "He left. She stayed at home.",
        "She stayed. He left home.",
        (0.9090909090909091, 0.4444444444444445, 0.5454545454545454, 0.9090909090909091),
    ),
    ("", "a summary", (0.0, 0.0, 0.0, 0.0)),
    ("Don't!", "don t", (1.0, 1.0, 1.0, 1.0)),
)


@pytest.mark.parametrize(("hypothesis", "reference", "expected"), REFERENCE)
def test_known_figures(hypothesis: str, reference: str, expected: tuple[float, ...]) -> None:
    assert rouge(hypothesis, reference, english_tokens) == expected


@settings(max_examples=300, derandomize=True)
@given(TEXTS, TEXTS)
def test_english_is_that_of_rouge_score_to_the_last_digit(hypothesis: str, reference: str) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="the reference: pip install rouge-score")
    lines = ["\n".join(utterances(text)) for text in (reference, hypothesis)]
    expected = scorer.RougeScorer(list(MEASURES)).score(*lines)
    assert rouge(hypothesis, reference, english_tokens) == tuple(expected[name].fmeasure for name in MEASURES)


@pytest.mark.parametrize(
    "text", ["北京2号线明天停运。", "明天见！\n好的，小李。", "Größe und Höhe", "Привет, мир", "今日はiPhoneを買った"]
)
def test_identical_texts_score_100_in_any_language(text: str) -> None:
    found = rouge_scores([text], [text], intervals=False)
    assert [score.value for score in found.values()] == [100.0] * 4
    assert "tok:any" in found["rouge1"].signature


def test_chinese_is_by_characters_and_other_words_are_whole() -> None:
    assert tokens_of_any_language("北京2号线，iPhone很好！") == ["北", "京", "2", "号", "线", "iphone", "很", "好"]
    assert rouge("小李来了", "小王来了", tokens_of_any_language)[0] == 0.75
    assert rouge("abc", "Größe", tokens_of_any_language) == (0.0,) * 4


def test_a_few_foreign_letters_leave_english_what_it_is() -> None:
    plain = "A long summary of what was said by all of them. "
    assert rouge_tokenizer([plain * 3 + "They met at the café."])[0] == "en"
    assert rouge_tokenizer(["我们明天去游泳"])[0] == "any"
    assert rouge_tokenizer([])[0] == "en"


def test_means_and_intervals_are_over_texts() -> None:
    found = rouge_scores(["a b", "c", "x"] * 20, ["a b", "d", "x y"] * 20, intervals=True)
    assert found["rouge1"].value == pytest.approx(100 * (1 + 0 + 2 / 3) / 3)
    low, high = found["rouge1"].interval
    assert low < found["rouge1"].value < high
    assert rouge_scores([], [], intervals=True)["rouge2"].value == 0.0


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    def longest(a: tuple[str, ...], b: tuple[str, ...]) -> int:
        if not a or not b:
            return 0
        if a[-1] == b[-1]:
            return 1 + longest(a[:-1], b[:-1])
        return max(longest(a[:-1], b), longest(a, b[:-1]))

    at = common(one, other)
    assert len(at) == longest(tuple(one), tuple(other))
    rest = iter(one)
    assert all(other[i] in rest for i in at), "in the order of the other text too"
