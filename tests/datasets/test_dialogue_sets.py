"""The sets of dialogues: the made one follows its rule, the public one holds what its page says."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from attentionflow.datasets import bookings, dailydialog
from attentionflow.readers.dialogues import Dialogue, Exchanges, Turn


def test_bookings_depend_on_seed_split_and_index_alone() -> None:
    splits, notes = bookings.read(0)
    assert {name: len(one) for name, one in splits.items()} == bookings.LENGTHS
    assert "made by a rule" in notes[0]
    assert splits["train"][5] == splits["train"][:9][5] == bookings.read(0)[0]["train"][5]
    assert splits["train"][5] != bookings.read(1)[0]["train"][5]
    assert splits["train"][5].turns != splits["val"][5].turns
    with pytest.raises(IndexError):
        splits["val"][60]


def answered(dialogue: Dialogue, language: bookings.Language) -> int:
    """Checks every reply against what the guest has said so far; how many facts were asked back."""
    facts: dict[str, str] = {}
    asked = 0
    kinds = list(language.facts)

    def spoken(text: str) -> str:
        return text[:1].upper() + text[1:]

    for number, (said, reply) in enumerate(zip(dialogue.turns[::2], dialogue.turns[1::2], strict=True)):
        assert (said.role, reply.role) == (bookings.GUEST, bookings.DESK)
        if number < len(kinds):
            kind = kinds[number]
            (facts[kind],) = [
                fact
                for fact in language.facts[kind]
                if said.text in [spoken(told.format(fact)) for told in language.told[kind]]
            ]
            assert reply.text == spoken(language.noted[kind].format(facts[kind]))
        elif said.text in (language.summed[0], language.bye[0]):
            answer = language.summed[1] if said.text == language.summed[0] else language.bye[1]
            assert reply.text == spoken(answer.format(**facts))
        elif kind := next((kind for kind in kinds if said.text in language.asked[kind]), ""):
            asked += 1
            assert reply.text == spoken(language.answer.format(facts[kind]))
        else:
            ((kind, fact),) = [
                (kind, fact)
                for kind in kinds
                for fact in language.facts[kind]
                if said.text == spoken(language.corrected.format(facts[kind], fact))
            ]
            facts[kind] = fact
            assert reply.text == spoken(language.mended.format(facts[kind]))
    return asked


def test_every_reply_of_the_desk_follows_from_what_was_said() -> None:
    splits, _ = bookings.read(0)
    dialogues = splits["train"][:200]
    asked = sum(answered(one, bookings.LANGUAGES[i % 2]) for i, one in enumerate(dialogues))
    assert asked > 200
    lengths = [len(one.turns) for one in dialogues]
    assert (min(lengths), max(lengths)) == (12, 20)


# DailyDialog, from small files of its kind


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"dialogues_{name}.txt").write_text(text, encoding="utf-8")
    return folder


def test_training_is_the_rest_without_what_is_in_val_or_test_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = files(
        tmp_path,
        text="Hi ! __eou__ It\u2019s me . __eou__\nBye . __eou__ So long . __eou__\nHI __eou__ Its me __eou__\n"
        "One . __eou__ Two . __eou__\nA \u201cb\u201d __eou__ C __eou__\n",
        validation="Hi ! __eou__ It's me . __eou__\n",
        test="One . __eou__ Two . __eou__\n",
    )
    monkeypatch.setattr(dailydialog, "fetch", lambda dataset: folder)
    splits, notes = dailydialog.read()
    assert [one.turns[0].text for one in splits["train"]] == ["Bye .", 'A "b"']
    assert splits["val"][0].turns == (Turn("A", "Hi !"), Turn("B", "It's me ."))
    assert notes == ["1 of 3 training dialogues are in val or test too; they were left out"]


@pytest.mark.skipif(
    not (Path(os.environ.get("ATTENTIONFLOW_DATA", "/nowhere")) / "dailydialog").is_dir(),
    reason="ATTENTIONFLOW_DATA has no folder dailydialog",
)
def test_dailydialog_is_what_its_page_says() -> None:
    splits, notes = dailydialog.read()
    assert {name: len(one) for name, one in splits.items()} == {"train": 10_808, "val": 1_000, "test": 1_000}
    assert (len(Exchanges(splits["val"], True)), len(Exchanges(splits["test"], True))) == (7_069, 6_740)
    assert notes == ["310 of 11,118 training dialogues are in val or test too; they were left out"]
    assert {turn.role for one in splits["test"] for turn in one.turns} == {"A", "B"}
    seen = Counter(dailydialog._key(one) for one in splits["train"])
    assert not any(seen[dailydialog._key(one)] for name in ("val", "test") for one in splits[name])
