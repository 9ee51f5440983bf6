"""The named sets of labelled texts hold what their pages say."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from attentionflow.datasets import banking77, chnsenticorp, sst2, sst5, tongues
from attentionflow.errors import DataError

DATA = os.environ.get("ATTENTIONFLOW_DATA", "")


def files(folder: str) -> Path:
    path = Path(DATA) / folder
    if not DATA or not path.is_dir():
        pytest.skip(f"{folder} is not in $ATTENTIONFLOW_DATA")
    return path


def test_banking77() -> None:
    files("banking77")
    splits, notes = banking77.read()
    assert {name: len(texts) for name, texts in splits.items()} == {"train": 10_003, "test": 3_080}
    assert set(Counter(one.labels for one in splits["test"]).values()) == {40}
    assert len({one.labels for one in splits["train"]}) == 77
    assert sum("\n" in one.text for one in splits["train"]) > 0
    assert notes == []


@pytest.mark.parametrize(("module", "sizes", "classes"), [(sst2, (6920, 872, 1821), 2), (sst5, (8544, 1101, 2210), 5)])
def test_sst(module: object, sizes: tuple[int, ...], classes: int) -> None:
    files("sst")
    splits, _ = module.read()  # type: ignore[attr-defined]
    assert list(splits) == ["train", "val", "test"]
    assert tuple(map(len, splits.values())) == sizes
    assert len({one.labels for one in splits["train"]}) == classes
    assert splits["val"][0].where.endswith("dev:1")


def test_chnsenticorp() -> None:
    files("chnsenticorp")
    splits, _ = chnsenticorp.read()
    assert tuple(map(len, splits.values())) == (9_600, 1_200, 1_200)
    assert Counter(one.labels for one in splits["train"]) == {("0",): 4_799, ("1",): 4_801} or Counter(
        one.labels for one in splits["train"]
    ) == {("0",): 4_801, ("1",): 4_799}
    assert sum(one.text.startswith('"') for one in splits["train"]) == 3
    assert splits["train"][0].where == "train.tsv:1"


def test_a_line_without_a_label_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train", "dev", "test"):
        (tmp_path / f"stsa.binary.{name}").write_text("1 a good film\nno label\n", encoding="utf-8")
    monkeypatch.setattr("attentionflow.datasets._sst.fetch", lambda _: tmp_path)
    with pytest.raises(DataError, match="row 2: no label and sentence"):
        sst2.read()
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.tsv").write_text("label\ttext_a\n1\tgood\n2\tbad\n", encoding="utf-8")
    monkeypatch.setattr("attentionflow.datasets.chnsenticorp.fetch", lambda _: tmp_path)
    with pytest.raises(DataError, match="row 2: no label and text"):
        chnsenticorp.read()


def test_tongues_holds_what_it_says_and_keeps_things_apart() -> None:
    splits, notes = tongues.read()
    assert all(f"{len(texts):,} {name}" in tongues.DATASET.summary for name, texts in splits.items())
    things = {name: {one.where.split("/", 2)[2] for one in texts} for name, texts in splits.items()}
    assert not things["train"] & things["test"]
    assert not things["train"] & things["val"]
    texts = [one.text for found in splits.values() for one in found]
    assert len(set(texts)) == len(texts)
    assert len({one.labels for one in splits["test"]}) == len(tongues.LANGUAGES)
    assert "share" in notes[0]
