"""Every fault of spoken data is found, counted and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attentionflow.readers.audio import Audio
from attentionflow.readers.finding import Finding
from attentionflow.readers.utterance_checks import check_utterances
from attentionflow.readers.utterances import Frames, Held, SoundFile, Utterance

RATE = 8_000


def utterance(name: str, text: str | None = "yes", seed: int = 0, seconds: float = 1.0, rate: int = RATE) -> Utterance:
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
    return of(name, samples, text, rate)


def of(name: str, samples: np.ndarray, text: str | None = "yes", rate: int = RATE) -> Utterance:
    return Utterance(f"{name}.wav", text, f"t.csv:{name}", Held(Audio(samples.astype(np.float32), rate)))


def check(**splits: list[Utterance]) -> list[Finding]:
    return check_utterances(splits, lambda one: 0.1 * len(one.text or ""), 10.0, 100)


def one(found: list[Finding], word: str) -> Finding:
    (finding,) = [finding for finding in found if word in finding.what]
    return finding


def test_good_data_are_only_counted() -> None:
    found = check(train=[utterance("a"), utterance("b", seed=1)], test=[utterance("c", seed=2)])
    assert [(finding.severity, finding.what) for finding in found] == [
        ("info", "train: 2 utterances, 0.0 minutes"),
        ("info", "test: 1 utterances, 0.0 minutes"),
    ]


@pytest.mark.parametrize(
    ("bad", "severity", "word"),
    [
        (utterance("x", ""), "warning", "no text"),
        (utterance("x", None), "warning", "no text"),
        (utterance("x", "far too long"), "warning", "longer than the sound"),
        (utterance("x", seconds=11), "warning", "longer than max_seconds"),
        (of("x", np.where(np.arange(8_000) % 100 < 10, 1.0, 0.1)), "warning", "clipped"),
        (of("x", np.zeros(8_000)), "warning", "silent"),
        (of("x", np.full(8_000, 0.3)), "warning", "far from 0"),
        (utterance("x", rate=16_000), "warning", "different rates: 1 at 8000, 1 at 16000"),
        (of("x", np.random.default_rng(5).normal(0, 0.1, 8_000)), "info", "more than once"),
    ],
)
def test_each_fault(bad: Utterance, severity: str, word: str) -> None:
    finding = one(check(train=[utterance("a", seed=5), bad]), word)
    assert finding.severity == severity
    assert finding.count == 1
    assert finding.where[0].startswith("train t.csv:x (x.wav)")
    assert bool(finding.remedy) == (severity != "info")


def test_a_sound_in_two_splits_is_an_error() -> None:
    finding = one(check(train=[utterance("a")], test=[utterance("b")]), "two splits")
    assert finding.severity == "error"
    assert finding.where == ("test t.csv:b (b.wav) is train t.csv:a (a.wav)",)


def test_a_damaged_file_is_an_error_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    bad = Utterance("bad.wav", "yes", "t.csv:9", SoundFile(tmp_path / "bad.wav"))
    found = check(train=[bad, utterance("a", "")])
    assert one(found, "cannot be read").severity == "error"
    assert one(found, "no text").count == 1


def test_features_have_bands_for_a_rate() -> None:
    frames = [Utterance(f"{n}.npy", "yes", f"t:{n}", Held(Frames(np.full((100, n), n, np.float32)))) for n in (3, 4)]
    assert "1 at 3 bands, 1 at 4 bands" in one(check(train=frames), "different rates").what
