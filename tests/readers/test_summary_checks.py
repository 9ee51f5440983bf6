"""What `data check` says of texts and summaries beside what it says of any pairs."""

from __future__ import annotations

from attentionflow.readers.finding import Finding
from attentionflow.readers.pairs import Pairs
from attentionflow.readers.summary_checks import check_summaries

GOOD = ("Ann said that the train would be late, and Bob went home again.", "Bob went home as the train was late.")


def found(*texts: tuple[str, str], max_source: int = 100, max_target: int = 50) -> list[Finding]:
    pairs = Pairs([source for source, _ in texts], [target for _, target in texts], "t")
    return check_summaries({"train": pairs}, max_source, max_target)


def of(findings: list[Finding], part: str) -> Finding:
    (one,) = [finding for finding in findings if part in finding.what]
    return one


def test_a_summary_longer_than_its_text() -> None:
    one = of(found(GOOD, ("All came.", "Everybody who was asked came to it.")), "more words than its text")
    assert (one.severity, one.count, one.where) == ("warning", 1, ("t:2",))
    assert "exchanged" in one.remedy


def test_what_is_cut_and_what_is_left_out() -> None:
    findings = found(GOOD, GOOD, max_source=15, max_target=9)
    assert of(findings, "longer than max_source=15: their end is not read").count == 2
    assert of(findings, "longer than max_target=9: not trained on").where == ("t:1", "t:2")
    assert not [one for one in found(GOOD) if "max_" in one.what]


def test_the_share_of_words_that_are_copied() -> None:
    assert "50% of the words" in of(found(("a b c d", "a b x y")), "stand in the text").what
    assert "100% of the words" in of(found(("小李去游泳了。", "小李游泳")), "stand in the text").what


def test_faults_of_any_pairs_come_first_and_long_documents_are_none() -> None:
    findings = found(GOOD, ("", "empty"), GOOD, ("word " * 1000 + ".", "words"))
    assert findings[0].severity == "error"
    assert "the source is empty" in findings[0].what
    assert of(findings, "a repetition of an earlier pair").count == 1
    assert not [one for one in findings if "characters" in one.what and one.severity == "warning" and "over" in one.what
                and "ratio" not in one.what]  # fmt: skip


def test_no_summaries_at_all() -> None:
    assert not [one for one in found(("a b", "")) if "stand in the text" in one.what]
