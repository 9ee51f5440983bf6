"""Films with events or scores: both layouts, what is told of a time, and each fault with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clip_data import brightness, write_film, write_frames, write_motions
from moment_data import known, stamps, write_events, write_scores

from attentionflow.errors import DataError, UserError
from attentionflow.readers.moment_checks import check_known_films
from attentionflow.readers.moments import (
    Event,
    KnownFilm,
    Rating,
    fill_splits,
    one_input,
    read_inputs,
    read_known_films,
)


def folder_of(tmp_path: Path, table: str) -> Path:
    """A film of 8 seconds and a folder of 5 frames beside a table."""
    write_film(tmp_path / "one.mp4", brightness(range(0, 160, 5), 16), stamps(32))
    write_frames(tmp_path / "still", brightness([10, 200, 30, 40, 50], 16))
    (tmp_path / "metadata.csv").write_text(table)
    return tmp_path


def only(tmp_path: Path, table: str, *labels: str) -> KnownFilm:
    found = read_known_films(folder_of(tmp_path, table), labels).splits["train"]
    assert len(found) == 1
    return found[0]


def test_events_are_read_by_film_and_split(tmp_path: Path) -> None:
    found = read_known_films(write_events(tmp_path, {"train": 3, "validation": 2}))
    assert {split: len(films) for split, films in found.splits.items()} == {"train": 3, "val": 2}
    first = found.splits["train"][0]
    assert first.events
    assert first.clip.open().lasts == pytest.approx(12)
    event = first.events[0]
    inside = first.within(np.array([event.start - 0.1, event.start + 0.1, event.end - 0.1, event.end + 0.1]))
    assert inside.tolist() == [0, 1, 1, 0]
    assert event.where.endswith("train/metadata.csv:1")


def test_events_may_be_chosen_by_label_and_a_film_may_have_none(tmp_path: Path) -> None:
    table = "file_name,start,end,label\none.mp4,1,2,goal\none.mp4,4,5.5,foul\n"
    assert only(tmp_path, table, "goal").spans == [(1, 2)]
    assert only(tmp_path, table).spans == [(1, 2), (4, 5.5)]
    assert only(tmp_path, "file_name,start,end\none.mp4,,\n").events == ()
    assert only(tmp_path, "file_name,start,end\nstill,2,3\n").spans == [(1, 3)], "frames are counted from 1"


def test_scores_hold_until_the_next_of_the_same_rater(tmp_path: Path) -> None:
    table = "file_name,second,score,rater\none.mp4,4,5,bob\none.mp4,0,1,bob\none.mp4,0,3,ann\n"
    film = only(tmp_path, table)
    assert film.ratings is not None
    np.testing.assert_array_equal(film.raters(np.array([0.5, 3.9, 4.0, 7])), [[1, 1, 5, 5], [3, 3, 3, 3]])
    np.testing.assert_array_equal(film.mean_rating(np.array([0.5, 7])), [2, 4])


def test_scores_of_a_folder_are_of_their_frame_alone(tmp_path: Path) -> None:
    film = only(tmp_path, "file_name,frame,score\nstill,2,5\nstill,4,1\n")
    np.testing.assert_array_equal(film.raters(np.arange(5) + 0.5), [[np.nan, 5, np.nan, 1, np.nan]])
    np.testing.assert_array_equal(film.mean_rating(), [5, 1])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file_name,start,end\none.mp4,3,2\n", r"metadata\.csv:1: an event from 3 to 2 has no length"),
        ("file_name,start,end\none.mp4,-1,2\n", "an event from -1 to 2 has no length, or begins before its film"),
        ("file_name,start,end\none.mp4,x,2\n", r"metadata\.csv:1: the start 'x' is no number. Write it as 12\.5"),
        ("file_name,start,end\none.mp4,1,\n", "the end '' is no number"),
        ("file_name,start,end\none.mp4,inf,2\n", "the start 'inf' is no number"),
        ("file_name,second,score\none.mp4,1,\n", "the score '' is no number"),
        ("file_name,second,score\none.mp4,1,2\none.mp4,1,3\n", r"metadata\.csv:2: the second 1 is there twice"),
        ("file_name,second,score\none.mp4,-1,2\n", "the second -1 is before the film begins"),
        ("file_name,frame,score\none.mp4,1,2\n", r"one\.mp4 is a film, and the column is 'frame'"),
        ("file_name,second,score\nstill,1,2\n", "still is a folder of frames, and the column is 'second'"),
        (
            "file_name,label\none.mp4,goal\n",
            "there is no column 'second'.*file_name,start,end or file_name,second,score",
        ),
    ],
)
def test_each_fault_of_a_table_has_its_place(table: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_known_films(folder_of(tmp_path, table))


def test_what_is_no_folder_of_known_films_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder of films"):
        read_known_films(tmp_path / "none")
    with pytest.raises(UserError, match=r"has no metadata\.csv that tells what matters"):
        read_known_films(tmp_path)
    (tmp_path / "metadata.csv").write_text("file_name,start,end\ntest/one.mp4,1,2\n")
    write_film(tmp_path / "test" / "one.mp4", brightness(range(8)))
    with pytest.raises(UserError, match="has no training films: its splits are test"):
        read_known_films(tmp_path)
    (tmp_path / "test" / "metadata.csv").write_text("file_name,second,score\none.mp4,1,2\n")
    with pytest.raises(UserError, match="some metadata tables have the columns second, score and others start, end"):
        read_known_films(tmp_path)


def test_labels_need_their_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column 'label', by which events are chosen"):
        only(tmp_path, "file_name,start,end\none.mp4,1,2\n", "goal")
    with pytest.raises(UserError, match=r"events=goal: .*metadata\.csv tells scores, not events"):
        only(tmp_path, "file_name,second,score\none.mp4,1,2\n", "goal")


def test_joints_are_no_film(tmp_path: Path) -> None:
    write_motions(tmp_path, {"train": 3})
    (tmp_path / "metadata.csv").write_text("file_name,start,end\ntrain/left/1.npz,1,2\n")
    with pytest.raises(DataError, match="holds joints, where a film is needed"):
        read_known_films(tmp_path)


def test_what_is_told_of_times_that_the_film_does_not_have_is_refused() -> None:
    clip = known(0).clip
    with pytest.raises(DataError, match="here: an event from 20 to 21 is told of a film that lasts 12"):
        KnownFilm(clip, (Event(20, 21, "here"),)).check(12)
    with pytest.raises(DataError, match="an event from 3 to 14"):
        KnownFilm(clip, (Event(3, 14, "here"),)).check(12)
    KnownFilm(clip, (Event(3, 12.5, "here"),)).check(12)
    with pytest.raises(DataError, match="films:0: a score at 30 is told of a film that lasts 12"):
        KnownFilm(clip, None, (Rating("", np.array([1.0, 30.0]), np.ones(2)),)).check(12)


def test_splits_are_filled_and_equal_films_stay_together(tmp_path: Path) -> None:
    splits, notes = fill_splits({"train": [known(row // 2) for row in range(40)]}, 0.2, 0)
    assert {name: len(films) for name, films in splits.items()} == {"train": 26, "test": 8, "val": 6}
    assert len(notes) == 2
    keys = [{one.clip.key() for one in films} for films in splits.values()]
    assert not keys[0] & keys[1]
    assert not keys[0] & keys[2]


def test_inputs_are_films_of_which_nothing_is_known(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "file_name\none.mp4\nstill\n")
    assert [one.name for one in read_inputs(folder / "metadata.csv")] == ["one.mp4", "still"]
    assert not read_inputs(folder / "one.mp4")[0].known
    assert one_input(np.zeros((4, 8, 8), np.uint8)).clip.open().lasts == 4
    with pytest.raises(UserError, match="there is no clip"):
        one_input(tmp_path / "none.mp4")


# Checks


def told(films: dict[str, list[KnownFilm]]) -> dict[str, str]:
    """What is found -> how grave it is."""
    return {one.what: one.severity for one in check_known_films(films, ())}


def test_a_check_tells_facts_and_faults() -> None:
    full = KnownFilm(known(1).clip, (Event(0, 5, "a"), Event(4, 12, "a")))
    late = KnownFilm(known(2).clip, (Event(50, 51, "late"),))
    still = np.full((8, 16, 16), 7, np.uint8)
    none = KnownFilm(one_input(still).clip, ())
    found = told({"train": [known(0), full, late, none], "test": [known(0)]})
    lines = "\n".join(found)
    assert "train: 3 films of 8 to 12 s, in pixels 16 x 16: 3" in lines
    assert found["1 of 5 films cannot be read, or are told of times that they do not have"] == "error"
    assert found["1 of 3 films are in two splits, so that scores mislead"] == "error"
    for what in (
        "of train are events for more than half of their time",
        "of train have events that overlap",
        "of train show nothing that changes",
    ):
        assert found[f"1 of 3 films {what}"] == "warning"
    assert found["1 of 3 films of train have no event"] == "info"
    assert "train: no film has an event" in told({"train": [none]})


def test_a_check_tells_of_raters(tmp_path: Path) -> None:
    found = told(dict(read_known_films(write_scores(tmp_path, {"train": 3})).splits))  # type: ignore[arg-type]
    assert "train: 3 films of 12 to 12 frames, in pixels 16 x 16: 3" in found
    flat = KnownFilm(known(0).clip, None, (Rating("ann", np.arange(4.0), np.ones(4)),))
    assert told({"train": [flat]})["1 of 1 ratings of train are all of one score"] == "warning"
