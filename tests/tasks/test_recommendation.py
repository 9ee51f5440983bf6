"""The task of recommendation: it learns, resumes, answers histories of every kind, and says what it passed over."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from command import ended
from interaction_data import ITEMS, QUICK, TRAINING, sequences, write_interactions
from killing import killed_after_state
from safetensors.torch import load_file

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.readers.interactions import History
from attentionflow.tasks._recommended import Recommended
from attentionflow.tasks.recommendation import Recommendation, RecommendationSettings


def train(data: Path, out: Path, architecture: str = "transformer", **settings: Any) -> af.Run:
    given = QUICK[architecture] | TRAINING | settings
    return af.train(
        "recommendation", data, out=out, architecture=architecture, settings=given, device="cpu", quiet=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interactions with names of the items."""
    made = tmp_path_factory.mktemp("data")
    write_interactions(made / "interactions.csv")
    (made / "items.csv").write_text("item,name\n" + "".join(f"i{k},Thing {k}\n" for k in range(ITEMS)))
    return made


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def classic(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    return train(folder, tmp_path_factory.mktemp("runs") / "classic", "classic")


# Learning


def test_it_learns_and_beats_the_simple_baselines_on_unseen_users(run: af.Run) -> None:
    found = run.evaluate("test")
    assert found["examples"] == 400
    scores = {
        name: {metric: score.value for metric, score in each.items()} for name, each in found["baselines"].items()
    }
    own = {metric: score.value for metric, score in found["metrics"].items()}
    assert own["ndcg10"] > max(each["ndcg10"] for each in scores.values()) + 0.1
    assert own["ndcg10"] > 0.6
    assert all(0 <= value <= 1 for value in own.values())
    log = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.7


def test_the_classic_learns_too(classic: af.Run) -> None:
    log = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in log if "nats" in line]
    assert losses[-1] < losses[0] * 0.95


@pytest.mark.parametrize("architecture", QUICK)
def test_a_run_goes_on_where_it_stopped(
    architecture: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"steps": 9, "evaluations": 3, "dropout": 0.2}
    if architecture == "transformer":
        settings["negatives"] = 8
    train(folder, tmp_path / "whole", architecture, **settings)
    with killed_after_state(6, monkeypatch):
        train(folder, tmp_path / "killed", architecture, **settings)
    af.train("recommendation", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Examples


def task(**settings: Any) -> Recommendation:
    made = Recommendation(RecommendationSettings(**settings))
    made.learn([History(("a", "b", "c", "d"), "e", "u", ""), History(("a",), "b", "v", "")])
    return made


def test_long_histories_are_trained_on_in_pieces_that_lose_no_action() -> None:
    made = task(max_length=2)
    letters = made.catalogue.items
    prepared, notes = made.prepare([History(tuple("abcd"), "e", "u", ""), History((), "a", "v", "")], training=True)
    pieces = [
        ("".join(letters[code] for code in codes), letters[target])
        for codes, target in zip(prepared.histories, prepared.targets.tolist(), strict=True)
    ]
    assert pieces == [("cd", "e"), ("ab", "c")]
    assert prepared.rows.tolist() == [0, 0]
    assert notes == ["1 users with a single action to train on teach nothing but its popularity"]
    batch = made.collate(prepared, np.array([0, 1]), 0, 0)
    assert [[letters[code] for code in row] for row in batch["answers"].tolist()] == [["d", "e"], ["b", "c"]]
    assert batch.size == 4


def test_in_evaluation_the_last_position_alone_is_asked() -> None:
    made = task()
    prepared, _ = made.prepare([History(("a", "b"), "c", "u", ""), History(("a",), "z", "v", "")], training=False)
    batch = made.collate(prepared, np.array([0, 1]), 0, None)
    assert batch["answers"].tolist() == [[-1, made.catalogue.codes["c"]], [-1, -1]]
    assert batch["lengths"].tolist() == [2, 1]
    assert batch["drawn"].shape == (2, 100)


def test_what_is_passed_over_is_counted_and_named() -> None:
    made = task(max_length=2)
    examples = [
        History(("a", "q", "b", "c"), "z", "u", ""),
        History(("q",), "a", "v", ""),
        History((), "a", "w", ""),
    ]
    prepared, notes = made.prepare(examples, training=False)
    assert notes == [
        "2 items of histories were not in training and are passed over: q",
        "1 of 3 targets were not in training and count as misses",
        "1 histories are longer than max_length=2: their oldest items are not looked at",
        "2 histories hold no known item and are answered by popularity",
    ]
    assert [len(codes) for codes in prepared.histories] == [2, 0, 0]


def test_batches_hold_little_padding() -> None:
    made = task(batch_actions=64)
    draw = np.random.default_rng(0)
    examples = [History(("a",) * int(n), "b", str(n), "") for n in draw.integers(1, 30, 300)]
    prepared, _ = made.prepare(examples, training=True)
    padded = held = 0
    for indices in made.batches(prepared, 0, 0):
        batch = made.collate(prepared, indices, 0, 0)
        padded, held = padded + batch["items"].numel(), held + int(batch["lengths"].sum())
        assert batch["items"].numel() <= 64
    assert held / padded > 0.95


@pytest.mark.parametrize("given", [5, ["a", 5], None, {"a": 1}])
def test_a_history_is_a_text_or_a_tuple_of_items(given: Any) -> None:
    with pytest.raises(TypeError, match="a history must be"):
        task().example(given)
    assert task().example("  a  b ").items == ("a", "b")
    assert task().example(("a b", "c")).items == ("a b", "c")


def test_data_of_another_task_and_columns_of_a_named_set_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="multi30k is a data set of translation, not of recommendation"):
        task().read("multi30k", 0)
    with pytest.raises(UserError, match="sessions is read as it is; leave out user, names"):
        task(user="who", names="x.csv").read("sessions", 0)
    with pytest.raises(UserError, match=r"sesions is no file, folder or named data set; did you mean 'sessions'"):
        task().read("sesions", 0)


