"""Films that are cut down keep what was chosen, at its pace, with its sound; frames become pictures."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from clip_data import brightness, write_film
from moment_data import write_sounding

from attentionflow.errors import DataError
from attentionflow.readers.film_cuts import cut_film, key_frame
from attentionflow.readers.video import FilmFile

av = pytest.importorskip("av", reason="PyAV is not installed")


def cut(path: Path, stretches: Sequence[tuple[float, float]], out: Path) -> FilmFile:
    out.write_bytes(b"".join(cut_film(FilmFile(path, path.name), stretches)))
    return FilmFile(out, out.name)


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_pictures_and_sound_are_those_of_the_stretches(tmp_path: Path) -> None:
    film = cut(write_sounding(tmp_path / "in.mp4"), [(2.0, 3.5), (8.0, 9.0)], tmp_path / "out.mp4")
    assert film.lasts == pytest.approx(2.5)
    seen = [(when, float(pixels.mean())) for when, pixels in film.frames(25)]
    assert [when for when, _ in seen] == pytest.approx(np.arange(25) / 10)
    np.testing.assert_allclose([shade for _, shade in seen], [50] * 10 + [70] * 5 + [170] * 10, atol=6)
    samples = heard(film.path)
    assert len(samples) == pytest.approx(20_000, abs=1100)
    for start, loud in ((0.4, 2 / 12), (1.3, 3 / 12), (2.0, 8 / 12)):
        piece = samples[round(start * 8000) : round(start * 8000) + 800]
        assert np.abs(piece).max() == pytest.approx(loud, abs=0.06)


def test_a_film_without_sound_of_odd_sides_and_varying_pace(tmp_path: Path) -> None:
    stamps = [0, 100, 150, 400, 900, 950, 1000, 1500, 2000, 2300]
    pixels = brightness(range(20, 220, 20), 32)
    film = cut(write_film(tmp_path / "in.mkv", pixels, stamps, "mpeg4"), [(0.15, 1.0)], tmp_path / "out.mp4")
    shown, _, base = film._index
    np.testing.assert_allclose((shown - shown[0]) * base, [0, 0.25, 0.75, 0.8], atol=2e-3)
    assert not av.open(str(film.path)).streams.audio
    assert next(film.frames(1))[1].shape == (32, 32, 3)


def test_a_key_frame_is_the_frame_of_its_moment(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    film = FilmFile(write_sounding(tmp_path / "in.mp4"), "in.mp4")
    picture = np.asarray(image.open(BytesIO(b"".join(key_frame(film, 24, 15)))))
    assert picture.shape == (30, 40, 3)
    assert picture.mean() == pytest.approx(150, abs=6), "moment 15 of 24 is of second 7"


def test_a_damaged_film_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no film" * 100)
    with pytest.raises(DataError, match=r"bad\.mp4: cannot be read as a film"):
        list(cut_film(FilmFile(tmp_path / "bad.mp4", "bad.mp4"), [(0, 1)]))
