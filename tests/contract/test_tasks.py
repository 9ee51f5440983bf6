"""What every task and each of its architectures must do. A new task is covered by its line in TASKS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_encoder import write_encoder

import attentionflow as af
from attentionflow._plan import TrainingSettings
from attentionflow._predict import record_predictions
from attentionflow.datasets import DATASETS
from attentionflow.records import AttentionRecord
from attentionflow.task import Prediction
from attentionflow.tasks import TASKS, load_task

# What a setting gets that an architecture cannot do without.
GIVEN: dict[str, Callable[[Path], Path]] = {"pretrained": write_encoder}
CASES = [(name, architecture) for name in TASKS for architecture in load_task(name).architectures]


@pytest.fixture(scope="module", params=CASES, ids="/".join)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    """Two steps on the embedded data: enough for everything but quality."""
    name, architecture = request.param
    out = tmp_path_factory.mktemp("runs") / "run"
    settings: dict[str, Any] = {"steps": 2, "evaluations": 1}
    if needed := load_task(name).architectures[architecture].needs:
        settings[needed] = str(GIVEN[needed](out.parent / needed))
    return af.train(name, out=out, architecture=architecture, settings=settings, device="cpu", quiet=True)


def some(run: af.Run, count: int = 12) -> list[Any]:
    return list(run.task.read(run.task.embedded, 0)[0]["test"][:count])


def flows(prediction: Prediction) -> bool:
    """Whether anything flows through the record: through gates nothing does, and flow methods refuse them."""
    return any(site.role != "gate" for site in prediction.attention)


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same, but for the last digits of their figures."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == (pytest.approx(other, rel=1e-4, abs=1e-4) if isinstance(one, float) else other)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_describes_itself(name: str) -> None:
    task = load_task(name)
    assert task.name == name
    assert task.summary
    assert task.files
    assert task.embedded in DATASETS
    assert "classic" in list(task.architectures)[1:], "the default comes first"
    for architecture in task.architectures.values():
        parts = [task.settings_type, architecture.settings, TrainingSettings]
        names = [field for part in parts for field in part.model_fields]
        assert len(names) == len(set(names)), "a setting's name must say which part it belongs to"
        assert set(architecture.training) <= {*TrainingSettings.model_fields, *task.settings_type.model_fields}
        for part in [*parts, task.options_type]:
            assert all(field.description for field in part.model_fields.values()), part


def test_batches_hold_every_example_once_and_depend_on_their_arguments_alone(run: af.Run) -> None:
    """Prepared for training, the examples may be cut otherwise, as running text is into windows."""
    for training in (True, False):
        prepared, _ = run.task.prepare(some(run, 200), training)
        count = sum(map(len, run.task.batches(prepared, 3, None)))
        assert count == 200 or (training and count > 1)
        for epoch in (0, 1, None) if training else (None,):
            batches = run.task.batches(prepared, 3, epoch)
            assert sorted(np.concatenate(batches).tolist()) == list(range(count))
            again = run.task.batches(prepared, 3, epoch)
            assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))
    prepared, _ = run.task.prepare(some(run, 200), True)
    first, second = (np.concatenate(run.task.batches(prepared, 3, epoch)) for epoch in (0, 1))
    assert not np.array_equal(first, second)


def test_losses_add_up_over_batches(run: af.Run) -> None:
    prepared, _ = run.task.prepare(some(run), False)
    with torch.no_grad():
        whole = run.task.losses(run.model, run.task.collate(prepared, np.arange(12), 0, None))
        halves = [run.task.losses(run.model, run.task.collate(prepared, np.arange(i, i + 6), 0, None)) for i in (0, 6)]
    for name, loss in whole.items():
        assert loss.count == sum(half[name].count for half in halves)
        torch.testing.assert_close(loss.total, halves[0][name].total + halves[1][name].total, rtol=1e-4, atol=1e-3)


def test_a_prediction_does_not_depend_on_what_shares_its_batch(run: af.Run) -> None:
    examples, options = some(run), run.options({})
    together, _ = run.predict_examples(examples, options)
    alone = [run.predict_examples([example], options)[0][0] for example in examples]
    for a, b in zip(together, alone, strict=True):
        assert alike(a.to_json()["output"], b.to_json()["output"])
        assert a.score == pytest.approx(b.score, abs=1e-3)


def test_a_loaded_model_is_the_trained_one(run: af.Run) -> None:
    again = af.load(run.folder, device="cpu")
    examples = some(run, 3)
    options = run.options({})
    assert again.predict_examples(examples, options)[0] == run.predict_examples(examples, options)[0]


def test_metrics_of_the_whole_set_are_finite_and_hold_the_deciding_one(run: af.Run) -> None:
    examples = some(run)
    predictions, _ = run.predict_examples(examples, run.options({}))
    scores = run.task.metrics(predictions, examples, cheap=True)
    assert run.task.deciding in scores
    assert all(np.isfinite(score.value) for score in scores.values())
    baselines = run.task.baselines(examples, examples)
    assert len(baselines) >= 2
    assert all(baseline.keys() == scores.keys() for baseline in baselines.values())


def test_every_answer_leaves_a_record_on_labelled_axes(run: af.Run, tmp_path: Path) -> None:
    examples = some(run, 3)
    predictions, _ = run.predict_examples(examples, run.options({}))
    for prediction in predictions:
        record = prediction.attention.unfolded()
        assert len(record.sites) >= 1
        for site in record:
            queries, keys = record.axes[site.queries][0], record.axes[site.keys][0]
            assert site.weights.shape[2:] == (len(queries), len(keys)), site.name
            assert site.weights.dtype == np.float32
            if site.normalised:
                np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-5)
        record.save(tmp_path / "record")
        assert AttentionRecord.load(tmp_path / "record").axes == record.axes
        assert af.page(record).html


def test_recording_changes_no_bit_of_the_answer(run: af.Run) -> None:
    examples = some(run)
    predictions, _ = run.predict_examples(examples, run.options({}))
    with torch.no_grad():
        plain = run.task.replay(run.model, examples, predictions, scored=True)
        with af.recording(run.model) as recorder:
            recorded = run.task.replay(run.model, examples, predictions, scored=True)
    assert torch.equal(plain, recorded)
    assert recorder.sites


def test_gradients_reach_the_weights(run: af.Run) -> None:
    examples = some(run, 2)
    predictions, _ = run.predict_examples(examples, run.options({}))
    with af.recording(run.model, gradients=True) as recorder:
        recorder.differentiate(run.task.replay(run.model, examples, predictions, scored=True).sum())
    heard = any(np.abs(site.gradients).max() > 0 for site in recorder.sites if site.gradients is not None)
    assert heard or run.task.remarks  # which say where a network has no part in the answer


def test_gradients_may_be_of_one_part_of_the_answer(run: af.Run) -> None:
    example = some(run, 1)[0]
    predictions, _ = run.predict_examples([example], run.options({}))
    choices = {"gradients": True, "roles": ("self", "cross", "pool")}
    if not flows(predictions[0]):
        with pytest.raises(af.UserError, match="no distribution"):
            af.flow(predictions[0].attention, "raw")
        del choices["roles"]
    whole = record_predictions(run.task, run.model, [example], predictions, **choices)
    first = record_predictions(run.task, run.model, [example], predictions, target=0, **choices)
    rows = [run.task.rows(predictions[0], target) for target in (None, 0)]
    assert [whole.target, first.target] == rows
    read = rows[1] if isinstance(rows[1], tuple) else (rows[1],)
    if flows(predictions[0]):
        top = af.flow(first, "gradient")
        assert top.targets == tuple(row % len(top.target_axis) for row in read)
    with pytest.raises(af.UserError, match="no target 10000"):
        record_predictions(run.task, run.model, [example], predictions, target=10_000, **choices)
    with pytest.raises(af.UserError, match="gradients=True"):
        record_predictions(run.task, run.model, [example], predictions, target=0)


def test_an_answer_is_scored_again_with_parts_of_its_input_left_out(run: af.Run) -> None:
    examples, draw = some(run, 3), np.random.default_rng(0)
    predictions, _ = run.predict_examples(examples, run.options({}))
    for example, prediction in zip(examples, predictions, strict=True):
        roles = ("self", "cross", "pool") if flows(prediction) else ("gate",)
        record = record_predictions(run.task, run.model, [example], [prediction], roles=roles)
        n = len(af.flow(record, "raw").axis if flows(prediction) else record.axes[record.sites[-1].keys][0])
        kept = np.concatenate([np.ones((1, n), bool), np.zeros((1, n), bool), draw.random((6, n)) < 0.5])
        with torch.no_grad():
            found = run.task.rescore(run.model, example, prediction, kept)
            alone = [run.task.rescore(run.model, example, prediction, row[None]) for row in kept]
            whole = run.task.replay(run.model, [example], [prediction], scored=True)
        assert found.shape == (len(kept),)
        torch.testing.assert_close(found, torch.cat(alone), rtol=1e-4, atol=1e-4)
        assert found.unique().numel() > 1, "taking positions out must change something"
        torch.testing.assert_close(found[:1], whole.mean(1), rtol=1e-4, atol=1e-4)
