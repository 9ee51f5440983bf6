"""Named data sets: each is listed and described, its files are the right ones, its examples are what it promises."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import threading
import unicodedata
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from attentionflow import datasets
from attentionflow.datasets import DATASETS, dataset_module, load_dataset
from attentionflow.datasets._fetch import VARIABLE, Dataset, fetch, tree_digest
from attentionflow.errors import DataError, UserError

# The list


def test_every_file_has_its_line() -> None:
    files = {file.stem for file in Path(datasets.__file__).parent.glob("[!_]*.py")}
    assert {path.removeprefix("attentionflow.datasets.") for path in DATASETS.values()} == files


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_described(name: str) -> None:
    dataset = load_dataset(name)
    assert dataset.name == name
    assert dataset.task
    assert dataset.summary
    assert dataset.licence
    assert dataset.reference
    assert bool(dataset.files or dataset.trees or dataset.archive) == bool(dataset.address)
    assert bool(dataset.size) or not (dataset.files or dataset.trees)
    digests = [*dataset.files.values(), *dataset.local.values(), *dataset.trees.values()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert callable(dataset_module(name).read)


def test_unknown_name() -> None:
    with pytest.raises(UserError, match=r"no data set 'multi30': did you mean 'multi30k'\? There are: .*cldr"):
        load_dataset("multi30")


def test_cldr_without_babel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "attentionflow.datasets.cldr", raising=False)
    monkeypatch.setitem(sys.modules, "babel", None)
    with pytest.raises(UserError, match=r'pip install "attentionflow\[text\]"'):
        load_dataset("cldr")


# Files


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def toy(address: str = "https://example.org/toy", **changes: object) -> Dataset:
    files = {"a.txt": digest(b"A"), "b.txt": digest(b"B")}
    fields = {"name": "toy", "task": "none", "summary": "", "licence": "", "address": address, "files": files}
    return Dataset(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with the files of the toy set."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"A")
    (folder / "b.txt").write_bytes(b"B")
    return folder


def test_folder_of_the_user(folder: Path) -> None:
    assert fetch(toy()) == folder


def test_sets_may_share_a_folder_of_the_user(folder: Path) -> None:
    assert fetch(toy(name="other", folder="toy")) == folder


def test_altered_file(folder: Path) -> None:
    (folder / "b.txt").write_bytes(b"C")
    with pytest.raises(DataError, match=rf"b\.txt: .* is {digest(b'C')}, not {digest(b'B')}\. Take it from https"):
        fetch(toy())


def test_missing_file(folder: Path) -> None:
    (folder / "b.txt").unlink()
    with pytest.raises(DataError, match=r"toy: b\.txt of the data set 'toy' missing\. Put the files of https"):
        fetch(toy())


def test_converted_copy(folder: Path) -> None:
    converted = toy(local={"ab.txt": digest(b"AB"), "b.txt": digest(b"b")})
    assert fetch(converted) == folder  # the public files
    (folder / "ab.txt").write_bytes(b"AB")
    (folder / "a.txt").unlink()
    (folder / "b.txt").write_bytes(b"b")
    assert fetch(converted) == folder
    (folder / "b.txt").write_bytes(b"C")
    with pytest.raises(DataError, match=f"not {digest(b'b')} or {digest(b'B')}"):
        fetch(converted)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a server on this machine publishes the toy set, with an empty cache to download to."""
    pytest.importorskip("pooch")
    public = tmp_path / "public"
    public.mkdir()
    (public / "a.txt").write_bytes(b"A")
    (public / "b.txt").write_bytes(b"B")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(public))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_download_once(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # which has no folder "toy"
    folder = fetch(toy(address))
    assert folder == tmp_path / "cache" / "attentionflow" / "toy"
    assert [(folder / name).read_bytes() for name in ("a.txt", "b.txt")] == [b"A", b"B"]
    assert fetch(toy("http://127.0.0.1:9")) == folder


def test_download_of_something_else(address: str, tmp_path: Path) -> None:
    (tmp_path / "public" / "b.txt").write_bytes(b"C")
    with pytest.raises(DataError, match=r"b\.txt: what came is not the data set 'toy'"):
        fetch(toy(address))
    assert not (tmp_path / "cache" / "attentionflow" / "toy" / "b.txt").exists()


def test_download_that_fails(address: str, tmp_path: Path) -> None:
    (tmp_path / "public" / "b.txt").unlink()
    with pytest.raises(UserError, match=rf"could not download {address}/b\.txt \(HTTPError\).*set {VARIABLE} to"):
        fetch(toy(address))
    with pytest.raises(UserError, match=r"could not download http://127\.0\.0\.1:9/b\.txt \(ConnectionError\)"):
        fetch(toy("http://127.0.0.1:9"))


def packed(public: Path) -> dict[str, object]:
    """An archive with the toy set in a folder of it, and what a data set says of it."""
    with zipfile.ZipFile(public / "toy.zip", "w") as archive:
        for name in ("a.txt", "deep/b.txt"):
            archive.writestr(f"toy-main/sounds/{name}", name)
    listing = "".join(f"{digest(name.encode())}  ./sounds/{name}\n" for name in ("a.txt", "deep/b.txt"))
    return {"archive": "toy-main", "files": {}, "trees": {"sounds": digest(listing.encode())}}


def test_download_of_an_archive(address: str, tmp_path: Path) -> None:
    about = packed(tmp_path / "public")
    folder = fetch(toy(f"{address}/toy.zip", **about))
    assert (folder / "sounds" / "deep" / "b.txt").read_text() == "deep/b.txt"
    assert fetch(toy("http://127.0.0.1:9/toy.zip", **about)) == folder, "once"
    (folder / "sounds" / "c.txt").write_text("one too many")
    with pytest.raises(DataError, match=r"sounds: the files are not those of the data set 'toy'"):
        fetch(toy(f"{address}/toy.zip", **about))


def test_download_of_a_file_that_lies_packed_elsewhere(address: str, tmp_path: Path) -> None:
    public = tmp_path / "public"
    for content, name in ((b"B", "b.zip"), (b"C", "other.zip")):
        with zipfile.ZipFile(public / name, "w") as archive:
            archive.writestr("b.txt", content)
    (public / "b.txt").unlink()
    with pytest.raises(DataError, match=r"b\.txt: the file is not that of the data set"):
        fetch(toy(address, packed={"b.txt": f"{address}/other.zip"}, name="wrong"))
    folder = fetch(toy(address, packed={"b.txt": f"{address}/b.zip"}))
    assert [(folder / name).read_bytes() for name in ("a.txt", "b.txt")] == [b"A", b"B"]
    assert fetch(toy("http://127.0.0.1:9", packed={"b.txt": "http://127.0.0.1:9/b.zip"})) == folder, "once"
    with pytest.raises(UserError, match=rf"could not download {address}/none\.zip \(HTTPError\)"):
        fetch(toy(address, packed={"b.txt": f"{address}/none.zip"}, name="none"))


def test_download_of_an_archive_that_fails(address: str) -> None:
    with pytest.raises(UserError, match=rf"could not download {address}/none\.zip \(HTTPError\)"):
        fetch(toy(f"{address}/none.zip", archive="toy-main", files={}, trees={"sounds": "0" * 64}))


def test_a_listing_is_that_of_the_shell(tmp_path: Path) -> None:
    for name in ("b", "B", "a/z", "a.b"):
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_text(name)
    command = "find ./t -type f | LC_ALL=C sort | xargs sha256sum"
    listing = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True).stdout
    assert tree_digest(tmp_path, "t") == digest(listing)


