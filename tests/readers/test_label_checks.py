"""Each fault of labelled texts is found, counted and placed."""

from __future__ import annotations

import pytest

from attentionflow.readers.label_checks import check_texts
from attentionflow.readers.labelled_texts import LabelledText


def text(words: str, label: str | None = "a", place: int = 0, part: bool = False) -> LabelledText:
    return LabelledText(words, None if label is None else (label,) if label else (), f"t:{place}", part)


GOOD = [text(f"words {i}", "ab"[i % 2], i) for i in range(20)]


def said(*more: LabelledText, test: list[LabelledText] | None = None) -> dict[str, tuple[str, int]]:
    splits = {"train": [*GOOD, *more]} | ({} if test is None else {"test": test})
    return {finding.what: (finding.severity, finding.count) for finding in check_texts(splits)}


def test_good_texts_are_only_described() -> None:
    found = said()
    assert {severity for severity, _ in found.values()} == {"info"}
    assert any("20 texts, 2 different labels" in what for what in found)
    assert any("the most frequent is a (10 texts), the rarest b (10)" in what for what in found)


@pytest.mark.parametrize(
    ("wrong", "severity", "what"),
    [
        (text(""), "error", "the text is empty"),
        (text("x", ""), "error", "there is no label"),
        (text("x \ufffd"), "warning", "U\\+FFFD"),
        (text("words 0", "a"), "warning", "a repetition of an earlier text and label"),
        (text("words 0", "b"), "warning", "an earlier text again, with another label"),
        (text("x", "c"), "warning", "fewer than 5 texts: c"),
        (text("x", "A"), "warning", "differ in capitals alone: A, a"),
        (text("words 0", "b", part=True), "info", "an earlier text again"),
    ],
)
def test_every_fault_is_found(wrong: LabelledText, severity: str, what: str) -> None:
    import re

    found = [kind for name, (kind, _) in said(wrong).items() if re.search(what, name)]
    assert found == [severity]


def test_splits_are_compared_with_train() -> None:
    found = said(test=[text("words 1", "b"), text("new", "z")])
    assert found["test: 1 of 2 texts: a label that no training text has"] == ("warning", 1)
    assert found["test: 1 of 2 texts: the text is in train too"] == ("warning", 1)


def test_one_label_or_no_text_is_an_error() -> None:
    (first, *_) = check_texts({"train": [text("x")], "val": []})
    assert first.severity == "error"
    assert {
        finding.what for finding in check_texts({"train": [text("x")], "val": []}) if finding.severity == "error"
    } == {
        "train: 1 labels; there must be two to tell apart",
        "val: no texts",
    }
