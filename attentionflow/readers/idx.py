"""IDX, the format of MNIST: bytes behind a header that tells their shape, often gzipped.

Letters: N pictures, H height, W width.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.splits import CANONICAL, ORDER

BYTES = 0x08  # the only type of numbers that pictures and labels come in
NAME = re.compile(r"(?P<split>[\w]+)-(?P<kind>images|labels)[-.]idx\d-ubyte(\.gz)?")
AGAIN = "The file is damaged or cut off; take it from its publisher again"
SPLITS = {name: name for name in ORDER} | CANONICAL | {"t10k": "test"}


def is_idx(path: Path) -> bool:
    """By its name, such as train-images-idx3-ubyte.gz."""
    return NAME.fullmatch(path.name) is not None


def read_idx(path: Path) -> np.ndarray:
    """The numbers of a file, in the shape that its header tells; DataError for a damaged one."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be read ({error})", file=path, remedy=AGAIN) from None
    if len(content) < 4 or content[:2] != b"\0\0":
        raise DataError("is no IDX file: it does not begin with two zero bytes", file=path, remedy="Check its name")
    kind, dimensions = content[2], content[3]
    if kind != BYTES:
        raise DataError(f"holds numbers of type 0x{kind:02X}, not bytes (0x08)", file=path, remedy="Save it as bytes")
    start = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", content[4:start]) if len(content) >= start else ()
    wanted = int(np.prod(shape)) if shape else -1
    if len(content) - start != wanted:
        told = " x ".join(map(str, shape)) or "nothing"
        held = max(0, len(content) - start)
        raise DataError(f"holds {held:,} bytes where its header tells of {told}", file=path, remedy=AGAIN)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_idx_pictures(path: Path) -> np.ndarray:
    """(N, H, W) bytes."""
    pixels = read_idx(path)
    if pixels.ndim != 3 or 0 in pixels.shape[1:]:
        raise DataError(f"holds numbers of shape {pixels.shape}, where pictures have three sides", file=path)
    return pixels


def read_idx_pairs(files: Iterable[Path]) -> Mapping[str, tuple[Path, np.ndarray, np.ndarray]]:
    """Split -> file of the pictures, (N, H, W) of them, and (N,) numbers of their labels."""
    found: dict[str, dict[str, Path]] = {}
    for path in files:
        if (match := NAME.fullmatch(path.name)) is None:
            continue
        split = SPLITS.get(match["split"].lower())
        if split is None:
            raise UserError(f"{path}: {match['split']} is no name of a split; there are {', '.join(SPLITS)}")
        if (other := found.setdefault(split, {}).setdefault(match["kind"], path)) != path:
            raise UserError(f"{path.parent} holds the {match['kind']} of {split} twice, {other.name} and {path.name}")
    made = {}
    for split in ORDER:
        pair = found.get(split, {})
        if missing := [kind for kind in ("images", "labels") if pair and kind not in pair]:
            there = next(iter(pair.values()))
            raise UserError(f"{there} has no {missing[0]} beside it; put {split}-{missing[0]}-idx...-ubyte there")
        if pair:
            pixels, labels = read_idx_pictures(pair["images"]), read_idx(pair["labels"])
            if labels.shape != pixels.shape[:1]:
                raise DataError(
                    f"holds labels of shape {labels.shape} for {len(pixels):,} pictures of {pair['images'].name}",
                    file=pair["labels"],
                    remedy="Both files must be of the same pictures",
                )
            made[split] = pair["images"], pixels, labels
    return made
