"""Noisy sounds with what they are without: pairs, and mixtures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_data import RATE, pair, write_pairs

from attentionflow.errors import DataError, UserError
from attentionflow.readers.noisy_sound_checks import check_noisy_sounds
from attentionflow.readers.noisy_sounds import both, fill_splits, levelled, one_input, read_noisy_sounds, stretch_of

RATIOS = (0.0, 10.0)


def write_apart(folder: Path, count: int = 6) -> Path:
    for i in range(count):
        noisy, clean = pair(np.random.default_rng(i))
        for kind, samples in (("clean", clean), ("noise", (noisy - clean)[: len(clean) // 2])):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / kind / f"{i}.wav", samples, RATE, subtype="FLOAT")
    return folder


def test_pairs_are_read_by_name(tmp_path: Path) -> None:
    splits = read_noisy_sounds(write_pairs(tmp_path, {"train": 3, "test": 2}), RATIOS, 0)
    assert {split: len(sounds) for split, sounds in splits.items()} == {"train": 3, "test": 2}
    noisy, clean = both(splits["train"][1], RATE)
    wanted = pair(np.random.default_rng((0, 1)))
    np.testing.assert_array_equal(noisy, wanted[0])
    np.testing.assert_array_equal(clean, wanted[1])


def test_clean_sounds_and_noises_are_mixed_between_the_ratios(tmp_path: Path) -> None:
    write_apart(tmp_path)
    sounds = read_noisy_sounds(tmp_path, (3.0, 6.0), 1)["train"]
    ratios = []
    for one in sounds:
        noisy, clean = both(one, RATE)
        ratios.append(10 * np.log10(np.sum(clean**2) / np.sum((noisy - clean) ** 2)))
        np.testing.assert_array_equal(both(one, RATE)[0], noisy)
    assert 3 <= min(ratios) < max(ratios) <= 6.001
    other = read_noisy_sounds(tmp_path, (3.0, 6.0), 2)["train"]
    assert not np.array_equal(both(other[0], RATE)[0], both(sounds[0], RATE)[0])


@settings(deadline=None, max_examples=30)
@given(st.floats(-20, 40), st.integers(10, 300), st.integers(1, 500))
def test_noise_is_as_far_below_as_asked(ratio: float, length: int, noise: int) -> None:
    draw = np.random.default_rng(noise)
    clean, given = draw.normal(size=length).astype("f4"), draw.normal(size=noise).astype("f4")
    stretch = stretch_of(given, length, draw)
    assert set(stretch.tolist()) <= set(given.tolist())
    made = levelled(clean, stretch, ratio)
    assert 10 * np.log10(np.sum(clean**2) / np.sum(made**2)) == pytest.approx(ratio, abs=0.01)


def test_a_silent_stretch_gives_way_to_the_loudest(tmp_path: Path) -> None:
    noise = np.zeros(1000, np.float32)
    noise[990] = 1
    assert all(stretch_of(noise, 50, np.random.default_rng(seed)).max() == 1 for seed in range(20))


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs folders noisy and clean .* it holds nothing"):
        read_noisy_sounds(tmp_path, RATIOS, 0)
    write_pairs(tmp_path, {"train": 2})
    (tmp_path / "train" / "clean" / "001.wav").unlink()
    with pytest.raises(DataError, match=r"1 sounds, such as 001\.wav, have no counterpart in clean"):
        read_noisy_sounds(tmp_path, RATIOS, 0)
    soundfile.write(tmp_path / "train" / "clean" / "001.wav", np.ones(RATE // 2) / 9, RATE)
    (one,) = read_noisy_sounds(tmp_path, RATIOS, 0)["train"][1:]
    with pytest.raises(DataError, match=r"0\.96 seconds with noise, 0\.50 without"):
        both(one, RATE)
    with pytest.raises(UserError, match="hears samples, not features"):
        one_input(np.zeros((10, 4), np.float32), RATE)


def test_missing_splits_are_held_out(tmp_path: Path) -> None:
    splits, notes = fill_splits(read_noisy_sounds(write_apart(tmp_path, 10), RATIOS, 0), 0.2, 0)
    assert {split: len(sounds) for split, sounds in splits.items()} == {"train": 6, "val": 2, "test": 2}
    assert len(notes) == 2


def test_the_check_names_every_fault(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"train": 4, "test": 3})
    noisy, clean = tmp_path / "train" / "noisy", tmp_path / "train" / "clean"
    (noisy / "003.wav").write_bytes(b"no sound")
    soundfile.write(clean / "002.wav", np.zeros(round(0.96 * RATE)), RATE)
    soundfile.write(clean / "001.wav", soundfile.read(noisy / "001.wav")[0], RATE, subtype="FLOAT")
    for kind in ("noisy", "clean"):
        copied = (tmp_path / "train" / kind / "000.wav").read_bytes()
        (tmp_path / "test" / kind / "000.wav").write_bytes(copied)
    found = "\n".join(
        f"{one.severity}: {one.what}" for one in check_noisy_sounds(read_noisy_sounds(tmp_path, RATIOS, 0))
    )
    for part in (
        "error: 1 of 7 sounds cannot be read",
        "error: 1 of 5 sounds are in two splits",
        "warning: 1 of 7 sounds are silent without their noise",
        "warning: 1 of 7 sounds have next to no noise",
        "info: test: 3 sounds, 0.96 to 0.96 seconds",
    ):
        assert part in found, found
