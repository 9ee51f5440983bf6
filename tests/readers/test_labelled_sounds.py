"""Sounds with labels, of folders and tables, and what is found wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from sound_data import RATE, sound, write_tagged

from attentionflow.errors import DataError, UserError
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_sound_checks import check_labelled_sounds
from attentionflow.readers.labelled_sounds import fill_splits, one_input, read_inputs, read_labelled_sounds
from attentionflow.readers.labelled_texts import one_label, several_labels


def write(path: Path, kind: str = "beeps", seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound(kind, np.random.default_rng(seed)), RATE)


def test_folders_are_splits_and_labels(tmp_path: Path) -> None:
    found = read_labelled_sounds(write_tagged(tmp_path, {"train": 6, "test": 3}), "label", one_label)
    assert {split: len(sounds) for split, sounds in found.splits.items()} == {"train": 6, "test": 3}
    first = found.splits["train"][0]
    assert (first.name, first.labels) == ("train/beeps/000.wav", ("beeps",))
    assert first.sound.rate() == RATE


def test_a_table_names_labels_also_several(tmp_path: Path) -> None:
    for at, name in enumerate(("a.wav", "b.wav", "c.wav")):
        write(tmp_path / name, seed=at)
    (tmp_path / "metadata.csv").write_text("file_name,kind\na.wav,dog|rain\nb.wav,\n")
    found = read_labelled_sounds(tmp_path, "kind", several_labels)
    assert [one.labels for one in found.splits["train"]] == [("dog", "rain"), ()]
    assert [fault.what for fault in found.faults] == ["1 sounds stand in no metadata table: left out"]
    with pytest.raises(DataError, match=r"no column 'label'.*--set label=NAME"):
        read_labelled_sounds(tmp_path, "label", one_label)


def test_what_is_no_folder_of_sounds_says_what_one_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder of sounds"):
        read_labelled_sounds(tmp_path / "none", "label", one_label)
    with pytest.raises(UserError, match=r"holds no sounds .* in folders of their labels"):
        read_labelled_sounds(tmp_path, "label", one_label)
    write(tmp_path / "val" / "beeps" / "a.wav")
    with pytest.raises(UserError, match="has no training sounds: its splits are val"):
        read_labelled_sounds(tmp_path, "label", one_label)


def test_missing_splits_are_held_out_label_by_label_and_equal_sounds_stay_together(tmp_path: Path) -> None:
    write_tagged(tmp_path, {"train": 60})
    write(tmp_path / "train" / "beeps" / "twin.wav", seed=99)
    write(tmp_path / "train" / "beeps" / "twin2.wav", seed=99)
    splits, notes = fill_splits(read_labelled_sounds(tmp_path, "label", one_label).splits, 0.2, 0)
    assert len(notes) == 2
    assert all({one.labels for one in splits[split]} == {("beeps",), ("hiss",), ("rise",)} for split in splits)
    assert len({split for split, sounds in splits.items() for one in sounds if "twin" in one.name}) == 1


def test_inputs_may_be_files_folders_and_samples(tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    assert [one.labels for one in read_inputs(tmp_path)] == [None]
    assert one_input(np.zeros(100, np.float32), RATE).sound.rate() == RATE
    assert one_input((np.zeros(100, np.float32), 8_000), RATE).sound.rate() == 8_000
    with pytest.raises(UserError, match="hears samples, not features"):
        one_input(np.zeros((10, 4), np.float32), RATE)


def checked(folder: Path) -> list[Finding]:
    found = read_labelled_sounds(folder, "label", one_label)
    return check_labelled_sounds(found.splits, found.faults, several=False)


def test_the_check_tells_what_is_there(tmp_path: Path) -> None:
    (fact, other) = checked(write_tagged(tmp_path, {"train": 30, "test": 15}))
    assert fact.what.startswith("train: 30 sounds, 3 labels (beeps 10, hiss 10, rise 10), 0.96 to 0.96 seconds")
    assert {fact.severity, other.severity} == {"info"}


def test_the_check_names_every_fault(tmp_path: Path) -> None:
    write_tagged(tmp_path, {"train": 30, "test": 15})
    train = tmp_path / "train"
    (train / "hiss" / "broken.wav").write_bytes(b"no sound")
    soundfile.write(train / "hiss" / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(train / "hiss" / "fast.wav", np.random.default_rng(0).normal(0, 0.1, RATE), 2 * RATE)
    soundfile.write(train / "hiss" / "clipped.wav", np.sign(np.sin(np.arange(RATE))), RATE)
    write(tmp_path / "test" / "new" / "a.wav", seed=5)
    (tmp_path / "test" / "beeps" / "copy.wav").write_bytes((train / "beeps" / "000.wav").read_bytes())
    found = "\n".join(f"{one.severity}: {one.what}" for one in checked(tmp_path))
    for part in (
        "error: 1 of 51 sounds cannot be read",
        "error: 1 of 49 sounds are in two splits",
        "warning: 1 of 50 sounds are odd (silent)",
        "warning: 1 of 50 sounds are odd (clipped",
        "warning: 1 of 50 sounds are not at the usual rate",
        "warning: 1 of 50 sounds have a label that no training sound has",
    ):
        assert part in found, found
