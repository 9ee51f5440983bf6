"""Attention over a strip of time: drawn on its seconds, coloured by the chosen row, chosen by pointing at a moment."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from attentionflow.readers.mel import picture
from attentionflow.records import AttentionRecord, Axis, Site
from attentionflow.view import page

FRAMES = 8
STEP = 0.04  # seconds of a position


def record() -> AttentionRecord:
    """Two letters: the first looks at the second moment alone, the other at the seventh; moments look at themselves."""
    weights = np.zeros((1, 1, 2, FRAMES), np.float32)
    weights[0, 0, 0, 1] = weights[0, 0, 1, 6] = 1
    own = np.eye(FRAMES, dtype=np.float32)[None, None]
    sites = (
        Site("encoder", 0, 0, "self", "frames", "frames", own, heads=(0,)),
        Site("decoder", 1, 0, "cross", "text", "frames", weights, heads=(0,)),
    )
    spans = tuple((i * STEP, (i + 1) * STEP) for i in range(FRAMES))
    labels = tuple(f"{start:.2f} s" for start, _ in spans)
    preview = picture(np.random.default_rng(0).normal(size=(4 * FRAMES, 16)))
    axes = {"frames": (Axis("frame", labels, spans, preview=preview),), "text": (Axis("token", ("A", "B")),)}
    present = {"frames": np.ones((1, FRAMES), bool), "text": np.ones((1, 2), bool)}
    return AttentionRecord(sites, axes, present, model="recogniser")


def test_the_page_is_given_shares_of_the_strip_and_its_seconds() -> None:
    (example,) = json.loads(page(record()).payload)["examples"]
    axis = example["axes"]["frames"]
    assert axis["seconds"] == pytest.approx(FRAMES * STEP)
    assert axis["boxes"][1] == [0.125, 0, 0.25, 1]
    assert example["pictures"][axis["picture"]].startswith("data:image/png")
    assert "boxes" not in example["axes"]["text"]


def test_an_axis_without_a_picture_is_no_strip() -> None:
    bare = record()
    axis = bare.axes["frames"][0]
    bare.axes["frames"] = (Axis("frame", axis.labels, axis.spans),)  # type: ignore[index]
    (example,) = json.loads(page(bare).payload)["examples"]
    assert "boxes" not in example["axes"]["frames"]
    assert example["pictures"] == []


STATE = "document.querySelector('.attention-page').state"
ROOT = "document.querySelector('.attention-page').shadowRoot"
CANVAS = f"{ROOT}.querySelector('canvas.picture')"
# Under the strip lie the cells of the weights. Read from a copy, as a browser complains of a canvas drawn on and read.
CELL = f"""(share) => {{
  const from = {CANVAS}, copy = new OffscreenCanvas(1, 1).getContext("2d", {{ willReadFrequently: true }});
  copy.drawImage(from, -Math.floor(share * from.width), -Math.floor((134 / 166) * from.height));
  return copy.getImageData(0, 0, 1, 1).data.slice(0, 3).join(" ");
}}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_moment_that_a_letter_looks_at_has_another_colour(opened: Any, theme: str) -> None:
    tab = opened(page(record(), theme=theme).html)
    tab.wait_for_function(f"() => {CANVAS}.width > 300")
    looked, others = tab.evaluate(CELL, 1.5 / FRAMES), {tab.evaluate(CELL, (at + 0.5) / FRAMES) for at in (3, 5, 6)}
    assert len(others) == 1
    assert looked not in others
    assert tab.evaluate(f"{ROOT}.querySelector('.onpicture h3').textContent") == "Over time"
    assert "A looks" in tab.evaluate(f"{CANVAS}.getAttribute('aria-label')")


def test_pointing_at_a_moment_chooses_it_where_moments_look(opened: Any) -> None:
    tab = opened(page(record()).html)
    tab.wait_for_function(f"() => {CANVAS}.width > 300")
    tab.evaluate(
        f"(() => {{ const s = {ROOT}.querySelector('select'); s.value = 1; s.dispatchEvent(new Event('change')); }})()"
    )
    tab.wait_for_function(f"() => {STATE}?.rows.length === {FRAMES}")
    tab.evaluate(f"{CANVAS}.scrollIntoView({{block: 'center'}})")
    box = tab.evaluate(f"(({{x, y, width, height}}) => ({{x, y, width, height}}))({CANVAS}.getBoundingClientRect())")
    tab.mouse.move(box["x"] + 4.5 / FRAMES * box["width"], box["y"] + 30)
    tab.wait_for_function(f"() => {STATE}?.query === 4")
    assert "0.16 s" in tab.evaluate(f"{STATE}?.sentence")
