"""Pictures beside people: a model whose answer is known, a tiny ViT, runs, own tables, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from tiny_encoder import write_encoder
from torch import nn

from attentionflow import cli
from attentionflow._compare import compare
from attentionflow._compare_pictures import ALONE, BASELINE, CONTRAST, ELSEWHERE
from attentionflow.errors import UserError
from attentionflow.readers.fixations import Looking
from attentionflow.records import AttentionRecord, Axis, Site

pytest.importorskip("scipy", reason="maps need the extra human")

SIDE, PATCHES = 64, 8


class Viewer:
    """Attends in its first layer to the patches by how bright they are, in its second evenly."""

    meaning = "probability of nothing"

    def __init__(self) -> None:
        self.model = nn.Identity()

    def cases(self, pictures: Sequence[np.ndarray]) -> tuple[list[Viewed], list[str]]:
        return [Viewed(pixels) for pixels in pictures], []


@dataclass(frozen=True)
class Viewed:
    pixels: np.ndarray
    where = ""

    def record(self, model: nn.Module) -> AttentionRecord:
        step = SIDE // PATCHES
        bright = self.pixels[:, :, 0].reshape(PATCHES, step, PATCHES, step).mean((1, 3)).ravel() + 1.0
        n = PATCHES**2
        first, second = np.tile(bright / bright.sum(), (n, 1)), np.full((n, n), 1 / n)
        sites = tuple(
            Site(f"layer{i}", i, i, "self", "patches", "patches", one[None, None], residual=False)
            for i, one in enumerate((first, second))
        )
        at = [(row, column) for row in range(PATCHES) for column in range(PATCHES)]
        spans = tuple((c / PATCHES, r / PATCHES, (c + 1) / PATCHES, (r + 1) / PATCHES) for r, c in at)
        axis = Axis("patch", tuple(f"{r}, {c}" for r, c in at), spans)
        return AttentionRecord(sites, {"patches": (axis,)}, {"patches": np.ones((1, n), bool)})

    def score(self, kept: np.ndarray) -> np.ndarray:
        raise AssertionError("a comparison asks for no score")


def spots(count: int = 10, people: int = 4) -> list[Looking]:
    """Pictures with a bright spot somewhere near the border, at which everybody looks."""
    draw, found = np.random.default_rng(0), []
    for number in range(count):
        pixels = draw.integers(0, 40, (SIDE, SIDE), np.uint8)
        x, y = draw.choice([10, 52]), draw.integers(8, 56)
        pixels[y - 4 : y + 4, x - 4 : x + 4] += 180
        fixations = {f"s{i}": np.array([x, y]) + draw.normal(0, 2, (5, 2)).clip(-6, 6) for i in range(people)}
        durations = {person: np.full(5, 200.0) for person in fixations}
        picture = np.repeat(pixels[:, :, None], 3, axis=2)
        found.append(
            Looking(f"{number}.png", (SIDE, SIDE), fixations, durations, f"row {number}", lambda made=picture: made)
        )
    return found


def test_a_model_that_looks_where_people_look_is_found() -> None:
    found = compare(Viewer(), spots(), ("raw", "rollout"))
    best = found["raw, depth 1"]
    assert best.mean("nss") > 2 > 0.5 > found[BASELINE].mean("nss")
    assert best.mean("auc") > 0.9
    assert best.mean("gain") > 1
    assert found[BASELINE].mean("gain") == pytest.approx(0)
    assert best.scores["partial"] is not None
    assert best.scores["partial"][1][0] > 0.2
    assert best.p_corrected is not None
    assert best.p_corrected < 0.05
    assert found.ceiling[ALONE] > best.mean("nss")
    assert "above the middle alone" in found.paragraph()
    assert "200 fixations" in found.paragraph()
    assert {row.name for row in found.rows if row.baseline} == {"chance", BASELINE, CONTRAST, ELSEWHERE}


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_a_terminal_shows_the_measures_that_it_has_room_for(width: int) -> None:
    found = compare(Viewer(), spots(3), ("raw", "rollout"))
    console = Console(width=width, record=True, file=StringIO())
    console.print(found.table(width))
    text = " ".join(console.export_text().split())
    for name in found.formulas:
        assert name in text
    assert ("in the report too" in text) == (width < 200)
    assert width == 40 or ("…" not in text and found.rows[-1].cell("nss") in text)


def test_even_attention_says_nothing_and_is_counted() -> None:
    even = compare(Viewer(), spots(3), "raw")["raw, depth 2"]
    assert even.scores["nss"] is None
    assert even.undefined == 3


def test_the_same_seed_gives_the_same_figures() -> None:
    one, two = (json.dumps(compare(Viewer(), spots(3), "raw", seed=5).to_json()) for _ in range(2))
    assert one == two


def test_a_single_picture_has_no_fixations_elsewhere() -> None:
    found = compare(Viewer(), spots(1), "raw")
    assert found["raw, depth 1"].scores["sauc"] is None
    assert ELSEWHERE not in [row.name for row in found.rows]


def test_the_page_shows_people_and_model_side_by_side(tmp_path: Path) -> None:
    compare(Viewer(), spots(4), "raw").save(tmp_path)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.count("<img src=") == 3 * 4
    assert "normalised scanpath saliency" in report
    assert "<script" not in report
    assert "pooled" not in report
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["pictures"] == 4


def test_maps_are_compared_by_what_needs_no_fixation() -> None:
    given = [
        Looking(one.image, one.size, {}, {}, one.where, one.pixels, {"s": one.pixels()[:, :, 0].astype(float)})
        for one in spots(3)
        if one.pixels is not None
    ]
    found = compare(Viewer(), given, "raw")
    best = found["raw, depth 1"]
    assert found.deciding == "cc"
    assert best.mean("cc") > 0.5
    assert best.scores["nss"] is None
    assert "Mean correlation over pictures was highest for raw, depth 1" in found.paragraph()
    with pytest.raises(UserError, match="some pictures come with fixations and some with maps"):
        compare(Viewer(), [*given, *spots(1)], "raw")


def test_pictures_without_pixels_are_counted_and_a_language_is_refused() -> None:
    blind = Looking("x.png", (8, 8), {"s": np.ones((1, 2))}, {"s": np.ones(1)}, "row 9")
    assert (
        "1 pictures without pixels, or that nobody looked at, are left out"
        in compare(Viewer(), [*spots(2), blind], "raw").notes
    )
    with pytest.raises(UserError, match="nothing can be compared"):
        compare(Viewer(), [blind], "raw")
    with pytest.raises(UserError, match="language=de is of the words of texts"):
        compare(Viewer(), spots(1), "raw", language="de")


# ---- real models -----------------------------------------------------------------------------------------------------


def write_table(folder: Path, lookings: Sequence[Looking]) -> Path:
    image = pytest.importorskip("PIL.Image", reason="pictures need the extra image")
    rows = ["image,subject,x,y,duration"]
    for one in lookings:
        assert one.pixels is not None
        image.fromarray(one.pixels()).save(folder / one.image)
        rows += [f"{one.image},{who},{x:.1f},{y:.1f},200" for who, at in one.fixations.items() for x, y in at]
    table = folder / "fixations.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table


def write_vit(folder: Path, kind: str, **more: Any) -> Path:
    import torch

    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    torch.manual_seed(0)
    getattr(transformers, kind)(config).save_pretrained(folder)
    page = {"image_processor_type": "ViTImageProcessor", "image_mean": [0.5] * 3, "image_std": [0.5] * 3, **more}
    (folder / "preprocessor_config.json").write_text(json.dumps(page), encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", ["ViTForImageClassification", "ViTModel"])
def test_a_vit_from_the_command_line(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, table, out = write_vit(tmp_path / "vit", kind), write_table(tmp_path, spots(3)), tmp_path / "report"
    given = ["--human", str(table), "--method", "raw,gradient", "--most", "2", "--out", str(out)]
    with pytest.raises(SystemExit, match="0"):
        cli.main(["compare", f"hf:{folder}", *given])
    said = " ".join(capsys.readouterr().out.split())
    assert f"We compared {kind} (vit) with people on fixations.csv (2 pictures, 40 fixations)" in said
    assert "2 of 3 pictures, evenly spread, are compared" in said
    page = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in page["rows"] if row["name"].startswith("gradient")] == [
        "gradient, depth 1",
        "gradient, depth 2",
    ]
    assert all(0 < row["outside"] < 1 for row in page["rows"] if not row["baseline"])  # [CLS] takes some


def test_models_that_see_no_patches_are_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "bert")
    with pytest.raises(UserError, match="BertModel is no model that reads a picture as one row of patches"):
        compare(f"hf:{folder}", spots(1), "raw")
    vit = write_vit(tmp_path / "vit", "ViTModel")
    with pytest.raises(UserError, match="ViTModel comes with no tokenizer, so it reads no texts"):
        compare(f"hf:{vit}", _one_reading(), "raw")
    (vit / "preprocessor_config.json").unlink()
    with pytest.raises(UserError, match=r"comes without preprocessor_config\.json"):
        compare(f"hf:{vit}", spots(1), "raw")


def _one_reading() -> Any:
    from attentionflow.readers.reading import Reading

    return [Reading("a good film", ((0, 1), (2, 6), (7, 11)), ("r",), np.array([[1.0, 2, 3]]), "row 1")]


def test_a_run_of_pictures_and_one_of_texts(tmp_path: Path) -> None:
    from attentionflow import train

    quick = {"epochs": 1, "channels": 4, "blocks": 2, "heads": 2, "feedforward": 8, "evaluations": 1}
    run = train("image-classification", out=tmp_path / "run", settings=quick, quiet=True)
    found = compare(run, spots(2))
    assert [row.name for row in found.rows if not row.baseline] == ["raw", "rollout", "maxflow", "gradient"]
    assert found.model == "image-classification: run"
    texts = tmp_path / "texts"
    texts.mkdir()
    rows = "\n".join(f"{word} film number {i},{word}" for word in ("good", "bad") for i in range(20))
    (texts / "train.csv").write_text(f"text,label\n{rows}\n", encoding="utf-8")
    reader = train(
        "sentiment", str(texts), out=tmp_path / "reader", architecture="classic", settings={"epochs": 1}, quiet=True
    )
    with pytest.raises(UserError, match="a run of sentiment sees no pictures"):
        compare(reader, spots(1))
