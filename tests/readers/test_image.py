"""Pictures come as people see them, whatever their file holds."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from attentionflow.errors import DataError
from attentionflow.readers import image

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def content(picture: object, kind: str = "PNG", **more: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **more)  # type: ignore[attr-defined]
    return buffer.getvalue()


def colours(height: int = 4, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_pixels_come_back() -> None:
    given = content(Image.fromarray(colours()))
    np.testing.assert_array_equal(image.decode(given, "x.png"), colours())
    assert image.size_of(given, "x.png") == (6, 4)


def test_exif_turns_the_picture_and_its_size() -> None:
    turned = Image.fromarray(colours())
    exif = turned.getexif()
    exif[image.ORIENTATION] = 6  # the camera was held upright
    given = content(turned, exif=exif)
    found = image.decode(given, "x.png")
    np.testing.assert_array_equal(found, np.rot90(colours(), -1))
    assert image.size_of(given, "x.png") == found.shape[1::-1] == (4, 6)


def test_grey_is_repeated_and_transparent_parts_are_white() -> None:
    grey = image.decode(content(Image.fromarray(colours()[:, :, 0])), "x.png")
    np.testing.assert_array_equal(grey, np.repeat(colours()[:, :, :1], 3, axis=2))
    clear = np.dstack((colours(), np.zeros((4, 6), np.uint8)))
    clear[0, 0, 3] = 255
    found = image.decode(content(Image.fromarray(clear)), "x.png")
    np.testing.assert_array_equal(found[0, 0], colours()[0, 0])
    assert (found.reshape(-1, 3)[1:] == 255).all()


def test_sixteen_bits_are_spread_over_eight() -> None:
    deep = np.array([[100, 200], [300, 1100]], np.uint16)
    found = image.decode(content(Image.fromarray(deep)), "x.png")
    np.testing.assert_array_equal(found[:, :, 0], [[0, 26], [51, 255]])


@pytest.mark.parametrize("given", [b"", b"no picture at all", content(Image.fromarray(colours(64, 64)))[:300]])
def test_a_damaged_picture_is_named(given: bytes) -> None:
    with pytest.raises(DataError, match="x"):
        image.decode(given, "x.png")


def test_smaller_pictures_keep_their_mean() -> None:
    found = image.resize(colours(40, 60), 30, 20)
    assert found.shape == (20, 30, 3)
    np.testing.assert_allclose(found.mean((0, 1)), colours(40, 60).mean((0, 1)), atol=2)
    assert image.resize(colours(), 6, 4) is not None


def test_a_preview_is_small_with_and_without_pillow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wide = np.tile(colours(), (150, 200, 1))
    kind, data = image.preview(wide).split(";base64,")
    assert kind == "data:image/jpeg"
    shown = Image.open(BytesIO(base64.b64decode(data)))
    assert max(shown.size) == image.PREVIEW
    plain = image._png(colours())
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(plain))), colours())
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    assert image.preview(colours()).startswith("data:image/png;base64,")


def test_a_preview_of_a_small_picture_is_made_of_blocks() -> None:
    small = np.random.default_rng(0).integers(0, 256, (20, 28, 3)).astype(np.uint8)
    kind, data = image.preview(small).split(";base64,")
    assert kind == "data:image/png"
    shown = np.asarray(Image.open(BytesIO(base64.b64decode(data))))
    np.testing.assert_array_equal(shown, small.repeat(8, 0).repeat(8, 1))


def test_luminance_is_that_of_bt_601() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    assert np.abs(image.luminance(pixels)[:, :, 0].astype(int) - expected).max() <= 1
    grey = pixels[:, :, :1].repeat(3, axis=2)
    np.testing.assert_array_equal(image.luminance(grey), grey[:, :, :1])
