"""The attention page: what it carries, what it refuses, and how it behaves in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import alone, long_text, state, translation, unpacked

from attentionflow.errors import UserError
from attentionflow.records import AttentionRecord, Axis, Fold
from attentionflow.view import Page, page
from attentionflow.view.payload import pack, units

HOSTILE = ("</script><script>boom()</script>", "<img src=x onerror=boom()>", "a\u2028b", '"&amp;', "\ud800", "", "  ")


@pytest.fixture
def sentence() -> AttentionRecord:
    return translation()


# ---- what the page carries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_weights_come_back_within_the_stated_error(bits: int, shift: float) -> None:
    rng = np.random.default_rng(0)
    weights = (rng.random((3, 5, 40)) ** 8 - shift).astype(np.float32)
    weights[0, 0] = 0
    back = unpacked({"shape": weights.shape, "data": pack(weights, bits)}, bits)
    low = np.minimum(weights.min(-1, keepdims=True), 0)
    r, top = np.maximum(weights.max(-1, keepdims=True), 0) - low, 2**bits - 1
    bound = np.sqrt((weights - low) * r) / top + r / (4 * top**2) + 1e-6 * r
    assert (np.abs(back - weights) <= bound).all()
    assert (back[0, 0] == 0).all()


def test_payload_holds_every_site_of_the_record(sentence: AttentionRecord) -> None:
    data = json.loads(page(sentence).payload)
    groups = {(g["role"], g["queries"], g["keys"]): g for g in data["examples"][0]["groups"]}
    assert list(groups) == [
        ("cross", "target", "source"),
        ("self", "source", "source"),
        ("self", "target", "target"),
    ]
    assert data["notes"] == list(sentence.notes)
    for site in sentence:
        packed = groups[site.role, site.queries, site.keys]["sites"][site.layer]
        assert packed["name"] == site.name
        np.testing.assert_allclose(unpacked(packed, data["bits"]), site.weights[0], atol=2e-5)


def test_hostile_labels_cannot_leave_the_script() -> None:
    n = len(HOSTILE)
    shown = page(alone(HOSTILE, np.full((1, 1, n, n), 1 / n, np.float32)), title="</title><b>&\ud800")
    assert json.loads(shown.payload)["examples"][0]["axes"]["text"]["labels"] == list(HOSTILE)
    assert not re.search(r"[<>&\u2028]", shown.payload)
    assert shown.payload.isascii()
    assert shown.html.count("</script>") == 2
    assert "<title>&lt;/title&gt;&lt;b&gt;&amp;&#55296;</title>" in shown.html
    shown.html.encode("utf-8")


def test_nothing_is_asked_of_the_network(sentence: AttentionRecord) -> None:
    text = page(sentence).html
    assert not re.findall(r"(?:https?:)?//(?!www\.w3\.org)[\w-]+\.\w+|@import|url\(", text)
    assert "default-src 'none'" in text
    assert not re.search(r"\bid=", text)


def test_both_languages_say_the_same_things(sentence: AttentionRecord) -> None:
    strings = json.loads(page(sentence).payload)["strings"]
    assert strings["en"].keys() == strings["zh"].keys()
    for key, text in strings["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", strings["zh"][key])), key


def test_a_saved_page_replaces_the_old_one_whole(sentence: AttentionRecord, tmp_path: Path) -> None:
    path = tmp_path / "new" / "look.html"
    page(sentence, title="one").save(path)
    assert page(sentence, title="two").save(path) == path
    assert "<title>two</title>" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["look.html"]


def test_a_fragment_is_no_document(sentence: AttentionRecord) -> None:
    fragment = page(sentence)._repr_html_()
    assert fragment.startswith("<attention-page-")
    assert "<body" not in fragment
    assert isinstance(page(sentence), Page)


def test_small_batches_travel_whole_and_padding_is_cut() -> None:
    weights = np.full((3, 2, 4, 4), 0.25, np.float32)
    record = alone(("a", "b", "c", "d"), weights)
    record.present["text"][1, 3] = False
    short = replace(
        record, axes={"text": (*record.axes["text"][:1], Axis("token", ("a", "b", "c")), record.axes["text"][2])}
    )
    data = json.loads(page(short, example=1).payload)
    assert (data["start"], data["count"], len(data["examples"])) == (1, 3, 3)
    assert data["examples"][1]["groups"][0]["sites"][0]["shape"] == [2, 3, 3]
    many = alone(("a", "b"), np.full((9, 1, 2, 2), 0.5, np.float32))
    data = json.loads(page(many, example=8).payload)
    assert (data["start"], data["count"], [e["index"] for e in data["examples"]]) == (0, 9, [8])


def test_folded_sites_are_put_back_in_place() -> None:
    windows = np.array([[0, 1], [2, 3]])
    fold = Fold(np.array([0, 0]), windows, windows)
    record = alone(("a", "b", "c", "d"), np.zeros((1, 1, 4, 4), np.float32))
    site = replace(record.sites[0], weights=np.full((2, 1, 2, 2), 0.5, np.float32), fold=fold)
    data = json.loads(page(replace(record, sites=(site,))).payload)
    back = unpacked(data["examples"][0]["groups"][0]["sites"][0], data["bits"])
    np.testing.assert_allclose(back[0], np.kron(np.eye(2), np.full((2, 2), 0.5)), atol=1e-6)


def test_units_join_what_shares_a_word() -> None:
    words = Axis("word", ("one", "two", "three"))
    axis = Axis("token", ("o", "ne", "</s>", "twothr", "ee"), ((0, 1), (0, 1), None, (1, 3), (2, 3)), words)
    assert units("s", axis) == [("one", [0, 1]), ("</s>", [2]), ("two three", [3, 4])]
    assert units("s", Axis("token", ("a", "b"), ((0, 1), (1, 2)), Axis("word", ("a", "b")))) is None


# ---- what the page refuses -------------------------------------------------------------------------------------------


def without_axis(record: AttentionRecord) -> AttentionRecord:
    return replace(record, axes={"source": record.axes["source"]})


def with_weights(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[AttentionRecord], AttentionRecord]:
    def changed(record: AttentionRecord) -> AttentionRecord:
        first = record.sites[0]
        return replace(record, sites=(replace(first, weights=change(first.weights)), *record.sites[1:]))

    return changed


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda r: replace(r, sites=()), {}, "holds no attention site"),
        (lambda r: r, {"example": 1}, "no example 1: the record holds 1"),
        (lambda r: r, {"example": -1}, "no example -1"),
        (without_axis, {}, r"'decoder.0.attention': its stream 'target' has no axis; .*source"),
        (lambda r: replace(r, axes={}), {}, "its stream 'source' has no axis; There are none"),
        (with_weights(lambda w: w[..., 1:]), {}, r"'encoder.0.attention': weights of shape \(1, 4, 11, 10\)"),
        (with_weights(lambda w: w[0]), {}, "weights of shape"),
        (with_weights(lambda w: w * np.nan), {}, "not finite"),
        (lambda r: replace(r, axes=r.axes | {"source": (Axis("token", ("a",)),)}), {}, "1 labels for 11 positions"),
        (lambda r: replace(r, axes=r.axes | {"source": ()}), {}, "different numbers of examples"),
        (lambda r: replace(r, present={**r.present, "source": np.ones(11, bool)}), {}, r"mask .* has shape \(11,\)"),
        (lambda r: r, {"theme": "drak"}, "unknown theme 'drak'; did you mean 'dark'"),
        (lambda r: r, {"language": "de"}, "unknown language 'de'"),
    ],
)
def test_bad_input_is_named(
    sentence: AttentionRecord, change: Callable[[AttentionRecord], AttentionRecord], settings: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        page(change(sentence), **settings)


def test_a_span_beyond_its_parent_is_named() -> None:
    record = alone(("a", "b"), np.full((1, 1, 2, 2), 0.5, np.float32))
    axis = Axis("token", ("a", "b"), ((0, 1), (0, 9)), Axis("word", ("ab",)))
    with pytest.raises(UserError, match=r"stream 'text': position 1 spans \(0, 9\) of a parent with 1"):
        page(replace(record, axes={"text": (axis,)}))


# ---- in a browser ----------------------------------------------------------------------------------------------------


def merged(record: AttentionRecord, name: str, head: int | None = None) -> np.ndarray:
    """The weights over words, computed here once more."""
    site = record[name]
    weights = site.weights[0].mean(0) if head is None else site.weights[0, head]
    rows = [at for _, at in units("q", record.axes[site.queries][0])]
    columns = [at for _, at in units("k", record.axes[site.keys][0])]
    summed = np.stack([weights[:, at].sum(1) for at in columns], 1)
    return np.stack([summed[at].mean(0) for at in rows])


QUERY, KEY = ".attention-page .strip:nth-child(1) .token", ".attention-page .strip:nth-child(2) .token"


def test_opens_merged_on_the_last_layer(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    now = state(opened(page(sentence, title="One sentence").html))
    assert now["group"] == "Cross attention: target → source"
    assert (now["layer"], now["head"], now["merged"], now["axis"]) == (2, "mean", True, "query")
    assert now["columns"] == ["The", "farmer", "watched", "a", "workhorse", "grazing", "quietly", ".", "</s>"]
    expected = merged(sentence, "decoder.2.cross")
    np.testing.assert_allclose(now["values"], expected[now["query"]], atol=5e-5)
    assert now["max"] == pytest.approx(expected.max(), abs=5e-5)
    best = now["columns"][int(np.argmax(expected[now["query"]]))]
    asked = f"Row “{now['rows'][now['query']]}” of cross attention, layer 3, head mean: “{best}” 0."
    assert now["sentence"].startswith(asked)


def test_hovering_paints_the_other_line(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    colours = "() => [...root().querySelectorAll('.strip:nth-child(2) .token')].map(t => t.style.background)".replace(
        "root()", "document.querySelector('.attention-page').shadowRoot"
    )
    tab.locator(QUERY).nth(1).hover()
    before = (state(tab)["query"], tab.evaluate(colours))
    tab.locator(QUERY).nth(5).hover()
    after = (state(tab)["query"], tab.evaluate(colours))
    assert (before[0], after[0]) == (1, 5)
    assert before[1] != after[1]
    tab.locator(KEY).nth(4).hover()
    now = state(tab)
    assert (now["axis"], now["key"]) == ("key", 4)
    np.testing.assert_allclose(now["values"], merged(sentence, "decoder.2.cross")[:, 4], atol=5e-5)
    assert now["sentence"].startswith("Column “workhorse” (2 pieces) of cross attention")


def test_a_pinned_word_stays(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    tab.locator(QUERY).nth(5).click()
    tab.locator(QUERY).nth(2).hover()
    assert (state(tab)["query"], state(tab)["pinned"]) == (5, True)
    tab.locator(KEY).nth(4).hover()
    value = merged(sentence, "decoder.2.cross")[5, 4]
    assert tab.locator(".attention-page .tip").inner_text() == f"Arbeitspferd → workhorse {value:.4f}"
    tab.locator(QUERY).nth(5).click()
    tab.locator(QUERY).nth(2).hover()
    assert (state(tab)["query"], state(tab)["pinned"]) == (2, False)


def test_keys_move_choose_and_merge(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    start = state(tab)
    for key in ("[", ".", ".", "ArrowDown"):
        tab.keyboard.press(key)
    now = state(tab)
    assert (now["layer"], now["head"], now["query"]) == (1, 1, start["query"] + 1)
    np.testing.assert_allclose(now["values"], merged(sentence, "decoder.1.cross", 1)[now["query"]], atol=5e-5)
    tab.keyboard.press("m")
    plain = state(tab)
    assert plain["rows"][plain["query"]] == "be"
    np.testing.assert_allclose(plain["values"], sentence["decoder.1.cross"].weights[0, 1, plain["query"]], atol=5e-5)
    tab.keyboard.press("m")
    assert state(tab)["query"] == now["query"]
    for _ in range(3):
        tab.keyboard.press("]")
    now = state(tab)
    assert (now["layer"], now["head"]) == ("mean", "mean")
    mean = np.mean([merged(sentence, f"decoder.{layer}.cross") for layer in range(3)], 0)
    np.testing.assert_allclose(now["values"], mean[now["query"]], atol=5e-5)
    tab.keyboard.press("?")
    assert tab.locator(".attention-page .help").is_visible()
    tab.keyboard.press("Escape")
    assert tab.locator(".attention-page .help").is_hidden()


def test_a_line_of_words_is_walked_with_the_arrows(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    tab.locator(KEY).nth(0).focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        tab.keyboard.press(key)
    now = state(tab)
    assert (now["axis"], now["key"], now["pinned"]) == ("key", 2, True)
    tab.keyboard.press("m")
    tab.keyboard.press("[")
    assert state(tab)["layer"] == 1


def test_every_group_can_be_chosen(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    choose = tab.get_by_label("Attention", exact=True)
    choose.select_option(label="Self attention: target")
    now = state(tab)
    assert now["rows"] == now["columns"]
    np.testing.assert_allclose(now["values"], merged(sentence, "decoder.2.attention")[now["query"]], atol=5e-5)
    choose.select_option(label="Self attention: source")
    assert "workhorse" in state(tab)["rows"]


def test_the_overview_chooses_layer_and_head(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    tab.locator(".attention-page .overview canvas").click(position={"x": 60, "y": 40})
    now = state(tab)
    assert (now["layer"], now["head"]) == (0, 0)


def test_language_and_theme_can_be_changed(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html, locale="zh-CN", color_scheme="dark")
    now = state(tab)
    assert (now["language"], now["theme"]) == ("zh", "dark")
    assert now["sentence"].startswith("交叉注意力，第 3 层，各头平均，“")
    tab.get_by_text("English", exact=True).click()
    tab.get_by_text("Light", exact=True).click()
    now = state(tab)
    assert (now["language"], now["theme"]) == ("en", "light")
    assert now["sentence"].startswith("Row “")
    follows = opened(page(sentence).html)
    assert state(follows)["theme"] == "light"
    follows.emulate_media(color_scheme="dark")
    assert state(follows)["theme"] == "dark"
    fixed = opened(page(sentence, language="zh", theme="dark").html)
    assert (state(fixed)["language"], state(fixed)["theme"]) == ("zh", "dark")


def test_the_row_scale_zoom_and_png(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html)
    tab.get_by_text("each row", exact=True).click()
    assert state(tab)["scale"] == "row"
    with tab.expect_download() as download:
        tab.get_by_text("Save PNG", exact=True).click()
    assert download.value.suggested_filename == "attention-cross-target-source-layer-3-head-mean.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_the_row_is_copied_tab_separated(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    tab = opened(page(sentence).html, permissions=["clipboard-read", "clipboard-write"])
    tab.locator(QUERY).nth(5).click()
    tab.get_by_text("Copy values", exact=True).click()
    tab.get_by_text("Copied", exact=True).wait_for()
    lines = [line.split("\t") for line in tab.evaluate("navigator.clipboard.readText()").splitlines()]
    assert [line[1] for line in lines] == state(tab)["columns"]
    expected = merged(sentence, "decoder.2.cross")[5]
    np.testing.assert_allclose([float(line[2]) for line in lines], expected, atol=5e-5)


def test_hostile_labels_stay_text(opened: Callable[..., Any]) -> None:
    labels = tuple(label.replace("\ud800", "x") for label in HOSTILE)
    n = len(labels)
    record = replace(alone(labels, np.eye(n, dtype=np.float32)[None, None]), notes=labels[:2], model=labels[1])
    tab = opened(page(record, title=labels[0]).html)
    for i in range(n):
        tab.locator(QUERY).nth(i).hover()
        assert state(tab)["rows"][i] == {"": "∅", "  ": "␣"}.get(labels[i], labels[i])
    assert tab.locator(".attention-page img").count() == 0


def test_gates_rows_zeros_and_right_to_left(opened: Callable[..., Any]) -> None:
    labels = ("שלום", "עולם", "مرحبا", "ok")
    weights = np.array([[[[0.5, -0.25, 0, 0], [0, 0, 0, 0]]]], np.float32)
    record = alone(labels, weights, role="gate", normalised=False, rows=(1, 3))
    tab = opened(page(record).html)
    now = state(tab)
    assert now["group"] == "Gate: text (2 of 4 rows)"
    assert now["rows"] == ["עולם", "ok"]
    assert "“שלום” 0.50, “עולם” −0.25" in now["sentence"]
    assert "do not sum to 1" in tab.locator(".attention-page .aside").inner_text()
    assert tab.locator(".attention-page .strip:nth-child(2) .line").get_attribute("dir") == "rtl"
    tab.locator(QUERY).nth(1).hover()
    assert state(tab)["sentence"] == "Row “ok” of the gate, layer 1, head 1: no weight at all."


def test_examples_of_a_small_batch_can_be_chosen(opened: Callable[..., Any]) -> None:
    record = alone(("a", "b"), np.array([[[[1, 0], [0, 1]]], [[[0, 1], [1, 0]]]], np.float32))
    tab = opened(page(record, example=1).html)
    assert state(tab)["values"] == [0, 1]
    tab.get_by_label("Example", exact=True).select_option(label="1")
    assert state(tab)["values"] == [1, 0]
    assert "example 1 of 2" in tab.locator(".attention-page header").inner_text()


def test_several_live_in_one_page(sentence: AttentionRecord, opened: Callable[..., Any]) -> None:
    parts = "<hr>".join(page(sentence, theme=theme)._repr_html_() for theme in ("light", "dark"))
    tab = opened(f"<!doctype html><meta charset=utf-8><link rel=icon href='data:,'><body>{parts}</body>", count=2)
    themes = tab.evaluate("() => [...document.querySelectorAll('.attention-page')].map(e => e.state.theme)")
    assert themes == ["light", "dark"]
    assert tab.evaluate("() => document.querySelectorAll('[id]').length") == 0
    late = page(sentence, theme="dark")._repr_html_().split("<script>")[0]
    tab.evaluate("html => { document.body.innerHTML = html }", late)  # as a notebook or a web app would
    tab.wait_for_function("() => document.querySelector('.attention-page').state?.sentence")
    assert state(tab)["theme"] == "dark"


def test_a_long_text_opens_with_few_nodes(opened: Callable[..., Any]) -> None:
    record = long_text()
    tab = opened(page(record).html)
    now = state(tab)
    np.testing.assert_allclose(now["values"], record.sites[5].weights[0].mean(0)[now["query"]], atol=4e-3)
    assert sum(now["values"]) == pytest.approx(1, abs=0.02)
    assert (
        tab.evaluate("() => document.querySelector('.attention-page').shadowRoot.querySelectorAll('*').length") < 5000
    )
    tab.get_by_label("Zoom in").click()
    assert state(tab)["zoom"] > 1
    tab.locator(".attention-page canvas.heat").hover(position={"x": 300, "y": 300})
    assert state(tab)["query"] != now["query"]
    tab.get_by_text("whole map", exact=True).click()
    assert state(tab)["scale"] == "map"
