"""The data sets of summarisation: what is made follows its rule, what is published is split as it should be."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from attentionflow.datasets import arrangements, samsum
from attentionflow.datasets._fetch import VARIABLE
from attentionflow.errors import UserError

# Arrangements


def test_chats_depend_on_the_seed_the_split_and_the_index_alone() -> None:
    splits, again = arrangements.read(), arrangements.read()
    assert {split: len(chats) for split, chats in splits.items()} == arrangements.LENGTHS
    assert splits["train"][7] == again["train"][7]
    assert splits["train"][7:9][1] == splits["train"][8]
    others = [splits["val"][7], splits["test"][7], arrangements.read(seed=1)["train"][7], splits["train"][9]]
    assert len({splits["train"][7].source, *(other.source for other in others)}) == 5
    assert splits["test"][-1].where == "arrangements/test:500"


def test_the_summary_says_what_was_agreed_last() -> None:
    for chat in arrangements.read()["train"][:400]:
        if chat.target.endswith("cannot come.") or "来不了" in chat.target:
            continue
        time = re.findall(r"\d+:\d\d", chat.target)[0]
        said = [re.findall(r"\d+:\d\d", line) for line in chat.source.splitlines()]
        moved = [
            line for line in chat.source.splitlines() if re.search("Could we say|is .* all right|行吗|可以吗", line)
        ]
        assert time == (re.findall(r"\d+:\d\d", moved[-1])[-1] if moved else said[0][-1])


def test_both_languages_and_every_kind_of_summary_are_there() -> None:
    summaries = [chat.target for chat in arrangements.read()["train"][:200]]
    assert sum("cannot come" in one for one in summaries) > 5
    assert sum("来不了" in one for one in summaries) > 5
    assert sum(bool(re.search("[一-龥]", one)) for one in summaries) == 100


def test_names_of_the_test_split_are_mostly_new() -> None:
    splits = arrangements.read()
    names = [{chat.source.split(sep)[0] for chat in chats for sep in ": ：" if sep in chat.source.splitlines()[0][:30]}
             for chats in (splits["train"][:2000], splits["test"])]  # fmt: skip
    assert len(names[1] - names[0]) > 0.5 * len(names[1])


def test_there_is_one_direction() -> None:
    for module in (arrangements, samsum):
        with pytest.raises(UserError, match="one direction"):
            module.read(source="dialogue")


# SAMSum


def test_samsum_is_what_it_promises() -> None:
    if not Path(os.environ.get(VARIABLE) or "/nowhere", "samsum").is_dir():
        pytest.skip(f"no samsum in the folder that {VARIABLE} names")
    splits = samsum.read()
    assert {split: len(pairs) for split, pairs in splits.items()} == {"train": 14_731, "val": 818, "test": 819}
    assert splits["train"][0].source.startswith("Amanda: I baked")
    assert splits["train"][0].target.startswith("Amanda baked cookies")
    assert all(pair.source and pair.target for pairs in splits.values() for pair in pairs)
