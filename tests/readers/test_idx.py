"""IDX files: read as they are written, and every damage named."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_data import write_idx, write_pairs

from attentionflow.errors import DataError, UserError
from attentionflow.readers.idx import is_idx, read_idx, read_idx_pairs, read_idx_pictures


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, shape: list[int], packed: bool) -> None:
    array = np.arange(int(np.prod(shape))).astype(np.uint8).reshape(shape)
    path = write_idx(tmp_path / ("one.gz" if packed else "one"), array)
    np.testing.assert_array_equal(read_idx(path), array)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("train-images-idx3-ubyte.gz", True),
        ("t10k-labels.idx1-ubyte", True),
        ("train-images.gz", False),
        ("train-masks-idx3-ubyte", False),
    ],
)
def test_files_are_known_by_their_names(name: str, known: bool) -> None:
    assert is_idx(Path(name)) == known


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no IDX file"),
        (b"\x1f\x8b\x08\x01", "is no IDX file"),
        (b"\0\0\x0d\x01" + struct.pack(">I", 1) + b"abcd", "type 0x0D, not bytes"),
        (b"\0\0\x08\x02" + struct.pack(">II", 2, 3) + b"abcde", "holds 5 bytes where its header tells of 2 x 3"),
        (b"\0\0\x08\x02" + struct.pack(">II", 1, 1) + b"ab", "holds 2 bytes where its header tells of 1 x 1"),
        (b"\0\0\x08\x03\0\0", "its header tells of nothing"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as error:
        read_idx(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(np.random.default_rng(0).bytes(4000))
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(whole[:2000])
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(path)


def test_pictures_have_three_sides(tmp_path: Path) -> None:
    path = write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros((4, 5)))
    with pytest.raises(DataError, match="three sides"):
        read_idx_pictures(path)


def test_pairs_are_put_together_by_split(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"train": 5, "t10k": 3})
    found = read_idx_pairs(sorted(tmp_path.iterdir()))
    assert {split: (len(pixels), len(labels)) for split, (_, pixels, labels) in found.items()} == {
        "train": (5, 5),
        "test": (3, 3),
    }


def test_a_pair_must_be_whole(tmp_path: Path) -> None:
    write_pairs(tmp_path, {"train": 5})
    files = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match="has no labels beside it"):
        read_idx_pairs([path for path in files if "labels" not in path.name])
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.zeros(4))
    with pytest.raises(DataError, match=r"labels of shape \(4,\) for 5 pictures"):
        read_idx_pairs(files)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(5))
    with pytest.raises(UserError, match="labels of train twice"):
        read_idx_pairs(sorted(tmp_path.iterdir()))
    with pytest.raises(UserError, match="half is no name of a split"):
        read_idx_pairs([write_idx(tmp_path / "half-images-idx3-ubyte", np.zeros((1, 2, 2)))])
