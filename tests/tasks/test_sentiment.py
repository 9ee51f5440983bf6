"""Sentiment: order, phrases, and the default that learns what no bag of words can tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import attentionflow as af
from attentionflow.datasets import opinions
from attentionflow.tasks.sentiment import Sentiment, SentimentSettings

pytest.importorskip("sklearn")

QUICK = {"width": 32, "heads": 2, "layers": 1, "feedforward": 64, "batch_words": 256, "evaluations": 2, "ema": 0.9}


def test_the_default_learns_on_a_part_of_the_embedded_data(tmp_path: Path) -> None:
    """Contrast and negation in English and Chinese, of 1,200 texts."""
    splits, _ = opinions.read(0)
    for split, count in (("train", 1_200), ("val", 100), ("test", 200)):
        rows = "".join(f'"{one.text}",{one.labels[0]}\n' for one in splits[split][:count])
        (tmp_path / f"{split}.csv").write_text("text,label\n" + rows, encoding="utf-8")
    more = {"epochs": 6, "learning_rate": 5e-3, "dropout": 0.1, "feature_dropout": 0.1, "label_smoothing": 0.0}
    run = af.train("sentiment", tmp_path, out=tmp_path / "run", settings=QUICK | more, device="cpu", quiet=True)
    found = run.evaluate("test")
    guess, _ = found["baselines"].values()
    assert found["metrics"]["accuracy"].value > guess["accuracy"].value + 0.2
    assert found["metrics"]["quadratic_kappa"].value > 0.4
    prediction = run.predict("房间并不好。")
    record = prediction.attention
    assert record.axes["words"][0].labels == ("房", "间", "并", "不", "好", "。")
    assert record.axes["label"][0].labels == (prediction.output,)


def test_made_opinions_say_what_they_say() -> None:
    splits, notes = opinions.read(0)
    assert notes == ["the data set 'opinions' is made by rules, not written by people"]
    texts = [one.text for found in splits.values() for one in found]
    assert len(set(texts)) == len(texts) == sum(opinions.LENGTHS.values())
    assert {one.labels for one in splits["test"]} == {(str(star),) for star in range(1, 6)}
    by_text = {one.text: one.labels[0] for found in splits.values() for one in found}
    plain = {"The food is awful.": "1", "The food is good.": "4", "The view is normal.": "3", "电影精彩。": "5"}
    assert all(by_text.get(text, star) == star for text, star in plain.items())
    assert [one.text for one in opinions.read(1)[0]["test"]] != [one.text for one in splits["test"]]


@pytest.mark.parametrize(
    ("word", "before", "value"),
    [("good", "not ", -1), ("awful", "not ", 1), ("good", "very ", 2), ("awful", "a bit ", -1), ("bad", "", -1)],
)
def test_the_rule_of_opinions(word: str, before: str, value: int) -> None:
    found = {}
    draw = np.random.default_rng(0)
    for _ in range(20_000):
        text, said = opinions._clause(draw, "en")
        found[text.split(" is ")[1]] = said
    assert found[before + word] == value


def test_order_is_that_of_the_numbers_or_as_given() -> None:
    task = Sentiment(SentimentSettings())
    assert task.labels_of(["1", "2", "10"]).names == ("1", "2", "10")
    task = Sentiment(SentimentSettings(order="bad, fair,good"))
    assert task.labels_of(["bad", "fair", "good"]).names == ("bad", "fair", "good")
    with pytest.raises(af.UserError, match="order names bad, fair, good, but the labels"):
        task.labels_of(["bad", "good"])


def test_phrases_are_learned_from_alone(tmp_path: Path) -> None:
    lines = [f"(4 (2 it) (4 (3 is) (4 good{i})))" for i in range(20)] + [f"(0 (2 it) (0 bad{i}))" for i in range(20)]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    splits, notes = Sentiment(SentimentSettings()).read(str(tmp_path), 0)
    assert any(one.part for one in splits["train"])
    assert not any(one.part for name in ("val", "test") for one in splits[name])
    assert len(notes) == 2
    without, _ = Sentiment(SentimentSettings(phrases=False)).read(str(tmp_path), 0)
    assert not any(one.part for one in without["train"])
    found = Sentiment(SentimentSettings()).check(splits)
    assert any("phrases of longer texts" in finding.what for finding in found)