def test_no_pooch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(UserError, match=rf'pip install "attentionflow\[data\]".*set {VARIABLE}'):
        fetch(toy())


# Multi30k


@pytest.fixture
def multi30k(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points the variable at a folder that holds Multi30k, or skips."""
    shared = Path(__file__).parents[3] / "shared" / "data"
    for place in (os.environ.get(VARIABLE), shared):
        if place and (Path(place) / "multi30k").is_dir():
            monkeypatch.setenv(VARIABLE, str(place))
            return
    pytest.skip(f"needs the folder multi30k in ${VARIABLE} or in {shared}")


@pytest.mark.usefixtures("multi30k")
def test_multi30k() -> None:
    module = dataset_module("multi30k")
    splits = module.read()
    assert {name: len(pairs) for name, pairs in splits.items()} == {
        "train": 29_000,
        "val": 1_014,
        "test": 1_000,
        "test_2017_flickr": 1_000,
        "test_2017_mscoco": 461,
    }
    assert splits["train"][0].source == "Two young, White males are outside near many bushes."
    assert splits["train"][0].target == "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche."
    back = module.read(source="de")["test"][0]
    assert (back.source, back.target) == (splits["test"][0].target, splits["test"][0].source)
    with pytest.raises(UserError, match="multi30k has no target language 'fr'"):
        module.read("en", "fr")
    folder = fetch(module.DATASET)
    assert sum((folder / name).stat().st_size for name in module.DATASET.files) == module.DATASET.size


# CLDR


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[tuple[str, str]]]:
    """50,000 draws, (source, target) by split."""
    cldr = dataset_module("cldr")
    sizes = {"train": 40_000, "val": 5_000, "test": 5_000}
    return {split: [(p.source, p.target) for p in cldr.Written(split, size, seed=1)] for split, size in sizes.items()}


def test_cldr_is_the_same_every_time_and_differs_by_seed() -> None:
    cldr = dataset_module("cldr")
    splits = cldr.read()
    assert {name: len(pairs) for name, pairs in splits.items()} == {"train": 60_000, "val": 500, "test": 1_000}
    assert splits["train"][-1] == splits["train"][59_999] == cldr.read()["train"][59_999:][0]
    assert splits["train"][0] != splits["val"][0] != cldr.read(seed=1)["val"][0]
    # The values drawn are the same on every machine; how a locale writes them may change with CLDR.
    assert [splits["train"][index].target for index in (0, 1, 19_999)] == ["1935-12-11", "4816.38 UAH", "30573.01"]
    with pytest.raises(IndexError):
        splits["train"][60_000]
    with pytest.raises(UserError, match="one direction only"):
        cldr.read("de")


def test_cldr_each_source_has_one_target(drawn: dict[str, list[tuple[str, str]]]) -> None:
    targets: dict[str, str] = {}
    for pairs in drawn.values():
        for source, target in pairs:
            assert targets.setdefault(source, target) == target, source


def test_cldr_splits_share_no_source_and_no_target(drawn: dict[str, list[tuple[str, str]]]) -> None:
    cldr = dataset_module("cldr")
    for split, pairs in drawn.items():
        assert all(cldr.split_of(target) == split for _, target in pairs)
    for side in (0, 1):
        texts = [{pair[side] for pair in pairs} for pairs in drawn.values()]
        assert sum(map(len, texts)) == len(set.union(*texts))


def test_cldr_figures_can_be_read_back(drawn: dict[str, list[tuple[str, str]]]) -> None:
    """All digits of the target stand in the source: in order for numbers, as year and day for dates."""
    for pairs in drawn.values():
        for source, target in pairs:
            text = source.partition("] ")[2]
            figures = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
            if date := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", target):
                year, month, day = map(int, date.groups())
                figures = re.sub(r"^Th \d, |^Thứ \w+, ", "", figures)  # Vietnamese counts the days of the week
                numbers = sorted(map(int, re.findall(r"\d+", figures)))
                assert numbers in (sorted([year, month, day]), sorted([year, day])), source
            else:
                amount, _, code = target.partition(" ")
                assert re.sub(r"\D", "", figures) == re.sub(r"\D", "", amount), source
                signed = not code and ("-" in figures or "\u2212" in figures)  # names of currencies have hyphens
                assert amount.startswith("-") == signed, source


def test_cldr_names_of_months_and_weekdays_are_right(drawn: dict[str, list[tuple[str, str]]]) -> None:
    """Within a locale a way of writing a date, its figures taken out, belongs to one month, and so to few patterns."""
    months: dict[tuple[str, str], set[str]] = {}
    for source, target in drawn["train"]:
        tag, _, text = source.partition("] ")
        if re.fullmatch(r"\d{4}-\d\d-\d\d", target) and len(re.findall(r"\d+", text)) == 2:
            months.setdefault((tag, re.sub(r"\d+", "#", text)), set()).add(target[5:7])
    assert len(months) > 1000
    assert all(len(found) == 1 for found in months.values())


def test_cldr_all_locales_and_currencies_appear(drawn: dict[str, list[tuple[str, str]]]) -> None:
    cldr = dataset_module("cldr")
    assert {source[1:6] for source, _ in drawn["train"]} == set(cldr.LOCALES)
    assert {target[-3:] for _, target in drawn["train"] if target[-1].isalpha()} == set(cldr.CURRENCIES)
    assert all(len(cldr.date_patterns(tag)) > 1 for tag in cldr.LOCALES)
    assert all(source == source.strip() for source, _ in drawn["train"])
