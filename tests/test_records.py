"""The attention record: selecting, cutting, unfolding, and what a folder gives back or refuses."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attentionflow.records import FORMAT, AttentionRecord, Axis, Fold, Site

texts = st.text(max_size=4)
sizes = st.integers(0, 3)
numbers = st.floats(-1e6, 1e6) | st.integers(-5, 5)


@st.composite
def axes(draw: st.DrawFn, depth: int = 2) -> Axis:
    labels = tuple(draw(st.lists(texts, max_size=3)))
    spans = st.none() | st.lists(numbers, min_size=2, max_size=4).map(tuple)
    return Axis(
        draw(texts),
        labels,
        draw(st.none() | st.tuples(*(spans for _ in labels))),
        draw(st.none() | axes(depth=depth - 1)) if depth else None,
        draw(st.none() | texts),
    )


@st.composite
def sites(draw: st.DrawFn, order: int) -> Site:
    shape = tuple(draw(st.tuples(sizes, sizes, sizes, sizes)))
    dtype = draw(st.sampled_from([np.float16, np.float32]))
    weights = arrays(dtype, shape, elements=st.floats(0, 1, width=16))
    folds = st.builds(
        Fold,
        examples=arrays(np.int64, shape[0], elements=st.integers(0, 9)),
        queries=arrays(np.int64, (shape[0], shape[2]), elements=st.integers(-1, 9)),
        keys=arrays(np.int64, (shape[0], shape[3]), elements=st.integers(-1, 9)),
    )
    return Site(
        name=draw(texts),
        order=order,
        layer=draw(sizes),
        role=draw(st.sampled_from(["self", "cross", "pool", "gate"])),
        queries=draw(texts),
        keys=draw(texts),
        weights=draw(weights),
        residual=draw(st.booleans()),
        normalised=draw(st.booleans()),
        heads=draw(st.just("mean") | st.lists(sizes, max_size=3).map(tuple)),
        rows=draw(st.none() | st.lists(sizes, max_size=3).map(tuple)),
        gradients=draw(st.none() | weights),
        value_norms=draw(st.none() | arrays(dtype, (*shape[:2], shape[3]), elements=st.floats(0, 1, width=16))),
        fold=draw(st.none() | folds),
    )


@st.composite
def records(draw: st.DrawFn) -> AttentionRecord:
    count = draw(st.integers(0, 3))
    streams = draw(st.lists(texts, max_size=2, unique=True))
    return AttentionRecord(
        sites=tuple(draw(sites(2 * order + 1)) for order in range(count)),  # orders may have gaps
        axes={stream: tuple(draw(st.lists(axes(), max_size=2))) for stream in streams},
        present={stream: draw(arrays(bool, draw(st.tuples(sizes, sizes)))) for stream in streams},
        model=draw(texts),
        notes=tuple(draw(st.lists(texts, max_size=2))),
    )


def assert_same(one: Any, other: Any) -> None:
    """Equal in type and value, down to the dtypes of arrays."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