# Answers


def test_answers_are_unseen_items_with_names_the_likeliest_first(run: af.Run) -> None:
    found = run.predict("i3 i14 i4", k=5)
    assert isinstance(found.output, Recommended)
    assert found.output.items[0] == "i15"
    assert found.output.names[0] == "Thing 15"
    assert len(set(found.output.items) - {"i3", "i14", "i4"}) == 5
    assert list(found.output.scores) == sorted(found.output.scores, reverse=True)
    assert found.score == pytest.approx(found.output.scores[0])
    assert str(found.output).splitlines()[:2] == ["after 3 items:", "  1. i15  Thing 15"]
    assert found.to_json()["output"][0] == {"item": "i15", "name": "Thing 15", "score": found.output.scores[0]}


def test_there_are_no_more_answers_than_unseen_items(run: af.Run) -> None:
    everything = " ".join(f"i{k}" for k in range(ITEMS - 2))
    assert set(run.predict(everything, k=10).output.items) == {f"i{k}" for k in (ITEMS - 2, ITEMS - 1)}
    nothing = run.predict(" ".join(f"i{k}" for k in range(ITEMS)))
    assert nothing.output.items == ()
    with pytest.raises(UserError, match="has every item already"):
        _ = nothing.attention


def test_items_taken_before_come_again_where_that_is_wanted(folder: Path, tmp_path: Path) -> None:
    again = train(folder, tmp_path / "run", steps=1, evaluations=1, repeats=True)
    found = again.predict("i3 i14 i4", k=ITEMS).output.items
    assert set(found) == {f"i{k}" for k in range(ITEMS)}


@pytest.mark.parametrize("given", ["", "nobody knows"])
def test_a_history_without_known_items_is_answered_by_popularity(run: af.Run, given: str) -> None:
    with pytest.warns(UserWarning, match="answered by popularity"):
        found = run.predict(given, k=3)
    known = run.task.catalogue
    assert known.counts[known.encode(found.output.items)].tolist() == known.counts[:3].tolist()
    assert str(found.output).startswith("by popularity")
    share = run.task.catalogue.counts[0] / run.task.catalogue.counts.sum()
    assert math.exp(found.score) == pytest.approx(share, rel=1e-5)
    with pytest.raises(UserError, match="attends to nothing"):
        _ = found.attention


def test_scores_are_log_probabilities_over_the_catalogue(run: af.Run) -> None:
    found = run.predict("i3", k=ITEMS)
    assert sum(math.exp(score) for score in found.output.scores) < 1  # what i3 itself would get is missing
    prepared, _ = run.task.prepare([run.task.example("i3")], training=False)
    with torch.no_grad():
        likely = run.task.scores(run.model, run.task.collate(prepared, np.array([0]), 0, None)).softmax(1)
    code = run.task.catalogue.codes[found.output.items[0]]
    assert math.exp(found.score) == pytest.approx(float(likely[0, code]), rel=1e-5)


def test_a_target_in_the_history_or_unknown_is_a_miss(run: af.Run) -> None:
    examples = [History(("i1", "i2"), "i2", "u", ""), History(("i1",), "new", "v", ""), History(("i1",), "i2", "w", "")]
    predictions, _ = run.predict_examples(examples, run.options({}))
    assert [p.output.rank == -1 for p in predictions] == [True, True, False]
    unlabelled, _ = run.predict_examples([replace(examples[0], target=None)], run.options({}))
    assert unlabelled[0].output.rank is None


