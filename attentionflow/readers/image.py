"""Pictures: files to arrays (H, W, 3) of bytes in the order red, green, blue; and back, small, to be drawn on.

Pillow does the decoding and is asked for where it is needed alone, so that made data need nothing.
Letters: H height, W width.
"""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from attentionflow.errors import DataError, UserError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
EXACT_VALUES, EXACT_COLOURS = ("L", "P", "1", "I", "I;16", "I;16B"), ("RGB", "P")  # modes of Pillow's
ORIENTATION = 274  # of the EXIF tags
PREVIEW = 480  # pixels of the longer side of a preview
SMALL, ENLARGED = 96, 240  # pixels of the longer side below which a preview is enlarged, and of what it then has


def decode(content: bytes, where: str) -> np.ndarray:
    """A picture as people see it: turned as its EXIF says, grey repeated, transparent parts on white."""
    image = _open(content, where)
    try:
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image)
        if image.mode in ("I;16", "I;16B", "I", "F"):  # more than a byte a pixel: from the darkest to the brightest
            values = np.asarray(image, np.float64)
            low, high = values.min(), values.max()
            grey = ((values - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if "A" in image.getbands() or "transparency" in image.info:
            from PIL import Image

            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a file that is cut off or damaged
        raise _damaged(where, error) from None


def decode_exactly(content: bytes, where: str, coloured: bool) -> np.ndarray:
    """The numbers of a picture as its file holds them: (H, W), of an indexed picture the indices, or (H, W, 3).

    Refused is what would change them: colours where values are wanted, values where colours are, and JPEG.
    """
    image = _open(content, where)
    allowed = EXACT_COLOURS if coloured else EXACT_VALUES
    wanted = (
        "colours, as the classes are listed by colour" if coloured else "values, as the classes are listed by value"
    )
    if image.format == "JPEG":
        raise DataError("JPEG alters pixels, and each must say its class", file=where, remedy="Save it as PNG")
    if image.mode not in allowed:
        what = f"this mask is of the kind {image.mode}; it must hold {wanted} (one of {', '.join(allowed)})"
        raise DataError(what, file=where, remedy="Save it so, or list the classes the other way in classes.csv")
    try:
        return np.asarray(image.convert("RGB") if coloured else image)
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(where, error) from None


def size_of(content: bytes, where: str) -> tuple[int, int]:
    """(W, H) of the picture as `decode` gives it, from its header alone."""
    image = _open(content, where)
    turned = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return image.size[::-1] if turned else image.size


def resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Smaller or larger, each new pixel the mean of what it covers or a blend of its neighbours."""
    if pixels.shape[:2] == (height, width):
        return pixels
    import torch
    from torch.nn.functional import interpolate

    given = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]
    made = interpolate(given, (height, width), mode="bilinear", antialias=True, align_corners=False)
    return made[0].permute(1, 2, 0).contiguous().numpy()


def luminance(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) as (H, W, 1): 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601)."""
    return ((pixels @ np.array([299, 587, 114], np.uint32) + 500) // 1000).astype(np.uint8)[:, :, None]


def preview(pixels: np.ndarray, most: int = PREVIEW) -> str:
    """A data URI of a picture with at most so many pixels a side: JPEG where Pillow is there, PNG otherwise.

    Each pixel of a small picture becomes a block of equal ones, which shows what there is and invents nothing.
    """
    height, width = pixels.shape[:2]
    if max(height, width) < SMALL:
        block = ENLARGED // max(height, width)
        return _uri("png", _png(pixels.repeat(block, 0).repeat(block, 1)))
    scale = min(1.0, most / max(height, width))
    small = resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
    try:
        from PIL import Image
    except ImportError:
        return _uri("png", _png(small))
    buffer = BytesIO()
    Image.fromarray(small).save(buffer, "JPEG", quality=80)
    return _uri("jpeg", buffer.getvalue())


def _open(content: bytes, where: str) -> Image:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise UserError('to read pictures: pip install "attentionflow[image]"') from None
    try:
        return Image.open(BytesIO(content))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise _damaged(where, error) from None


def _damaged(where: str, error: Any) -> DataError:
    what = "this is no picture, or of no known format" if "cannot identify" in str(error) else f"is damaged ({error})"
    return DataError(what, file=where, remedy="Save it again as JPEG or PNG, or leave it out")


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _png(pixels: np.ndarray) -> bytes:
    """A PNG of 8 bits a channel, unfiltered."""
    height, width = pixels.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1).tobytes()

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
