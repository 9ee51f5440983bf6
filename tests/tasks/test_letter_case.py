"""Case put back into lower-cased text."""

from __future__ import annotations

from pathlib import Path

from attentionflow.tasks._letter_case import LetterCase

TRAINING = [
    "Tomorrow Ann meets Bob in New York. They like May and the BBC.",
    "Bob and Ann met in may. The film was fine.",
]


def test_words_are_written_as_training_mostly_did_and_sentences_begin_large() -> None:
    case = LetterCase.learn(TRAINING)
    assert case("ann met bob. they saw the bbc", "") == "Ann met Bob. They saw the BBC"
    assert case("the film", "THE FILM") == "The film"


def test_an_unknown_word_is_written_as_in_the_source() -> None:
    case = LetterCase.learn(TRAINING)
    assert case("then zoë called mcdonald.", "Zoë: I called McDonald. mcDonald McDonald") == "Then Zoë called McDonald."


def test_where_training_wrote_small_so_does_it() -> None:
    assert LetterCase.learn(["all small. always", "and here"])("ann came. she left", "") == "ann came. she left"


def test_text_without_case_stays(tmp_path: Path) -> None:
    case = LetterCase.learn(["小李和小王去游泳。", "小张来了。"])
    assert case("小李来了。小王走了。", "小李：好") == "小李来了。小王走了。"
    case.save(tmp_path / "case.json")
    again = LetterCase.load(tmp_path / "case.json")
    assert (again.forms, again.capital) == (case.forms, case.capital)
