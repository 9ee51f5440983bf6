"""Pairs of texts: folders and tables, directions, holding out, and what `check_pairs` finds."""

from __future__ import annotations

import gzip
import pickle
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.errors import DataError, UserError
from attentionflow.readers.finding import Finding
from attentionflow.readers.pairs import Pair, Pairs, check_pairs, hold_out, read_inputs, read_pairs
from attentionflow.readers.table import write_table


def folder_of(folder: Path, **files: str) -> Path:
    """Files by name, with _ for the dot: train_en="a\\nb"."""
    for name, content in files.items():
        folder.joinpath(name.replace("_", ".")).write_text(content, encoding="utf-8", newline="")
    return folder


def pairs_of(*texts: tuple[str, str], file: str = "t") -> Pairs:
    return Pairs([source for source, _ in texts], [target for _, target in texts], file)


# Reading


def test_parallel_files(tmp_path: Path) -> None:
    folder_of(tmp_path, train_en="a\n b \n", train_de="x\ny\t\n", dev_en="c\n", dev_de="z\n", README_md="about")
    for language in ("en", "de"):
        (tmp_path / f"test_2016_flickr.{language}.gz").write_bytes(gzip.compress(b"t\n"))
    splits = read_pairs(tmp_path, "en", "de")
    assert list(splits) == ["train", "val", "test_2016_flickr"]
    assert list(splits["train"]) == [Pair("a", "x", "train.en:1"), Pair("b", "y", "train.en:2")]
    assert splits["val"][0].where == "dev.en:1"
    assert splits["test_2016_flickr"][0] == Pair("t", "t", "test_2016_flickr.en.gz:1")
    assert read_pairs(tmp_path, "de", "en")["train"][0] == Pair("x", "a", "train.de:1")
    assert read_pairs(tmp_path, source="de")["train"][0].target == "a"
    assert read_pairs(tmp_path, target="de")["train"][0].target == "x"


def test_index_slice_and_pickle() -> None:
    pairs = pairs_of(("a", "x"), ("b", "y"), ("c", "z"))
    assert [pair.source for pair in pairs[1:]] == ["b", "c"]
    assert pairs[1:][-1] == pairs[-1] == Pair("c", "z", "t:3")
    assert [pair.source for pair in pairs[::-1][:2]] == ["c", "b"]
    assert pickle.loads(pickle.dumps(pairs[1:]))[0] == pairs[1]
    with pytest.raises(IndexError):
        pairs[3]


@pytest.mark.parametrize("name", ["train.csv", "train.tsv.gz", "train.jsonl", "train.parquet"])
def test_folder_of_tables(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, {"source": ["a "], "target": ["x"]})
    write_table(tmp_path / "validation.csv", {"source": ["b\nb"], "target": ["y"], "more": ["z"]})
    write_table(tmp_path / "metadata.csv", {"file_name": ["c"]})
    splits = read_pairs(tmp_path)
    assert list(splits) == ["train", "val"]
    assert list(splits["train"]) == [Pair("a", "x", f"{name}:1")]
    assert splits["val"][0].source == "b\nb"


def test_one_table_with_named_columns(tmp_path: Path) -> None:
    (tmp_path / "my.jsonl").write_text('\n{"q":"a","a":"x"}\n')
    assert list(read_pairs(tmp_path / "my.jsonl", "q", "a")["train"]) == [Pair("a", "x", "my.jsonl:2")]
    with pytest.raises(DataError, match=r"no column 'source': There are: a, q\. Name the columns: --set source=NAME"):
        read_pairs(tmp_path / "my.jsonl")
    with pytest.raises(UserError, match="both the column 'q'"):
        read_pairs(tmp_path / "my.jsonl", "q", "q")


def test_inputs(tmp_path: Path) -> None:
    folder_of(tmp_path, in_txt="a \n\nb\n", in_csv="text,source\nt,s\n")
    assert list(read_inputs(tmp_path / "in.txt")) == [
        Pair("a", None, "in.txt:1"),
        Pair("", None, "in.txt:2"),
        Pair("b", None, "in.txt:3"),
    ]
    assert list(read_inputs(tmp_path / "in.csv")) == [Pair("s", None, "in.csv:1")]
    assert read_inputs(tmp_path / "in.csv", "text")[0].source == "t"
    with pytest.raises(DataError, match=r"no column 'txt': did you mean 'text'\?.*--set source=NAME"):
        read_inputs(tmp_path / "in.csv", "txt")
    with pytest.raises(DataError, match="is a folder"):
        read_inputs(tmp_path)


# What can be wrong with a folder


