"""Named sets of people's attention: their sizes and the figures known of them, where they are there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import _zuco, dataset_module, yelp_hat
from attentionflow.human.agreement import consensus, known_spearman, one_against_rest

DATA = Path(os.environ.get("ATTENTIONFLOW_DATA", "data"))


def needs(folder: str) -> None:
    if not (DATA / folder).is_dir():
        pytest.skip(f"{folder} is not in $ATTENTIONFLOW_DATA")


@pytest.mark.parametrize(
    ("name", "texts", "people", "alone"),
    [("zuco_normal", 295, 12, 0.498), ("zuco_sentiment", 256, 12, 0.538), ("zuco2_normal", 342, 18, 0.531)],
)
def test_zuco_by_person(name: str, texts: int, people: int, alone: float) -> None:
    needs("zuco_gaze")
    readings, notes = dataset_module(name).read()
    assert len(readings) == texts
    assert {len(one.people) for one in readings} == {people}
    assert all("".join(one.words) == "".join(one.text[a:b] for a, b in one.spans) for one in readings)
    found = np.concatenate([one_against_rest(one.attention) for one in readings])
    assert np.nanmean(found) == pytest.approx(alone, abs=0.001)
    assert "punctuation marks have no time" in notes[0]
    if name == "zuco_sentiment":
        labels = [one.label for one in readings]
        assert [labels.count(label) for label in ("positive", "neutral", "negative")] == [101, 78, 77]
        assert readings[0].text.startswith("Presents a good case while failing")
        assert "108 sentences that were cut" in notes[-1]


@pytest.mark.parametrize(("name", "texts", "length"), [("zuco", 924, 0.748), ("geco", 4926, 0.691)])
def test_averages_and_what_word_length_alone_reaches(name: str, texts: int, length: float) -> None:
    needs(f"{name}_gaze")
    readings, _ = dataset_module(name).read()
    assert len(readings) == texts
    found = [known_spearman(np.array([len(w) for w in one.words], float), consensus(one.attention)) for one in readings]
    assert np.nanmean(found) == pytest.approx(length, abs=0.001)


def test_yelp_maps_fit_their_reviews() -> None:
    needs("yelp_hat")
    readings, notes = yelp_hat.read()
    assert len(readings) == 1545
    assert sum(len(one.people) for one in readings) == 4853
    assert notes == []


def test_osie_has_all_fixations() -> None:
    needs("osie")
    pictures, _ = dataset_module("osie").read()
    assert len(pictures) == 700
    assert sum(len(one.points) for one in pictures) == 98_321
    assert {len(one.fixations) for one in pictures} == {15}
    pytest.importorskip("PIL", reason="pictures need the extra image")
    assert pictures[0].pixels is not None
    assert pictures[0].pixels().shape == (300, 400, 3)


def test_words_are_found_in_the_sentence_that_was_shown() -> None:
    assert _zuco._found("... A bland, murder-on-campus yawner.", ("a", "bland", "murder-on-campus", "yawner")) == (
        (4, 5),
        (6, 11),
        (13, 29),
        (30, 36),
    )
    assert _zuco._found("It isn't good.", ("it",)) is None  # cut
    assert _zuco._found("A good film", ("a", "film")) is None  # a word is missing


def test_what_plugins_leave_in_a_page_is_no_word() -> None:
    page = '<span>Good</span> <span class="active">&amp;<i class="chrome-extension"></i></span> <span> </span>'
    assert yelp_hat._marks(page) == [("Good", False), ("&", True)]
