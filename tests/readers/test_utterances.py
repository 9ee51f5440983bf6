"""Every layout of spoken data, what is held out, and each fault with its file, row and remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from attentionflow.errors import DataError, UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import (
    ArrayFile,
    Frames,
    Held,
    SoundFile,
    Utterance,
    hold_out,
    read_sounds,
    read_utterances,
    typed_sound,
)

RATE = 8_000


def sound(path: Path, seconds: float = 0.2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(round(seconds * RATE), np.float32), RATE)
    return path


def table(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def seen(utterances: list[Utterance]) -> list[tuple[str, str | None, str]]:
    return [(Path(one.name).name, one.text, one.where) for one in utterances]


# Layouts


def test_a_folder_with_a_table(tmp_path: Path) -> None:
    for name in ("a.wav", "b.flac"):
        sound(tmp_path / name)
    table(tmp_path / "metadata.csv", 'file_name,text\na.wav,"one,  two"\nb.flac, three \n')
    splits = read_utterances(tmp_path)
    assert list(splits) == ["train"]
    assert seen(splits["train"]) == [("a.wav", "one, two", "metadata.csv:1"), ("b.flac", "three", "metadata.csv:2")]
    assert read_utterances(tmp_path / "metadata.csv").keys() == splits.keys()
    loaded = splits["train"][0].sound.load()
    assert isinstance(loaded, Audio)
    assert (loaded.rate, len(loaded.samples)) == (RATE, 1_600)


@pytest.mark.parametrize("name", ["dev", "valid", "validation", "val"])
def test_folders_of_splits(tmp_path: Path, name: str) -> None:
    for split in ("train", name, "test"):
        sound(tmp_path / split / "a.wav")
        table(tmp_path / split / "metadata.jsonl", '{"file_name": "a.wav", "said": "yes"}\n')
    splits = read_utterances(tmp_path, "said")
    assert list(splits) == ["train", "val", "test"]
    assert splits["val"][0].name == str(tmp_path / name / "a.wav")


def test_splits_by_the_folders_that_file_names_begin_with(tmp_path: Path) -> None:
    for split in ("train", "test"):
        sound(tmp_path / split / "a.wav")
    table(tmp_path / "metadata.tsv", "file_name\ttext\ntrain/a.wav\tyes\ntest/a.wav\tno\n")
    assert {split: seen(found) for split, found in read_utterances(tmp_path).items()} == {
        "train": [("a.wav", "yes", "metadata.tsv:1")],
        "test": [("a.wav", "no", "metadata.tsv:2")],
    }


@pytest.mark.parametrize("folder", ["wavs", "audio", "."])
def test_the_layout_of_ljspeech(tmp_path: Path, folder: str) -> None:
    for name in ("LJ001-0001.wav", "LJ001-0002.wav", "LJ001-0003.wav"):
        sound(tmp_path / folder / name)
    lines = ["LJ001-0001|Dr. A|Doctor A", "LJ001-0002|only this|", "LJ001-0003|two cells"]
    table(tmp_path / "metadata.csv", "\n".join(lines) + "\n")
    (found,) = read_utterances(tmp_path).values()
    assert [one.text for one in found] == ["Doctor A", "only this", "two cells"]
    assert found[2].where == "metadata.csv:3"


def test_arrays_of_features(tmp_path: Path) -> None:
    values = np.arange(12).reshape(4, 3)
    np.save(tmp_path / "a.npy", values.astype(np.float16))
    np.savez(tmp_path / "b.npz", values)
    table(tmp_path / "metadata.csv", "file_name,text\na.npy,yes\nb.npz,no\n")
    for one in read_utterances(tmp_path)["train"]:
        loaded = one.sound.load()
        assert isinstance(loaded, Frames)
        assert loaded.values.dtype == np.float32
        np.testing.assert_array_equal(loaded.values, values)
        assert one.sound.rate() is None


# Holding out


def test_what_is_held_out_is_said_and_depends_on_the_seed() -> None:
    data = {"train": [Utterance(f"u{i}", "x", "", Held(Frames(np.zeros((1, 1))))) for i in range(40)]}
    splits, notes = hold_out(data, 0.1, seed=3)
    assert {split: len(found) for split, found in splits.items()} == {"train": 32, "val": 4, "test": 4}
    assert notes[0] == "there is no test split: 4 utterances of train were held out for it (seed 3)"
    names = [one.name for found in splits.values() for one in found]
    assert len(set(names)) == 40
    again, other = hold_out(data, 0.1, seed=3)[0], hold_out(data, 0.1, seed=4)[0]
    assert again["val"] == splits["val"]
    assert other["val"] != splits["val"]


def test_splits_that_are_there_stay() -> None:
    one = Utterance("u", "x", "", Held(Frames(np.zeros((1, 1)))))
    data = {"train": [one] * 5, "val": [one], "test": [one]}
    assert hold_out(data, 0.1, 0) == (data, [])


def test_too_few_to_hold_out() -> None:
    one = Utterance("u", "x", "", Held(Frames(np.zeros((1, 1)))))
    with pytest.raises(UserError, match="2 utterances are too few"):
        hold_out({"train": [one, one]}, 0.1, 0)


# Inputs


def test_inputs_of_every_kind(tmp_path: Path) -> None:
    path = sound(tmp_path / "s" / "b.wav")
    sound(tmp_path / "s" / "a.ogg")
    (tmp_path / "s" / "notes.txt").write_text("not a sound")
    assert [one.name for one in read_sounds(path)] == [str(path)]
    assert [Path(one.name).name for one in read_sounds(tmp_path / "s")] == ["a.ogg", "b.wav"]
    named = table(tmp_path / "s" / "t.csv", "file_name\nb.wav\n")
    assert seen(read_sounds(named)) == [("b.wav", None, "t.csv:1")]
    table(tmp_path / "s" / "metadata.csv", "file_name,text\nb.wav,yes\n")
    assert seen(read_sounds(tmp_path / "s")) == [("b.wav", "yes", "metadata.csv:1")]


def test_typed_inputs(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav")
    assert typed_sound(f" {path}\n", None).sound == SoundFile(path)
    loaded = typed_sound((np.zeros(80), 4_000), RATE).sound.load()
    assert isinstance(loaded, Audio)
    assert loaded.rate == 4_000
    assert typed_sound(np.zeros(80), RATE).sound.rate() == RATE
    assert isinstance(typed_sound(np.zeros((5, 2)), None).sound.load(), Frames)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("missing.wav", "there is no file missing.wav"),
        ("text.txt", r"text\.txt is no sound that can be read: its name must end in \.wav"),
        (np.zeros(0), "samples must be finite floats"),
        (np.array([np.nan]), "samples must be finite floats"),
        (np.zeros(4, int), "samples must be finite floats"),
    ],
)
def test_wrong_inputs(given: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        typed_sound(given, RATE)


def test_samples_for_a_model_of_features() -> None:
    with pytest.raises(UserError, match="reads features"):
        typed_sound(np.zeros(10), None)
    with pytest.raises(TypeError, match="got int"):
        typed_sound(3, RATE)


# Faults


def test_a_folder_without_a_table(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    with pytest.raises(UserError, match=r"no training utterances: it needs a table metadata\.csv .* holds a\.wav"):
        read_utterances(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no sound"):
        read_sounds(tmp_path / "empty")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file_name,said\na.wav,yes\n", r"no column 'text'; there are file_name, said\. .*--set text=NAME"),
        ("file,text\na.wav,yes\n", "no column 'file_name'"),
        ("file_name,text\na.wav,yes\nb.wav,no\n", r"metadata\.csv, row 2: there is no file .*b\.wav"),
        ("file_name,text\na.mp4,yes\n", r"row 1: .*a\.mp4 is no sound"),
        ("a|one|two|three\n", r"row 1: 4 cells where id\|text has two or three"),
        ("a|one\nz|two\n", r"row 2: there is no sound z"),
    ],
)
def test_faults_of_a_table(tmp_path: Path, content: str, message: str) -> None:
    sound(tmp_path / "a.wav")
    table(tmp_path / "metadata.csv", content)
    with pytest.raises(DataError, match=message):
        read_utterances(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(3), r"an array of shape \(3,\)"),
        (np.zeros((0, 3)), r"an array of shape \(0, 3\)"),
        (np.array([["a"]]), "type <U1"),
        (np.array([[1.0], [np.inf]]), "frame 1 holds a value that is no finite number"),
    ],
)
def test_faults_of_arrays(tmp_path: Path, values: np.ndarray, message: str) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DataError, match=message):
        ArrayFile(tmp_path / "a.npy").load()


def test_faults_of_array_files(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\.npy: cannot be read"):
        ArrayFile(tmp_path / "a.npy").load()
    np.savez(tmp_path / "two.npz", a=np.zeros((1, 1)), b=np.zeros((1, 1)))
    with pytest.raises(DataError, match=r"2 arrays in it \(a, b\)\. Keep one"):
        ArrayFile(tmp_path / "two.npz").load()


def test_an_empty_sound(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.wav: the sound is empty"):
        SoundFile(sound(tmp_path / "a.wav", 0)).load()
