"""What `data check` finds in running text."""

from __future__ import annotations

from attentionflow.readers.passage_checks import check_passages
from attentionflow.readers.passages import Cut, Passages, TextSource
from attentionflow.readers.units import Characters, Words

LINES = [f"a line of its own that is long enough, number {i}" for i in range(3000)]


def passages(lines: list[str]) -> Passages:
    text = "".join(f"{line}\n" for line in lines)
    return Passages([(TextSource("some.txt", text), 0, len(text.encode()))], Cut(128, False, 1))


def said(train: list[str], test: list[str], **choices: object) -> dict[str, str]:
    kind, most = choices.get("kind", Characters), choices.get("most", 4096)
    found = check_passages({"train": passages(train), "test": passages(test)}, kind, most)  # type: ignore[arg-type]
    return {finding.what: finding.severity for finding in found}


def test_clean_text_has_its_facts_alone() -> None:
    found = said(LINES, [line.upper() for line in LINES[:50]] + ["0123456789 number"], most=4096)
    facts = [what for what, severity in found.items() if severity == "info"]
    assert any(what.startswith("train: 15") and "3,000 lines" in what for what in facts)


def test_faults_are_found_and_come_first() -> None:
    found = said([line + "\r" for line in LINES[:100]] + ["damaged \ufffd here"], [LINES[3], "etwas für später"])
    said_of = "\n".join(found)
    assert "train: 100 carriage returns" in said_of
    assert "train: 1 replacement characters" in said_of
    assert "are few to learn from" in said_of
    assert "test: 3 characters" in said_of
    assert "count as unknown" in said_of
    assert list(found.values()) == sorted(found.values(), key=["error", "warning", "info"].index)


def test_lines_that_are_in_train_too_are_found() -> None:
    found = said(LINES, LINES[:10] + [f"another line that is long enough to be told, {i}" for i in range(10)])
    assert any("test: 10 of its 20 different long lines (50%) stand in train too" in what for what in found)


def test_rare_words_count_as_unknown() -> None:
    found = said(LINES, LINES[:10], kind=Words, most=11)
    assert any("words" in what and "none of the vocabulary" in what for what in found)