# Looking


def test_the_record_of_an_answer_names_the_items(run: af.Run) -> None:
    record = run.predict("i3 i14 i4").attention
    assert record.target == -1
    assert record.axes["items"][0].labels == ("Thing 3", "Thing 14", "Thing 4")
    assert af.flow(record, "rollout", target=record.target).targets == (2,)


def test_the_record_of_the_classic_shows_the_candidate_and_its_gates(classic: af.Run) -> None:
    found = classic.predict("i3 i14 i4")
    record = found.attention
    assert record.axes["candidate"][0].labels == found.output.names[:1]
    (site,) = record.sites
    assert site.weights.shape == (1, 1, 1, 3)
    assert not site.normalised
    with pytest.raises(UserError, match="no distribution"):
        af.flow(record, "raw")


def test_histories_of_different_lengths_make_one_record(run: af.Run, classic: af.Run) -> None:
    for each in (run, classic):
        record = each.record(["i3 i14 i4", "i7"])
        assert [len(axis) for axis in record.axes["items"]] == [3, 1]
        assert record.example(1).sites[0].weights.shape[-1] == 1


def test_the_attention_of_predicting_is_that_of_scoring_again(run: af.Run, classic: af.Run) -> None:
    for each in (run, classic):
        for _, predictions, record in each.predict_recorded(["i3 i14 i4", "i7 i8"]):
            for index, prediction in enumerate(predictions):
                own, again = record.example(index), each.record_of(prediction.input, prediction)
                assert own.axes == again.axes
                assert [site.name for site in own] == [site.name for site in again]
                for one, other in zip(own, again, strict=True):
                    np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)


def test_leaving_out_what_the_answer_hangs_on_costs_it_most(run: af.Run) -> None:
    found = run.predict("i3 i14 i4")
    kept = ~np.eye(3, dtype=bool)
    with torch.no_grad():
        likely = run.task.rescore(run.model, run.task.example("i3 i14 i4"), found, kept)
    assert likely.argmax() == 0  # without the last item, that before it stands in another place


def test_faithful_judges_the_flow_of_recommendations(run: af.Run) -> None:
    from attentionflow._faithful import faithful

    examples = list(run.task.read(run.page["data"], 0)[0]["test"][:4])
    found = faithful(run, examples, ["raw"], draws=20, samples=20)
    assert "raw" in found.scores


# The command line


def test_the_verbs_do_their_work(run: af.Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["data", "check", "recommendation", str(folder)]) == 0
    assert "400 users, 24 items" in capsys.readouterr().out
    assert ended(["evaluate", str(run.folder), "--split", "test"]) == 0
    out = capsys.readouterr().out
    assert "400 examples" in out
    assert "popularity" in out
    assert ended(["predict", str(run.folder), "i3 i14 i4", "--k", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["after 3 items:", "  1. i15  Thing 15"]
    assert ended(["predict", str(run.folder), "i14 i4", "--json", "--set", "k=1"]) == 0
    assert json.loads(capsys.readouterr().out)["output"][0]["item"] == "i15"
    assert ended(["look", str(run.folder), "i3 i14 i4", "--method", "rollout", "--out", str(tmp_path / "l.html")]) == 0
    assert "Thing 4" in (tmp_path / "l.html").read_text(encoding="utf-8")


def test_a_file_of_histories_becomes_a_table(run: af.Run, tmp_path: Path) -> None:
    (tmp_path / "h.txt").write_text("i3 i14 i4\ni8\n")
    out = tmp_path / "out.csv"
    assert ended(["predict", str(run.folder), str(tmp_path / "h.txt"), "--k", "3", "--out", str(out)]) == 0
    table = pl.read_csv(out)
    assert table.columns == ["input", "user", "place", "item", "name", "score"]
    assert table["place"].to_list() == [1, 2, 3, 1, 2, 3]
    assert table.row(0)[:5] == ("i3 i14 i4", "", 1, "i15", "Thing 15")


def test_a_table_of_interactions_is_answered_user_by_user(run: af.Run, tmp_path: Path) -> None:
    path = write_interactions(tmp_path / "new.csv", users=3, seed=5)
    out = tmp_path / "out.jsonl"
    assert ended(["predict", str(run.folder), str(path), "--k", "1", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    expected = {f"u{user}": " ".join(items) for user, items in enumerate(sequences(3, 5))}
    assert {row["user"]: row["input"] for row in rows} == expected


def test_a_wrong_option_is_named(run: af.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["predict", str(run.folder), "i3", "--k", "0"]) == 2
    assert "k=0" in capsys.readouterr().err
    assert ended(["predict", str(run.folder), "i3", "--beam", "3"]) == 2
    assert "unknown setting 'beams'" in capsys.readouterr().err