def a_record() -> AttentionRecord:
    """Two examples, the second with two of x's three and one of y's two positions; every x site has its gradients."""
    generator = np.random.default_rng(0)

    def site(order: int, name: str, role: Any, queries: str, keys: str, **rest: Any) -> Site:
        size = {"x": 3, "y": 2}
        shape = (2, 2, len(rest.get("rows") or range(size[queries])), size[keys])
        weights = generator.random(shape).astype(np.float32)
        return Site(name, order, rest.pop("layer", 0), role, queries, keys, weights, heads=(0, 1), **rest)

    norms = generator.random((2, 2, 3)).astype(np.float32)
    gradients = generator.random((2, 2, 2, 3)).astype(np.float32)
    return AttentionRecord(
        sites=(
            site(0, "encoder.0", "self", "x", "x", rows=(0, 2)),
            site(1, "encoder.1", "self", "x", "x", layer=1),
            site(2, "decoder.0", "self", "y", "y"),
            site(3, "decoder.1", "cross", "y", "x", gradients=gradients, value_norms=norms),
        ),
        axes={
            "x": (Axis("word", ("a", "b", "c")), Axis("word", ("d", "e"))),
            "y": (Axis("word", ("f", "g")), Axis("word", ("h",))),
        },
        present={"x": np.array([[True] * 3, [True, True, False]]), "y": np.array([[True, True], [True, False]])},
        model="Toy",
        notes=("a note",),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    a_record().save(tmp_path / "new" / "folder")
    return tmp_path / "new" / "folder"


# Saving and loading


@settings(max_examples=60)
@given(records())
def test_a_folder_gives_back_what_was_saved(record: AttentionRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        record.save(folder)
        assert_same(AttentionRecord.load(folder), record)


def test_arrays_that_are_views_are_saved_as_they_look(tmp_path: Path) -> None:
    site = a_record().sites[1]
    record = replace(a_record(), sites=(replace(site, weights=site.weights[::-1].transpose(0, 1, 3, 2)),))
    record.save(tmp_path)
    assert_same(AttentionRecord.load(tmp_path), record)


def test_loading_runs_nothing_from_the_folder(saved: Path) -> None:
    class Boom:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return (saved / "ran").touch, ()

    pickled = pickle.dumps(Boom())
    assert {path.name for path in saved.iterdir()} == {"record.json", "record.safetensors"}
    for name in ("record.safetensors", "record.json"):
        (saved / name).write_bytes(pickled)
        with pytest.raises(ValueError, match="damaged"):
            AttentionRecord.load(saved)
    assert not (saved / "ran").exists()


@pytest.mark.parametrize("name", ["record.json", "record.safetensors"])
def test_a_folder_without_a_file_is_no_record(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"holds no attention record.*{name}"):
        AttentionRecord.load(saved)


@pytest.mark.parametrize("name", ["record.json", "record.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_damaged(saved: Path, name: str, share: float) -> None:
    content = (saved / name).read_bytes()
    (saved / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"damaged.*record it again"):
        AttentionRecord.load(saved)


def without(*keys: str) -> Callable[[Any], Any]:
    def change(page: Any) -> Any:
        *way, last = keys
        at = page
        for key in way:
            at = at[int(key) if isinstance(at, list) else key]
        del at[last]
        return page

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda page: [],
        lambda page: {},
        without("format"),
        without("sites", "0", "order"),
        without("sites", "0", "role"),
        without("axes"),
        lambda page: page | {"format": "one"},
        lambda page: page | {"sites": [site | {"order": 9} for site in page["sites"]]},
        lambda page: page | {"sites": [site | {"surprise": 1} for site in page["sites"]]},
        lambda page: page | {"streams": ["z"]},
    ],
    ids=["list", "empty", "format", "order", "role", "axes", "word", "other weights", "surprise", "other stream"],
)
def test_files_that_do_not_belong_together_are_damaged(saved: Path, change: Callable[[Any], Any]) -> None:
    page = json.loads((saved / "record.json").read_text(encoding="utf-8"))
    (saved / "record.json").write_text(json.dumps(change(page)), encoding="utf-8")
    with pytest.raises(ValueError, match="damaged"):
        AttentionRecord.load(saved)


def test_bytes_that_are_no_text_are_damaged(saved: Path) -> None:
    (saved / "record.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match="damaged"):
        AttentionRecord.load(saved)


def test_a_newer_format_asks_for_an_upgrade(saved: Path) -> None:
    page = json.loads((saved / "record.json").read_text(encoding="utf-8"))
    page = {"format": FORMAT + 1, "something": "else"}
    (saved / "record.json").write_text(json.dumps(page), encoding="utf-8")
    with pytest.raises(ValueError, match=f"format {FORMAT + 1}, newer than {FORMAT}.*upgrade"):
        AttentionRecord.load(saved)


# Looking things up


def test_sites_are_found_by_name_and_run_in_order() -> None:
    record = a_record()
    assert record["decoder.0"] is record.sites[2]
    assert list(record) == list(record.sites)
    assert len(record) == 2
    with pytest.raises(KeyError, match=r"no site 'decoder\.9'; there are encoder\.0"):
        record["decoder.9"]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["encoder.0", "encoder.1", "decoder.0", "decoder.1"]),
        ({"role": "self"}, ["encoder.0", "encoder.1", "decoder.0"]),
        ({"role": "self", "queries": "x"}, ["encoder.0", "encoder.1"]),
        ({"keys": "x", "layer": 0}, ["encoder.0", "decoder.1"]),
        ({"queries": "y", "keys": "x"}, ["decoder.1"]),
        ({"role": "pool"}, []),
    ],
    ids=str,
)
def test_select_takes_the_sites_that_match_everything(wanted: dict[str, Any], names: list[str]) -> None:
    assert [site.name for site in a_record().select(**wanted)] == names