def test_direction_is_not_guessed(tmp_path: Path) -> None:
    folder_of(tmp_path, train_en="a", train_de="x")
    with pytest.raises(UserError, match="cannot be guessed: add --set source=en --set target=de"):
        read_pairs(tmp_path)
    with pytest.raises(UserError, match="source and target are both 'en'"):
        read_pairs(tmp_path, "en", "en")
    with pytest.raises(UserError, match=r"no target language 'dee': did you mean 'de'\? There are: de, en"):
        read_pairs(tmp_path, "en", "dee")
    folder_of(tmp_path, train_fr="x")
    with pytest.raises(UserError, match=r"has the languages de, en, fr, .* --set source=fr --set target=de"):
        read_pairs(tmp_path, "fr")


def test_one_language_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has train\.txt alone"):
        read_pairs(folder_of(tmp_path, train_txt="a"))


@pytest.mark.parametrize("files", [{}, {"val_en": "a", "val_de": "b"}, {"data_csv": "source,target\n1,2\n"}])
def test_no_training_split(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"no training pairs: it needs train\.<language> twice.*it holds"):
        read_pairs(folder_of(tmp_path, **files))


def test_split_with_one_side(tmp_path: Path) -> None:
    folder_of(tmp_path, train_en="a", train_de="x", other_en="not a split")
    assert list(read_pairs(tmp_path, "en", "de")) == ["train"]
    folder_of(tmp_path, valid_de="x")
    with pytest.raises(DataError, match=r"valid\.de: its other side val\.en is missing"):
        read_pairs(tmp_path, "en", "de")


def test_split_twice(tmp_path: Path) -> None:
    folder_of(tmp_path, train_en="a", train_de="x", val_en="a", val_de="x", dev_en="b", dev_de="y")
    with pytest.raises(UserError, match=r"holds 'val' twice, as dev\.en and val\.en"):
        read_pairs(tmp_path, "en", "de")
    tables = tmp_path / "tables"
    for name in ("train.csv", "train.jsonl"):
        write_table(tables / name, {"source": ["a"], "target": ["x"]})
    with pytest.raises(UserError, match=r"holds 'train' twice, as train\.csv and train\.jsonl"):
        read_pairs(tables)


def test_tables_and_text_files_together(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"as train\.csv and as text files"):
        read_pairs(folder_of(tmp_path, train_en="a", train_de="x", train_csv="source,target\n1,2\n"))


def test_path_that_is_not_there_or_one_text_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_pairs(tmp_path / "nothing")
    with pytest.raises(UserError, match="one text file, but pairs need two sides"):
        read_pairs(folder_of(tmp_path, train_en="a") / "train.en")


SENTENCES = [("word " * (1 + i * 7919 % 23)).strip() for i in range(300)]


def test_unequal_sides_and_where_they_part(tmp_path: Path) -> None:
    dropped = SENTENCES[:100] + SENTENCES[101:]
    folder_of(tmp_path, train_en="\n".join(SENTENCES), train_de="\n".join(dropped))
    for source, target, counts in (
        ("en", "de", "train.en: 300 lines, but train.de has 299"),
        ("de", "en", "train.de: 299 lines, but train.en has 300"),
    ):
        with pytest.raises(DataError, match=f"{counts}.*they part at about row 101"):
            read_pairs(tmp_path, source, target)


def test_unequal_sides_with_an_empty_line(tmp_path: Path) -> None:
    folder_of(tmp_path, train_en="a\nb\nc\nd", train_de="x\n\ny\nz\nz")
    with pytest.raises(DataError, match=r"4 lines, but train\.de has 5 and row 2 is empty on one side alone"):
        read_pairs(tmp_path, "en", "de")


# Holding out


@given(
    sources=st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=60).filter(lambda s: len(set(s)) > 1),
    share=st.floats(0.01, 0.5),
    most=st.integers(1, 20),
    seed=st.integers(0, 3),
)
def test_held_out_pairs_share_no_source(sources: list[str], share: float, most: int, seed: int) -> None:
    pairs = pairs_of(*((source, str(i)) for i, source in enumerate(sources)))
    try:
        train, held = hold_out(pairs, share, most, seed)
    except UserError:
        assert min(map(sources.count, sources)) > max(1, min(round(share * len(sources)), most))
        return
    assert 1 <= len(held) <= max(1, min(round(share * len(pairs)), most))
    assert not {pair.source for pair in train} & {pair.source for pair in held}
    assert sorted([*train.indices, *held.indices]) == list(range(len(pairs)))
    assert list(hold_out(pairs, share, most, seed)[1]) == list(held)


def test_hold_out_size_and_seed() -> None:
    pairs = pairs_of(*((str(i), str(i)) for i in range(2000)))
    assert [len(part) for part in hold_out(pairs, 0.1, 1000, 0)] == [1800, 200]
    assert [len(part) for part in hold_out(pairs, 0.1, 50, 0)] == [1950, 50]
    assert list(hold_out(pairs, 0.1, 50, 0)[1].indices) != list(hold_out(pairs, 0.1, 50, 1)[1].indices)


def test_too_few_to_hold_out() -> None:
    for pairs in (pairs_of(("a", "x")), pairs_of(("a", "x"), ("a", "y"))):
        with pytest.raises(UserError, match="too few to hold"):
            hold_out(pairs, 0.5, 10, 0)


