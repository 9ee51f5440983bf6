"""Prediction over many batches: with one thread or several, recorded or not, the answers are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from translation_data import DIRECTION, QUICK, QUICK_CLASSIC, write_pairs

import attentionflow as af
from attentionflow.tasks import _text_to_text

SETTINGS = {"transformer": QUICK, "classic": QUICK_CLASSIC}


@pytest.fixture(scope="module", params=list(SETTINGS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    folder = tmp_path_factory.mktemp("predict")
    settings = SETTINGS[request.param] | DIRECTION | {"steps": 12, "evaluations": 1, "batch_tokens": 64}
    data = write_pairs(folder / "pairs")
    return af.train(
        "translation", data, out=folder / "run", architecture=request.param, settings=settings, device="cpu", quiet=True
    )


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_text_to_text, "PREDICTION_TOKENS", 0)


def texts(run: af.Run) -> list[str]:
    return [pair.source for pair in run.task.read(run.page["data"], 0)[0]["test"]]


def alike(a: af.AttentionRecord, b: af.AttentionRecord) -> None:
    assert [site.name for site in a] == [site.name for site in b]
    assert a.axes == b.axes
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-4)


def test_threads_change_no_answer_and_leave_their_number_as_it_was(run: af.Run) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = run.predict(texts(run))
        torch.set_num_threads(3)
        shared = run.predict(texts(run))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert [(p.input, p.output) for p in alone] == [(p.input, p.output) for p in shared]
    assert [p.score for p in alone] == pytest.approx([p.score for p in shared], abs=1e-5)


def test_an_error_in_a_thread_reaches_the_caller(run: af.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> list[Any]:
        raise RuntimeError("out of luck")

    before = torch.get_num_threads()
    monkeypatch.setattr(run.task, "predict", broken)
    try:
        torch.set_num_threads(2)
        with pytest.raises(RuntimeError, match="out of luck"):
            run.predict(texts(run))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 3])
def test_predicting_recorded_gives_the_same_answers_and_their_attention(run: af.Run, threads: int) -> None:
    given, plain, before = texts(run), run.predict(texts(run)), torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = list(run.predict_recorded(given))
    finally:
        torch.set_num_threads(before)
    assert len(found) > 1
    assert sorted(row for rows, _, _ in found for row in rows) == list(range(len(given)))
    for rows, predictions, record in found:
        for place, row in enumerate(rows):
            assert predictions[place].output == plain[row].output
            alike(record.example(place), plain[row].attention)


def test_predicting_recorded_keeps_what_was_chosen_and_refuses_what_it_cannot(run: af.Run) -> None:
    choices = {"roles": ("cross",), "heads": "mean", "rows": [0]}
    for rows, _, record in run.predict_recorded(texts(run), options={"beams": 2}, **choices):
        for site in record:
            assert site.role == "cross"
            assert site.weights.shape[:3] == (len(rows), 1, 1)
    for choice in ("gradients", "value_norms"):
        with pytest.raises(af.UserError, match=choice):
            next(run.predict_recorded(["a text"], **{choice: True}))


def test_predicting_recorded_within_its_budget(run: af.Run) -> None:
    with pytest.raises(af.UserError, match="budget"):
        list(run.predict_recorded(texts(run), budget=100))


def test_a_recording_around_a_prediction_hears_it(run: af.Run, tmp_path: Path) -> None:
    with af.recording(run.model, roles=["cross"]) as heard:
        run.predict(texts(run)[:2])
    assert {site.role for site in heard.sites} == {"cross"}
