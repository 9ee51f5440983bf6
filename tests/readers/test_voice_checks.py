"""Every fault of recorded voices is found, counted and named."""

from __future__ import annotations

import numpy as np

from attentionflow.readers.audio import Audio
from attentionflow.readers.finding import Finding
from attentionflow.readers.utterances import Held, Utterance
from attentionflow.readers.voice_checks import check_voices

RATE = 8_000


def utterance(name: str, text: str = "yes", speaker: str | None = None, seconds: float = 1.0) -> Utterance:
    draw = np.random.default_rng(sum(map(ord, name)))
    samples = draw.normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    return Utterance(f"{name}.wav", text, f"t.csv:{name}", Held(Audio(samples, RATE)), speaker)


def check(**splits: list[Utterance]) -> list[Finding]:
    return check_voices(splits, lambda one: f" {one.text}", 10.0, 100)


def of(found: list[Finding], word: str) -> Finding:
    (finding,) = [finding for finding in found if word in finding.what]
    return finding


def test_good_data_are_only_counted() -> None:
    found = check(train=[utterance("a"), utterance("b")], test=[utterance("c")])
    assert {finding.severity for finding in found} == {"info"}


def test_speakers_are_counted_and_those_with_little_are_named() -> None:
    many = [utterance(f"a{at}", speaker="ann") for at in range(10)]
    found = check(train=[*many, utterance("b", speaker="bob"), utterance("c")])
    assert of(found, "speakers and their utterances").what.endswith("ann 10, bob 1")
    few = of(found, "fewer than 10 utterances")
    assert (few.severity, few.count, few.where) == ("warning", 1, ("bob",))
    nobody = of(found, "no speaker, where others have one")
    assert (nobody.severity, nobody.where) == ("warning", ("t.csv:c",))


def test_speakers_and_letters_that_training_lacks() -> None:
    found = check(train=[utterance("a", speaker="ann")], val=[utterance("b", "you", "eve")])
    strange = of(found, "val: letters that training does not have, ou")
    assert (strange.severity, strange.count, strange.where) == ("warning", 1, ("t.csv:b",))
    assert of(found, "val: speakers that training does not have").severity == "error"


def test_a_text_needs_a_frame_a_letter() -> None:
    found = check(train=[utterance("a", "yes" * 40), utterance("b")])
    short = of(found, "longer than the sound has positions for")
    assert short.where == ("train t.csv:a (a.wav): 1.00 s, 1.22 s needed",)
