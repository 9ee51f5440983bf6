"""Clips of every kind are found with their labels; splits are filled up; `data check` names what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_data import SWINGS, brightness, film, write_film, write_frames, write_motions

from attentionflow.errors import DataError, UserError
from attentionflow.readers.clip_checks import check_clips
from attentionflow.readers.clips import array_clip, fill_splits, one_input, read_clips, read_inputs
from attentionflow.readers.motion import Motion
from attentionflow.readers.video import FilmFile, FrameFolder


def found_labels(path: Path) -> dict[str, list[tuple[str, tuple[str, ...] | None]]]:
    return {
        split: [(one.name, one.labels) for one in clips] for split, clips in read_clips(path, "label").splits.items()
    }


def test_films_folders_of_frames_and_motions(tmp_path: Path) -> None:
    write_film(tmp_path / "train" / "wave" / "a.mp4", brightness([1, 2, 3]))
    write_frames(tmp_path / "train" / "wave" / "b", brightness([1, 2, 3]))
    write_motions(tmp_path, {"test": 1})
    assert found_labels(tmp_path) == {
        "train": [("train/wave/a.mp4", ("wave",)), ("train/wave/b", ("wave",))],
        "test": [("test/both/0.npz", ("both",))],
    }
    splits = read_clips(tmp_path, "label").splits
    kinds = [type(one.open()) for one in [*splits["train"], *splits["test"]]]
    assert kinds == [FilmFile, FrameFolder, Motion]


def test_a_metadata_table(tmp_path: Path) -> None:
    write_frames(tmp_path / "train" / "one", brightness([1, 2]))
    np.save(tmp_path / "train" / "two.npy", np.zeros((3, 2, 2)))
    np.save(tmp_path / "train" / "silent.npy", np.zeros((3, 2, 2)))
    table = tmp_path / "train" / "metadata.csv"
    table.write_text("file_name,action\none,sit\ntwo.npy,\ngone.mp4,sit\n")
    found = read_clips(tmp_path, "action")
    assert [(one.name, one.labels, one.where) for one in found.splits["train"]] == [
        ("train/one", ("sit",), f"{tmp_path.name}/train/metadata.csv:1"),
        ("train/two.npy", (), f"{tmp_path.name}/train/metadata.csv:2"),
    ]
    assert [fault.what for fault in found.faults] == [
        "1 labels are without their clip: left out",
        "1 clips stand in no metadata table: left out",
    ]
    with pytest.raises(DataError, match="no column 'label'"):
        read_clips(tmp_path, "label")


def test_what_holds_no_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder of clips"):
        read_clips(tmp_path / "one.mp4", "label")
    np.save(tmp_path / "loose.npy", np.zeros((3, 2, 2)))
    with pytest.raises(UserError, match="has no training clips: its splits are none"):
        read_clips(tmp_path, "label")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no clips"):
        read_inputs(tmp_path / "empty")
    (tmp_path / "one.txt").write_text("x")
    with pytest.raises(UserError, match="is no clip that can be read"):
        read_inputs(tmp_path / "one.txt")


def test_splits_are_filled_up_by_label_and_equal_clips_stay_together() -> None:
    clips = [array_clip(np.full((2, 4, 4), at // 2, np.uint8), str(at), (SWINGS[at % 4 // 2],), "") for at in range(80)]
    splits, notes = fill_splits({"train": clips}, 0.2, 0)
    assert {split: len(some) for split, some in splits.items()} == {"train": 52, "test": 16, "val": 12}
    keys = [{one.key() for one in some} for some in splits.values()]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    assert len(notes) == 2


def test_inputs_of_every_kind(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 2, 2)))
    write_frames(tmp_path / "b", brightness([1, 2]))
    (tmp_path / "in.csv").write_text("file_name\na.npy\nb\n")
    (tmp_path / "motion.csv").write_text("frame,joint,x,y\n0,a,1,1\n")
    assert [one.name for one in read_inputs(tmp_path / "in.csv")] == ["a.npy", "b"]
    assert [one.name for one in read_inputs(tmp_path / "motion.csv")] == ["motion.csv"]
    assert all(one.labels is None for one in read_inputs(tmp_path / "in.csv"))
    (tmp_path / "in.csv").write_text("file_name\ngone.npy\n")
    with pytest.raises(DataError, match=r"in\.csv, row 1: there is no clip gone\.npy"):
        read_inputs(tmp_path / "in.csv")
    assert isinstance(one_input(np.zeros((4, 2, 2))).open(), Motion)
    assert one_input(str(tmp_path / "b")).labels is None
    with pytest.raises(UserError, match="there is no clip"):
        one_input(str(tmp_path / "gone.mp4"))
    with pytest.raises(UserError, match="pictures in time are bytes"):
        one_input(np.zeros((4, 4), np.uint8))


def test_the_check_names_each_fault(tmp_path: Path) -> None:
    write_motions(tmp_path, {"train": 12, "test": 6})
    same = tmp_path / "train" / "left" / "1.npz"
    (tmp_path / "test" / "left" / "copy.npz").write_bytes(same.read_bytes())
    (tmp_path / "train" / "left" / "broken.npz").write_bytes(b"nothing")
    np.savez(tmp_path / "train" / "left" / "still.npz", pose=np.ones((4, 4, 2)))
    gap = np.random.default_rng(0).random((4, 4, 2))
    gap[1, 1] = np.nan
    np.savez(tmp_path / "train" / "left" / "gap.npz", pose=gap)
    (tmp_path / "test" / "jump").mkdir()
    np.savez(tmp_path / "test" / "jump" / "a.npz", pose=np.random.default_rng(1).random((4, 4, 2)))
    found = read_clips(tmp_path, "label")
    told = [(one.severity, one.what) for one in check_clips(found.splits, found.faults)]
    for severity, what in (
        ("error", "1 of 23 clips cannot be read"),
        ("error", "1 of 21 clips are in two splits, so that scores mislead"),
        ("warning", "1 of 14 clips of train show nothing that moves"),
        ("info", "1 of 14 clips of train have joints that are not always known"),
        ("warning", "1 of 22 clips have a label that no training clip has"),
        ("info", "train: 14 clips, 3 labels (left 6, both 4, right 4)"),
        ("info", "train: motions of 4 joints in 2 dimensions: 14"),
    ):
        assert (severity, what) in told


def test_the_check_refuses_two_kinds_in_one(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    clips = [array_clip(film("left", draw), "a", ("x",), "a"), array_clip(np.ones((3, 2, 2)), "b", ("y",), "b")]
    told = [one.what for one in check_clips({"train": clips}, ()) if one.severity == "error"]
    assert "some clips are films and others are motions" in told
