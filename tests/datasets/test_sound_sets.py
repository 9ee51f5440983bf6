"""Named sets of sounds: what is made depends on its seed alone, and what is fetched is whole."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import esc10, fsdd_noisy, noisy_signals, signals
from attentionflow.datasets._fetch import VARIABLE
from attentionflow.errors import DataError
from attentionflow.readers.audio import Audio
from attentionflow.readers.noisy_sounds import both

SHARED = Path(os.environ.get(VARIABLE, "none"))
needs_esc10 = pytest.mark.skipif(not (SHARED / "esc10").is_dir(), reason=f"${VARIABLE}/esc10 is not there")
needs_fsdd = pytest.mark.skipif(not (SHARED / "fsdd").is_dir(), reason=f"${VARIABLE}/fsdd is not there")


def test_signals_are_at_their_times() -> None:
    splits, notes = signals.read(1)
    assert notes == ["the data set 'signals' is made, not recorded"]
    assert {split: len(sounds) for split, sounds in splits.items()} == signals.LENGTHS
    one, again, other = signals.Signals("test", 1)[3], signals.Signals("test", 1)[3], signals.Signals("test", 2)[3]
    first, second, third = (example.sound.load() for example in (one, again, other))
    assert isinstance(first, Audio)
    assert isinstance(second, Audio)
    assert isinstance(third, Audio)
    np.testing.assert_array_equal(first.samples, second.samples)
    assert not np.array_equal(first.samples, third.samples)
    assert one.events is not None
    assert one.labels == tuple(sorted(event.label for event in one.events))
    assert all(0 <= event.start < event.stop <= first.seconds + 1e-6 for event in one.events)


def test_noisy_signals_are_as_far_above_their_noise_as_said() -> None:
    splits, _ = noisy_signals.read(0)
    assert {split: len(sounds) for split, sounds in splits.items()} == noisy_signals.LENGTHS
    for example in splits["test"][:10]:
        noisy, clean = both(example, noisy_signals.RATE)
        ratio = 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2))
        assert -0.1 <= ratio <= 10.1


@needs_esc10
def test_folds_of_esc10_are_apart_and_whole() -> None:
    splits, notes = esc10.read(0, 3)
    assert {split: len(sounds) for split, sounds in splits.items()} == {"train": 310, "val": 10, "test": 80}
    assert {one.name[0] for one in splits["test"]} == {"3"}
    assert not {one.name for one in splits["train"]} & {one.name for one in splits["val"]}
    assert len({one.labels for one in splits["val"]}) == 10
    assert notes[0].startswith("fold 3 of 5 is test")


@needs_esc10
def test_an_altered_copy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esc10, "COPY_DIGEST", "0" * 64)
    with pytest.raises(DataError, match="not those of the data set 'esc10'"):
        esc10.read()


@needs_esc10
@needs_fsdd
def test_digits_and_noise_are_each_in_one_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fsdd_noisy, "COUNTS", {"train": 5, "val": 3, "test": 4})
    monkeypatch.setattr(fsdd_noisy, "resampled", lambda audio, rate: Audio(audio.samples[: rate // 2], rate))
    splits, _ = fsdd_noisy.read(0)
    assert {split: len(sounds) for split, sounds in splits.items()} == {"train": 5, "val": 3, "test": 4}
    spoken = {
        split: {part.name for one in sounds for part in one.clean.parts}  # type: ignore[union-attr]
        for split, sounds in splits.items()
    }
    assert not spoken["train"] & spoken["test"]
    noisy, clean = both(splits["test"][0], fsdd_noisy.RATE)
    assert -0.1 <= 10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2)) <= 10.1
