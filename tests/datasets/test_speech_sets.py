"""The data sets of speech: what is made depends on its seed alone, what is published is split as it should be."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from attentionflow.datasets import an4, dataset_module, fsdd, fsdd_strings, fsdd_voices, kerstin, syllables
from attentionflow.datasets._fetch import VARIABLE, tree_digest
from attentionflow.errors import DataError
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import Frames, Held, Utterance


def samples(utterance: Utterance) -> np.ndarray:
    loaded = utterance.sound.load()
    assert isinstance(loaded, Audio)
    return loaded.samples


# Keypad


def test_keypad_repeats_itself_and_differs_by_seed_split_and_index() -> None:
    keypad = dataset_module("keypad")
    splits, notes = keypad.read(0)
    assert {split: len(found) for split, found in splits.items()} == keypad.LENGTHS
    assert "made" in notes[0]
    one, again = splits["train"][5], keypad.read(0)[0]["train"][5]
    assert one.text == again.text
    np.testing.assert_array_equal(samples(one), samples(again))
    others = [splits["train"][6], splits["val"][5], keypad.read(1)[0]["train"][5]]
    assert all(other.text != one.text or len(samples(other)) != len(samples(one)) for other in others)
    assert [u.where for u in splits["test"][-2:]] == ["keypad/test:199", "keypad/test:200"]


def test_keypad_sounds_as_the_standard_says() -> None:
    """The two loudest tones of a single key are those of its row and column, to the 1.5 % that is allowed."""
    keypad = dataset_module("keypad")
    for key in keypad.KEYS:
        found = keypad._sound(key, np.random.default_rng(ord(key)))
        spectrum = np.abs(np.fft.rfft(found, keypad.RATE))
        low, high = (lo + int(spectrum[lo:hi].argmax()) for lo, hi in ((600, 1_050), (1_100, 1_800)))
        at = keypad.KEYS.index(key)
        assert low == pytest.approx(keypad.ROWS[at // 4], rel=0.025)
        assert high == pytest.approx(keypad.COLUMNS[at % 4], rel=0.025)


def test_keypad_has_all_keys_in_groups() -> None:
    keypad = dataset_module("keypad")
    texts = [str(utterance.text) for utterance in keypad.read(0)[0]["val"][:]]
    assert set("".join(texts)) == {*keypad.KEYS, " "}
    assert all(3 <= len(text.replace(" ", "")) <= 10 for text in texts)
    assert all(1 <= len(group) <= keypad.GROUP for text in texts for group in text.split())


# AN4


def shared(name: str) -> Path:
    folder = Path(os.environ.get(VARIABLE, "")) / name
    if not os.environ.get(VARIABLE) or not folder.is_dir():
        pytest.skip(f"${VARIABLE}/{name} is not here")
    return folder


def test_an4_is_the_official_split_and_no_speaker_is_in_two() -> None:
    shared("an4")
    splits, notes = an4.read(0)
    assert {split: len(found) for split, found in splits.items()} == {"train": 848, "val": 100, "test": 130}
    assert "100 utterances of train, all of their speakers'" in notes[0]
    speakers = {split: {one.name.split("-")[1] for one in found} for split, found in splits.items()}
    assert not speakers["train"] & speakers["val"]
    assert not speakers["train"] & speakers["test"]
    assert (splits["test"][0].name, splits["test"][0].text) == ("an406-fcaw-b", "RUBOUT G M E F THREE NINE")
    assert sum(len(str(one.text).split()) for one in splits["test"]) == 773
    assert an4.read(1)[0]["val"] != splits["val"]


def test_an4_from_the_public_files_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The public files are float32, big-endian, after their number; the converted copy is their float16."""
    folder = shared("an4")
    packed = an4.read(0)[0]
    public = tmp_path / "an4"
    (public / "etc").mkdir(parents=True)
    (public / "feat").mkdir()
    for name in ("an4_train.transcription", "an4_test.transcription"):
        (public / "etc" / name).write_bytes((folder / "etc" / name).read_bytes())
    with np.load(folder / an4.CEPSTRA) as found:
        parts = np.split(found["feats"], np.cumsum(found["lengths"])[:-1])
        for name, values in zip(found["fileids"], parts, strict=True):
            content = np.array([values.size], ">i4").tobytes() + values.astype(">f4").tobytes()
            (public / "feat" / f"{Path(str(name)).name}.mfc").write_bytes(content)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    splits = an4.read(0)[0]
    for split, utterances in packed.items():
        for one, other in zip(utterances, splits[split], strict=True):
            assert (one.name, one.text) == (other.name, other.text)
            np.testing.assert_array_equal(values_of(one), values_of(other))
    path = public / "feat" / "an406-fcaw-b.mfc"
    path.write_bytes(path.read_bytes()[:-52] + b"\0" * 52)
    with pytest.raises(DataError, match="not those of the data set"):
        an4.read(0)
    path.unlink()
    with pytest.raises(DataError, match=r"1 cepstra missing, such as an406-fcaw-b\.mfc"):
        an4.read(0)


def values_of(utterance: Utterance) -> np.ndarray:
    assert isinstance(utterance.sound, Held)
    assert isinstance(utterance.sound.value, Frames)
    return utterance.sound.value.values


def test_bands_are_the_cosine_transform_back() -> None:
    """Of a spectrogram as smooth as 13 cepstra can hold, apart from the lifter."""
    places = (np.arange(an4.BANDS) + 0.5) / an4.BANDS
    order = np.arange(13)
    lifter = 1 + an4.LIFTER / 2 * np.sin(np.pi * order / an4.LIFTER)
    smooth = np.array([2 + np.cos(np.pi * 3 * places) - 0.5 * np.cos(np.pi * 7 * places)])
    cepstra = smooth @ np.cos(np.pi * places[:, None] * order) / an4.BANDS  # (T, K)
    np.testing.assert_allclose(an4.bands_of(cepstra / lifter), smooth, atol=1e-5)