def test_nbytes_counts_weights_gradients_and_norms() -> None:
    floats = 2 * 2 * (2 * 3 + 3 * 3 + 2 * 2 + 2 * 3 + 2 * 3 + 3)
    assert a_record().nbytes == 4 * floats


# One example


@pytest.mark.parametrize("index", [1, -1])
def test_an_example_is_cut_to_its_own_positions(index: int) -> None:
    record = a_record()
    cut = record.example(index)
    assert len(cut) == 1
    assert cut.axes == {"x": record.axes["x"][1:], "y": record.axes["y"][1:]}
    assert {stream: mask.tolist() for stream, mask in cut.present.items()} == {"x": [[True] * 2], "y": [[True]]}
    cross, whole = cut["decoder.1"], record["decoder.1"]
    np.testing.assert_array_equal(cross.weights, whole.weights[1:, :, :1, :2])
    np.testing.assert_array_equal(cross.gradients, whole.gradients[1:, :, :1, :2])
    np.testing.assert_array_equal(cross.value_norms, whole.value_norms[1:, :, :2])
    assert cut["decoder.0"].gradients is None
    assert (cut.model, cut.notes) == (record.model, record.notes)


def test_an_example_keeps_the_chosen_rows_that_it_has() -> None:
    record = a_record()
    assert record.example(0)["encoder.0"].rows == (0, 2)
    np.testing.assert_array_equal(record.example(0)["encoder.0"].weights, record["encoder.0"].weights[:1])
    cut = record.example(1)["encoder.0"]  # position 2 is padding here
    assert cut.rows == (0,)
    np.testing.assert_array_equal(cut.weights, record["encoder.0"].weights[1:, :, :1, :2])


def test_padding_may_stand_anywhere() -> None:
    record = a_record()
    record = replace(record, present=record.present | {"x": np.array([[True] * 3, [False, True, True]])})
    np.testing.assert_array_equal(record.example(1)["encoder.1"].weights, record["encoder.1"].weights[1:, :, 1:, 1:])
    assert record.example(1)["encoder.0"].rows == (2,)


def test_an_example_that_is_not_there() -> None:
    with pytest.raises(IndexError):
        a_record().example(2)


# Folded batches


def folded_site() -> Site:
    """Two examples of four positions in windows of two, at 0 and 2; the last window of example 1 has one position."""
    at = np.array([[0, 1], [2, 3], [0, 1], [2, -1]])
    weights = np.arange(1.0, 17).reshape(4, 1, 2, 2).astype(np.float32)
    return Site("windows", 0, 0, "self", "x", "x", weights, heads=(0,), fold=Fold(np.array([0, 0, 1, 1]), at, at))


def test_unfolding_puts_each_window_at_its_place() -> None:
    np.testing.assert_array_equal(
        folded_site().unfolded(2, 4, 4)[:, 0],
        [
            [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 5, 6], [0, 0, 7, 8]],
            [[9, 10, 0, 0], [11, 12, 0, 0], [0, 0, 13, 0], [0, 0, 0, 0]],
        ],
    )


def test_unfolding_what_is_not_folded_changes_nothing() -> None:
    site = a_record()["encoder.1"]
    assert site.unfolded(2, 3, 3) is site.weights


def test_a_folded_record_cannot_be_cut() -> None:
    record = replace(a_record(), sites=(*a_record().sites, replace(folded_site(), order=9)))
    with pytest.raises(ValueError, match="unfold"):
        record.example(0)


# Axes


def test_an_axis_has_a_span_for_each_label() -> None:
    assert len(Axis("word", ("a", "b"), ((0, 1), None))) == 2
    with pytest.raises(ValueError, match="2 labels got 1 spans"):
        Axis("word", ("a", "b"), ((0, 1),))
