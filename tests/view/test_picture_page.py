"""Attention over a picture: drawn where its axes lie, bright where a row looks, chosen by pointing at it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from attentionflow.readers.image import preview
from attentionflow.records import AttentionRecord, Axis, Site
from attentionflow.view import page

ROWS, COLUMNS = 3, 4
BOXES = ((0.0, 0.0, 0.5, 0.67), (0.5, 0.33, 1.0, 1.0))


def patches() -> Axis:
    """A grid on a white picture; the last patch lies beside it."""
    spans = [
        (column / COLUMNS, row / ROWS, (column + 1) / COLUMNS, (row + 1) / ROWS)
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    labels = tuple(f"row {i // COLUMNS + 1}, column {i % COLUMNS + 1}" for i in range(ROWS * COLUMNS))
    white = np.full((120, 160, 3), 255, np.uint8)
    return Axis("patch", labels, (*spans[:-1], None), preview=preview(white))


def record() -> AttentionRecord:
    """Two objects: the first looks at the first patch alone, the second at the sixth; and patches at themselves."""
    weights = np.zeros((1, 1, 2, ROWS * COLUMNS), np.float32)
    weights[0, 0, 0, 0] = weights[0, 0, 1, 5] = 1
    own = np.eye(ROWS * COLUMNS, dtype=np.float32)[None, None]
    sites = (
        Site("encoder", 0, 0, "self", "patches", "patches", own, heads=(0,)),
        Site("decoder", 1, 0, "cross", "boxes", "patches", weights, heads=(0,)),
    )
    axes = {"patches": (patches(),), "boxes": (Axis("box", ("cat 0.91", "dog 0.80"), BOXES),)}
    present = {"patches": np.ones((1, ROWS * COLUMNS), bool), "boxes": np.ones((1, 2), bool)}
    return AttentionRecord(sites, axes, present, model="detector")


def test_the_page_is_given_places_and_the_picture_once() -> None:
    data = json.loads(page(record()).payload)
    example = data["examples"][0]
    (picture,) = example["pictures"]
    assert picture.startswith("data:image/")
    assert {example["axes"][stream]["picture"] for stream in ("boxes", "patches")} == {0}
    assert example["axes"]["boxes"]["boxes"] == [list(box) for box in BOXES]
    assert example["axes"]["patches"]["boxes"][-1] is None
    assert example["axes"]["patches"]["boxes"][1] == [0.25, 0, 0.5, 0.33333]
    assert page(record()).payload.count("data:image/") == 1


STATE = "document.querySelector('.attention-page').state"
CANVAS = "document.querySelector('.attention-page').shadowRoot.querySelector('canvas.picture')"
CANVASES = "document.querySelector('.attention-page').shadowRoot.querySelectorAll('canvas.picture')"


def drawn(tab: Any) -> dict[str, float]:
    """Where the picture lies on the page, once it is drawn."""
    tab.wait_for_function(f"() => {CANVAS}.width > 300")
    found: dict[str, float] = tab.evaluate(
        f"(({{x, y, width, height}}) => ({{x, y, width, height}}))({CANVAS}.getBoundingClientRect())"
    )
    return found


# Read from a copy, as a browser complains of a canvas that is drawn on and read.
RED = f"""([x, y]) => {{
  const from = {CANVAS}, copy = new OffscreenCanvas(1, 1).getContext("2d", {{ willReadFrequently: true }});
  copy.drawImage(from, -Math.floor(x * from.width), -Math.floor(y * from.height));
  return copy.getImageData(0, 0, 1, 1).data[0];
}}"""


def brightness(tab: Any, x: float, y: float) -> int:
    """Red of the pixel at a share of the picture."""
    found: int = tab.evaluate(RED, [x, y])
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_the_chosen_object_looks_at_is_bright(opened: Any, theme: str) -> None:
    tab = opened(page(record(), theme=theme).html)
    drawn(tab)
    assert tab.evaluate(f"{STATE}?.query") == 0
    assert brightness(tab, 0.12, 0.17) == 255
    assert brightness(tab, 0.4, 0.5) < 90
    assert brightness(tab, 0.9, 0.9) == 255  # beside the picture: nothing to veil


def test_pointing_at_an_object_chooses_it_and_a_click_keeps_it(opened: Any) -> None:
    tab = opened(page(record()).html)
    box = drawn(tab)
    tab.evaluate(f"{CANVAS}.scrollIntoView({{block: 'center'}})")
    box = drawn(tab)

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    tab.mouse.move(*at(0.8, 0.8))
    tab.wait_for_function(f"() => {STATE}?.query === 1 && !{STATE}.pinned")
    tab.wait_for_function(f"() => ({RED})([0.375, 0.4]) === 255")
    tab.mouse.click(*at(0.8, 0.8))
    tab.wait_for_function(f"() => {STATE}?.pinned")
    tab.mouse.move(*at(0.2, 0.2))
    tab.wait_for_timeout(200)
    assert tab.evaluate(f"{STATE}?.query") == 1
    assert "dog 0.80" in tab.evaluate(f"{CANVAS}.getAttribute('aria-label')")


def test_the_grid_is_drawn_on_request(opened: Any) -> None:
    tab = opened(page(record()).html)
    drawn(tab)
    veiled = brightness(tab, 0.25, 0.17)  # where two patches meet
    assert veiled < 90
    tab.keyboard.press("g")
    tab.wait_for_function(f"() => ({RED})([0.25, 0.17]) > 100")
    tab.keyboard.press("g")
    tab.wait_for_function(f"() => ({RED})([0.25, 0.17]) === {veiled}")


def test_rows_and_columns_on_pictures_of_their_own(opened: Any) -> None:
    """What is known lies on the picture below, and each of its places looks at places of the picture above."""
    one = record()
    known = Axis(
        "patch",
        ("known: left", "known: right"),
        ((0, 0, 0.5, 1), (0.5, 0, 1, 1)),
        preview=preview(np.full((60, 120, 3), 90, np.uint8)),
    )
    tab = opened(page(replace(one, axes={**one.axes, "boxes": (known,)})).html)
    drawn(tab)
    assert tab.evaluate(f"{CANVASES}.length") == 2
    assert not tab.evaluate(f"{CANVASES}[1].hidden")
    assert brightness(tab, 0.12, 0.17) == 255  # no outline of what lies on the other
    box = tab.evaluate(
        f"(({{x, y, width, height}}) => ({{x, y, width, height}}))({CANVASES}[1].getBoundingClientRect())"
    )
    tab.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    tab.wait_for_function(f"() => {STATE}?.query === 1")


def test_a_record_without_a_picture_shows_none(opened: Any) -> None:
    plain = Axis("token", ("a", "b"))
    weights = np.full((1, 1, 2, 2), 0.5, np.float32)
    site = Site("encoder", 0, 0, "self", "text", "text", weights, heads=(0,))
    tab = opened(page(AttentionRecord((site,), {"text": (plain,)}, {"text": np.ones((1, 2), bool)})).html)
    assert tab.evaluate(f"{CANVAS}.closest('figure').hidden")