# FSDD


def tiny(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A stand-in for FSDD: 2 speakers, 10 digits, recordings 0 to 6 and 45, 46 of 0.1 seconds."""
    import soundfile

    (folder / "fsdd" / "recordings").mkdir(parents=True)
    for digit in range(10):
        for speaker in ("ann", "bob"):
            for number in (*range(7), 45, 46):
                path = folder / "fsdd" / "recordings" / f"{digit}_{speaker}_{number}.wav"
                soundfile.write(path, np.full(800, digit / 20, np.float32), 8_000, subtype="FLOAT")
    monkeypatch.setenv(VARIABLE, str(folder))
    digest = tree_digest(folder / "fsdd", "recordings")
    monkeypatch.setattr(fsdd, "DATASET", replace(fsdd.DATASET, trees={"recordings": digest}))
    return fsdd_strings


def test_fsdd_is_the_official_split() -> None:
    shared("fsdd")
    splits, _ = fsdd.read()
    assert {split: len(found) for split, found in splits.items()} == {"train": 2_400, "val": 300, "test": 300}
    assert {int(one.name.split("_")[2][:-4]) for one in splits["test"]} == set(range(5))
    assert splits["test"][0].text == "zero"


def test_strings_are_of_one_speaker_and_of_their_own_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strings = tiny(tmp_path, monkeypatch)
    splits, notes = strings.read(0)
    assert "joined" in notes[0]
    recordings = fsdd.read()[0]["train"]
    assert len(splits["train"]) == len(recordings) + strings.STRINGS["train"]
    assert [one.name for one in splits["train"][: len(recordings)]] == [one.name for one in recordings]
    for split in strings.STRINGS:
        for one in splits[split][-100:]:
            names = [part.name.removesuffix(".wav").split("_") for part in one.sound.parts]
            assert len({speaker for _, speaker, _ in names}) == 1
            assert {int(number) for *_, number in names} <= set(fsdd.SPLITS[split])
            assert one.text == " ".join(fsdd.WORDS[int(digit)] for digit, *_ in names)
            fewest, most = strings.DIGITS[split]
            assert fewest <= len(names) <= most
    again = strings.read(0)[0]["test"][7]
    np.testing.assert_array_equal(samples(splits["test"][7]), samples(again))
    assert strings.read(1)[0]["test"][7].text != again.text


def test_a_string_is_its_recordings_with_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = tiny(tmp_path, monkeypatch).read(0)[0]["test"][0]
    found = samples(one)
    at = 0
    for part, pause in zip(one.sound.parts, (*one.sound.pauses, 0.0), strict=True):
        np.testing.assert_array_equal(found[at : at + 800], samples(part))
        at += 800 + round(pause * 8_000)
        assert np.abs(found[at - round(pause * 8_000) : at]).max(initial=0) < 1e-3
    assert at == len(found)
    assert one.sound.rate() == 8_000


def test_no_string_of_voices_is_in_two_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(tmp_path, monkeypatch)
    splits, _ = fsdd_voices.read(0)
    texts = {split: {one.text for one in splits[split][-200:]} for split in splits}
    assert all(texts.values())
    assert not texts["test"] & texts["train"]
    assert not texts["test"] & texts["val"]
    assert not texts["val"] & texts["train"]
    one = splits["test"][7]
    assert one.name == "fsdd_voices/test:8"
    assert {part.name.split("_")[1] for part in one.sound.parts} == {one.speaker}
    np.testing.assert_array_equal(samples(one), samples(fsdd_voices.read(0)[0]["test"][7]))


# Syllables


def test_syllables_repeat_themselves_and_differ_by_seed_split_and_index() -> None:
    splits, notes = syllables.read(0)
    assert {split: len(found) for split, found in splits.items()} == syllables.LENGTHS
    assert "made" in notes[0]
    one, again = splits["train"][5], syllables.read(0)[0]["train"][5]
    assert (one.text, one.speaker) == (again.text, again.speaker)
    np.testing.assert_array_equal(samples(one), samples(again))
    others = [splits["train"][6], splits["val"][5], syllables.read(1)[0]["train"][5]]
    assert all(other.text != one.text for other in others)
    letters = {letter for other in splits["val"] for letter in str(other.text)}
    assert letters == {*syllables.VOWELS, *syllables.CONSONANTS, " "}


@pytest.mark.parametrize("voice", syllables.VOICES)
def test_vowels_are_louder_at_their_second_resonance_than_below_it(voice: str) -> None:
    pitch, higher = syllables.VOICES[voice]
    for vowel in "ei":  # whose resonances are far apart
        first, second = (place * higher for place in syllables.VOWELS[vowel])
        spectrum = np.abs(np.fft.rfft(syllables.said(vowel, voice, np.random.default_rng(0)), syllables.RATE))
        there, between = (
            spectrum[round(at - pitch) : round(at + pitch)].max() for at in (second, (first + second) / 2)
        )
        assert there > 2 * between


# Kerstin


def test_kerstin_is_split_by_name() -> None:
    shared("kerstin")
    splits, _ = kerstin.read()
    assert {split: len(found) for split, found in splits.items()} == {"train": 450, "val": 25, "test": 50}
    names = [one.name for found in splits.values() for one in found]
    assert len(set(names)) == kerstin.COUNT
    heard = dataset_module("kerstin_sentences").read()[0]
    assert [one.name for one in heard["test"]] == [one.name for one in splits["test"]]
    assert splits["train"][0].sound.rate() == 22_050
