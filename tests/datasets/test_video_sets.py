"""J-HMDB in both of its layouts, the figures drawn of it, and moving digits."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attentionflow.datasets import checked_fold, jhmdb_pose, jhmdb_sticks, moving_digits, passing_shapes, tvsum
from attentionflow.datasets._fetch import VARIABLE
from attentionflow.datasets._jhmdb import CONVERTED, JOINTS, _public
from attentionflow.errors import DataError, UserError
from attentionflow.readers.motion import Motion
from attentionflow.readers.video import FrameArray

SIZES = {1: (433, 176), 2: (433, 176), 3: (434, 175)}
stored = pytest.mark.skipif(
    not (Path(os.environ.get(VARIABLE, "/nowhere")) / "jhmdb_pose" / CONVERTED).is_file(),
    reason=f"${VARIABLE} holds no jhmdb_pose",
)


@stored
@pytest.mark.parametrize("fold", SIZES)
def test_the_official_splits(fold: int) -> None:
    splits = jhmdb_pose.read(fold=fold).splits
    assert tuple(len(clips) for clips in splits.values()) == SIZES[fold]
    assert len({one.key() for clips in splits.values() for one in clips}) == 609
    assert len({one.labels for clips in splits.values() for one in clips}) == 14
    first = splits["train"][0].open()
    assert isinstance(first, Motion)
    assert first.joints == JOINTS
    assert 15 <= len(first.places) <= 40


@stored
def test_figures_are_drawn_alike_each_time_and_fill_the_picture() -> None:
    clips = jhmdb_sticks.read().splits["test"]
    one = clips[0].open()
    assert isinstance(one, FrameArray)
    assert one.pixels.shape[1:] == (64, 64)
    np.testing.assert_array_equal(one.pixels, clips[0].open().pixels)
    rows, columns = (np.flatnonzero(one.pixels.any((0, axis))) for axis in (2, 1))
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.9 * 64, abs=3)


def test_the_public_layout_is_read_without_running_code(tmp_path: Path) -> None:
    pose = [np.arange(60, dtype=np.float32).reshape(2, 15, 2), np.ones((3, 15, 2))]
    for split in ("train", "test"):
        page = {"pose": pose, "label": ["run", "sit"]}
        (tmp_path / f"GT_{split}_2.pkl").write_bytes(pickle.dumps(page, protocol=2))
    found = _public(tmp_path, 2)
    assert [label for _, label in found["test"]] == ["run", "sit"]
    np.testing.assert_array_equal(found["train"][0][0], pose[0])
    (tmp_path / "GT_train_2.pkl").write_bytes(pickle.dumps({"pose": [Path("x")], "label": ["run"]}))
    with pytest.raises(DataError, match=r"GT_train_2\.pkl: is not the file of the data set \(it holds pathlib"):
        _public(tmp_path, 2)


def test_a_split_that_is_not_there_is_refused() -> None:
    assert checked_fold(jhmdb_pose, 3) == 3
    with pytest.raises(UserError, match="fold=4: the data set 'jhmdb_pose' has 3 splits"):
        checked_fold(jhmdb_pose, 4)
    with pytest.raises(UserError, match="fold=2: files of your own have one split, so leave fold out"):
        checked_fold(None, 2)


def test_digits_move_as_their_label_says() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    splits = moving_digits.read(0).splits
    assert {split: len(clips) for split, clips in splits.items()} == moving_digits.LENGTHS
    assert len({one.key() for clips in splits.values() for one in clips}) == 800
    assert max(Counter(one.labels for one in splits["test"]).values()) <= 34
    y, x = np.indices((moving_digits.SIDE,) * 2)
    for one in splits["test"][:60]:
        pixels = one.open().pixels / 255.0
        mass = pixels.sum((1, 2))
        middle = np.stack([(pixels * axis).sum((1, 2)) / mass for axis in (x, y)], axis=1)
        across, along = middle[-1] - middle[0]
        grown = np.log(mass[-1] / mass[0])
        told = {
            "left": -across,
            "right": across,
            "up": -along,
            "down": along,
            "growing": 6 * grown,
            "shrinking": -6 * grown,
        }
        assert (max(told, key=lambda label: told[label]),) == one.labels


# Video processing


def test_what_is_usual_differs_from_film_to_film_and_the_unusual_are_the_events() -> None:
    splits = passing_shapes.read(0).splits
    assert {split: len(films) for split, films in splits.items()} == passing_shapes.LENGTHS
    usual = Counter()
    for row in range(60):
        kind, passages = passing_shapes._passages(np.random.default_rng((0, 2, row)))
        film = splits["test"][row]
        odd = [one for one in passages if one.kind != kind]
        assert len({one.kind for one in odd}) == 1
        assert film.spans == [(one.start / passing_shapes.RATE, one.stop / passing_shapes.RATE) for one in odd]
        assert 1 <= len(odd) < len(passages) / 2
        usual[kind] += 1
    assert set(usual) == set(passing_shapes.KINDS)


def test_shapes_pass_when_their_film_says_so() -> None:
    made = passing_shapes.read(0).splits["val"]
    film = made[-1]
    assert film.where == "passing_shapes/val:60"
    opened = film.clip.open()
    assert isinstance(opened, FrameArray)
    assert opened.lasts == passing_shapes.FRAMES / passing_shapes.RATE
    np.testing.assert_array_equal(opened.pixels, made[59].clip.open().pixels)
    assert len({one.clip.key() for one in made}) == 60
    _, passages = passing_shapes._passages(np.random.default_rng((0, 1, 59)))
    there = np.zeros(passing_shapes.FRAMES, bool)
    for one in passages:
        there[one.start + 2 : one.stop - 2] = True
    spread = opened.pixels.reshape(passing_shapes.FRAMES, -1).astype(float).std(1)
    shown = np.zeros(passing_shapes.FRAMES, bool)
    for one in passages:
        shown[one.start : one.stop] = True
    assert spread[there].mean() > spread[~shown].mean() + 3


@pytest.mark.skipif(
    not (Path(os.environ.get(VARIABLE, "/nowhere")) / "tvsum" / "keyframes.csv").is_file(),
    reason=f"${VARIABLE} holds no tvsum",
)
def test_key_frames_have_the_scores_of_twenty_people() -> None:
    found = tvsum.read(fold=7).splits
    assert {split: len(films) for split, films in found.items()} == {"train": 19, "test": 1}
    films = [*found["test"], *found["train"]]
    assert sum(int(one.clip.open().lasts) for one in films) == 329
    assert {len(one.ratings) for one in films} == {20}
    assert {float(score) for one in films for rating in one.ratings for score in rating.scores} == {1, 2, 3, 4, 5}
    assert {one.name for one in tvsum.read(fold=8).splits["test"]} != {one.name for one in found["test"]}


def test_key_frames_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of films, and scores as they come out of their archive."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for film in ("ab_1", "-b"):
        for frame in (9, 10, 2):
            path = tmp_path / "tvsum" / f"{film}.mp4" / f"{frame}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    with pytest.raises(DataError, match=r"ydata-anno\.tsv is missing\. Unpack it there from https://github"):
        tvsum.read()
    rows = [f"{film}\tXX\t{','.join(str(at % 5 + 1) for at in range(12))}" for film in ("ab_1", "-b") for _ in (1, 2)]
    (tmp_path / "tvsum" / "ydata-anno.tsv").write_text("\n".join(rows) + "\n")
    (one,) = tvsum.read(fold=2).splits["test"]
    assert one.name == "ab_1"
    np.testing.assert_array_equal(one.raters(np.arange(3) + 0.5), [[3, 5, 1]] * 2)