# Checking


def found(pairs: Pairs, **others: Pairs) -> list[Finding]:
    """What is found but for the sizes."""
    return [finding for finding in check_pairs({"train": pairs, **others}) if "least / median" not in finding.what]


GOOD = (("one two", "eins zwei"), ("three", "drei"), ("2024", "2024"))


def test_nothing_found_in_good_pairs() -> None:
    pairs = pairs_of(*GOOD)
    assert found(pairs) == []
    (sizes,) = check_pairs({"train": pairs})
    assert sizes.severity == "info"
    assert sizes.what.startswith("train: 3 pairs; source 4 / 5 / 7 / 7 characters, 1 / 1 / 2 / 2 words; target 4 / 4")


@pytest.mark.parametrize(
    ("pair", "severity", "what"),
    [
        (("", "x"), "error", "the source is empty"),
        (("x", " "), "error", "the target is empty"),
        (("same", "same"), "warning", "the same text, not only figures, on both sides"),
        (("a " * 1001, "b " * 1001), "warning", "a text of over 2,000 characters"),
        (("sch\ufffdn", "x"), "warning", "the replacement character U+FFFD in a text"),
        (("a\x00b", "x"), "warning", "control characters in a text"),
        (("a", "x\x85y"), "warning", "control characters in a text"),
        (("a", unicodedata.normalize("NFD", "schön")), "warning", "a text that is not in Unicode's normal form NFC"),
        (("four", "f" * 41), "warning", "an odd ratio of lengths, more than 4 times off the usual"),
        (("one two", "eins zwei"), "warning", "a repetition of an earlier pair"),
        (("one two", "1 2"), "info", "an earlier source again, with another target"),
    ],
)
def test_each_fault_alone(pair: tuple[str, str], severity: str, what: str) -> None:
    (finding,) = found(pairs_of(*GOOD, pair))
    assert finding.what.startswith(f"train: 1 of 4 pairs: {what}")
    assert (finding.severity, finding.count, finding.where) == (severity, 1, ("t:4",))
    assert finding.remedy or severity == "info"


def test_overlap_with_train() -> None:
    test = pairs_of(GOOD[0], ("three", "3"), ("four", "vier"), file="test")
    same, seen = found(pairs_of(*GOOD), test=test)
    assert (same.what, same.where) == ("test: 1 of 3 pairs: the pair is in train too", ("test:1",))
    assert (seen.what, seen.where) == (
        "test: 1 of 3 pairs: the source is in train too, with another target",
        ("test:2",),
    )
    assert same.severity == seen.severity == "warning"


def test_places_are_few_and_the_gravest_comes_first() -> None:
    findings = found(pairs_of(*GOOD, *[("dup", "dup")] * 9, *[("", "x")] * 7))
    assert [finding.severity for finding in findings] == sorted(
        (finding.severity for finding in findings), key=["error", "warning", "info"].index
    )
    assert findings[0].count == 7
    assert findings[0].where == tuple(f"t:{row}" for row in range(13, 18))


def test_empty_split_and_pairs_without_target(tmp_path: Path) -> None:
    assert check_pairs({"train": pairs_of()})[0].what == "train: no pairs"
    inputs = read_inputs(folder_of(tmp_path, in_txt="a\nb\n") / "in.txt")
    assert [finding.severity for finding in check_pairs({"train": inputs})] == ["info"]


def test_check_is_fast() -> None:
    pairs = pairs_of(*((f"a sentence number {i} of some length", f"ein Satz Nummer {i} von ü") for i in range(100_000)))
    start = time.process_time()
    check_pairs({"train": pairs})
    assert time.process_time() - start < 10  # about 2 s on one core


# Other usual names


def test_the_first_usual_columns_that_are_there_are_taken(tmp_path: Path) -> None:
    usual = (("source", "target"), ("dialogue", "summary"), ("text", "title"))
    write_table(tmp_path / "t.csv", {"title": ["x"], "summary": ["b"], "text": ["a"], "id": ["1"]})
    assert read_pairs(tmp_path / "t.csv", columns=usual)["train"][0] == Pair("a", "b", "t.csv:1")
    assert read_pairs(tmp_path / "t.csv", None, "title", usual)["train"][0] == Pair("a", "x", "t.csv:1")
    assert read_inputs(tmp_path / "t.csv", None, usual)[0] == Pair("a", None, "t.csv:1")
    with pytest.raises(DataError, match="no column 'source'"):
        read_pairs(tmp_path / "t.csv")


def test_extensions_with_usual_names_need_no_direction(tmp_path: Path) -> None:
    folder_of(tmp_path, train_text="a\n", train_title="b\n")
    assert read_pairs(tmp_path, columns=(("text", "title"),))["train"][0] == Pair("a", "b", "train.text:1")
    with pytest.raises(UserError, match="cannot be guessed"):
        read_pairs(tmp_path)
