"""Named data sets of running text: where they are cut, and what they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attentionflow.datasets import load_dataset, python_topics, tinyshakespeare, wikitext2
from attentionflow.datasets._fetch import VARIABLE
from attentionflow.readers.passages import Cut, blocks
from attentionflow.readers.units import UNKNOWN, Words

CUT = Cut(128, False, 1)


def need(name: str) -> None:
    folder = os.environ.get(VARIABLE)
    if not folder or not (Path(folder) / name).is_dir():
        pytest.skip(f"{VARIABLE} names no folder with {name}")


def test_python_topics_are_texts_in_the_order_of_their_names() -> None:
    splits = python_topics.read(CUT)
    assert list(splits) == ["train", "val", "test"]
    text = "".join("".join(blocks(splits[split])) for split in splits)
    assert text.startswith('The "assert" statement')
    assert len(text) > 300_000
    for split, length in python_topics.LENGTHS.items():
        assert abs(splits[split].nbytes - length) < 1200
    assert len(splits["test"]) >= 200
    assert load_dataset("python_topics").size == 0


def test_tinyshakespeare_is_cut_as_nanogpt_cuts_it() -> None:
    need("tinyshakespeare")
    splits = tinyshakespeare.read(CUT)
    texts = {split: "".join(blocks(passages)) for split, passages in splits.items()}
    assert {split: len(text) for split, text in texts.items()} == {"train": 953_854, "val": 50_000, "test": 111_540}
    assert texts["train"].startswith("First Citizen:\nBefore we proceed")
    assert len(set("".join(texts.values()))) == 65


def test_wikitext2_has_the_published_numbers_of_words() -> None:
    need("wikitext2")
    splits = wikitext2.read(Cut(1024, True, 2))
    units = Words.learn(blocks(splits["train"]), 40_000)
    assert len(units) - 1 == 33_278
    for split, count in {"val": 217_646, "test": 245_569}.items():
        ids = [ids for text in blocks(splits[split]) for ids in units.encode([text])]
        assert sum(map(len, ids)) == count
        assert not any((part > len(units)).any() for part in ids)
        assert sum(int((part == UNKNOWN).sum()) for part in ids) > 0
