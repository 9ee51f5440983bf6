"""Films are sampled by time, in bounded memory, and what is wrong with one is said with its name."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from clip_data import brightness, write_film, write_frames

from attentionflow.errors import DataError
from attentionflow.readers.video import FilmFile, FrameArray, FrameFolder, middles, natural

pytest.importorskip("av", reason="PyAV is not installed")


def seen(path: Path, moments: int) -> list[tuple[float, int]]:
    return [(round(when, 3), round(float(pixels.mean()))) for when, pixels in FilmFile(path, path.name).frames(moments)]


@pytest.mark.parametrize("name", ["one.mp4", "one.avi", "one.mkv", "one.mov"])
def test_frames_in_the_middle_of_equal_parts(name: str, tmp_path: Path) -> None:
    path = write_film(tmp_path / name, brightness(range(0, 240, 4)))
    found = seen(path, 6)
    assert [when for when, _ in found] == [0.2, 0.6, 1.0, 1.4, 1.8, 2.2]
    assert [shade for _, shade in found] == pytest.approx([20, 60, 100, 140, 180, 220], abs=4)


def test_a_varying_frame_rate_is_sampled_by_time(tmp_path: Path) -> None:
    """The first half of the frames takes a tenth of the time."""
    stamps = np.cumsum([0, *[10] * 30, *[90] * 29]).tolist()
    path = write_film(tmp_path / "one.mkv", brightness(range(0, 240, 4)), stamps)
    found = seen(path, 3)
    assert [when for when, _ in found] == pytest.approx([0.48, 1.38, 2.37])
    assert found[0][1] == pytest.approx(4 * 32, abs=8)


def test_a_still_film_has_one_frame_at_all_moments(tmp_path: Path) -> None:
    path = write_film(tmp_path / "one.mp4", brightness([120]))
    assert [shade for _, shade in seen(path, 4)] == pytest.approx([120] * 4, abs=3)


def test_jumping_over_what_is_not_wanted_changes_nothing(tmp_path: Path) -> None:
    """The decoder jumps to key frames, of which mpeg4 has one in twelve; a whole decoding says what must come out."""
    path = write_film(tmp_path / "one.mp4", brightness([at % 240 for at in range(600)]))
    every = dict(seen(path, 600))
    assert all(abs(every[when] - shade) <= 1 for when, shade in seen(path, 7))


def test_a_long_film_is_read_in_the_memory_of_a_frame(tmp_path: Path) -> None:
    path = write_film(tmp_path / "one.mp4", np.zeros((1500, 128, 128), np.uint8))
    tracemalloc.start()
    shapes = [pixels.shape for _, pixels in FilmFile(path, "one.mp4").frames(8)]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shapes == [(128, 128, 3)] * 8
    assert most < 2 << 20  # all frames would be 70 MiB


@pytest.mark.parametrize("name", ["one.mp4", "one.mkv", "one.avi"])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_what_is_cut_off_is_named(name: str, share: float, tmp_path: Path) -> None:
    path = write_film(tmp_path / name, np.random.default_rng(0).integers(0, 255, (60, 32, 32)).astype(np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(DataError, match=rf"{name}: (cannot be read as a film|is cut off|cannot be decoded)"):
        seen(path, 4)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    import av

    path = tmp_path / "one.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(DataError, match=r"one\.mkv: holds no pictures"):
        seen(path, 2)


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.mp4").write_text("no film")
    with pytest.raises(DataError, match=r"one\.mp4: cannot be read as a film"):
        seen(tmp_path / "one.mp4", 2)


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    pixels = brightness(range(10, 130, 10))
    write_frames(tmp_path / "clip", pixels)
    names = tuple(path.name for path in (tmp_path / "clip").iterdir())
    folder = FrameFolder(names, lambda name: (tmp_path / "clip" / name).read_bytes(), "clip")
    assert [(when, int(one[0, 0, 0])) for when, one in folder.frames(12)] == [
        (float(i), 10 * i + 10) for i in range(12)
    ]
    write_frames(tmp_path / "clip", brightness([0] * 3, side=8))
    with pytest.raises(DataError, match=r"clip/4\.png: is of 32 x 32 pixels, and frames before it are not"):
        list(folder.frames(12))


def test_an_array_is_a_film_too() -> None:
    grey, colour = FrameArray(brightness([1, 2, 3])), FrameArray(np.zeros((4, 8, 8, 3), np.uint8), seconds=0.5)
    assert [int(one[0, 0, 2]) for _, one in grey.frames(3)] == [1, 2, 3]
    assert (grey.unit, colour.unit) == ("frame", "s")
    assert [when for when, _ in colour.frames(2)] == [0.5, 1.5]


def test_middles_and_names() -> None:
    assert middles(np.arange(8), 4) == [1, 3, 5, 7]
    assert middles(np.arange(2), 5) == [0, 0, 1, 1, 1]
    assert middles(np.array([7]), 3) == [0, 0, 0]
    assert sorted(["b2", "a10", "a9", "a"], key=natural) == ["a", "a9", "a10", "b2"]
