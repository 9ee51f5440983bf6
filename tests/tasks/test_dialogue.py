"""Dialogue: what its models learn, what they look at, how the history is kept, and every verb."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from dialogue_data import NAMES, QUICK, QUICK_CLASSIC, write_dialogues
from killing import killed_after_state

import attentionflow as af
from attentionflow._chat import Conversation, parts, shares
from attentionflow.cli import main
from attentionflow.readers.dialogues import Dialogue, Exchange, Exchanges, Turn
from attentionflow.readers.vocabulary import END, START
from attentionflow.records import Axis
from attentionflow.task import Task
from attentionflow.tasks import load_task
from attentionflow.tasks._dialogue_tokens import DialogueTokens
from attentionflow.tasks._roles import NUMBERED, Roles

ASKED = ("I am Cleo.", "Hello!", "It rains.", "So it does.", "Who am I?")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dialogues(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return af.train("dialogue", data, out=out, settings=QUICK, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def classic(data: Path, tmp_path_factory: pytest.TempPathFactory) -> af.Run:
    out = tmp_path_factory.mktemp("runs") / "classic"
    return af.train("dialogue", data, out=out, architecture="classic", settings=QUICK_CLASSIC, device="cpu", quiet=True)


# Learning


def test_it_learns_to_look_back(run: af.Run) -> None:
    found = run.evaluate("test")
    ours, guessing = found["metrics"], found["baselines"]["guessing"]
    assert ours["word_perplexity"].value < 1.3 < 3 < guessing["word_perplexity"].value
    assert ours["recall_at_1_of_10"].value > 0.6 > 0.2 > guessing["recall_at_1_of_10"].value
    assert [run.predict((f"I am {name}.", *ASKED[1:])).output.text for name in NAMES] == [
        f"You are {name}." for name in NAMES
    ]


def test_the_loss_of_the_classic_falls(classic: af.Run) -> None:
    losses = [json.loads(line) for line in (classic.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    nats = [line["nats"] for line in losses if "nats" in line]
    assert nats[-1] < nats[0] / 2


def test_its_answer_looks_at_the_turn_with_the_name(run: af.Run) -> None:
    talk = Conversation(run, {})
    for text in ("I am Dora.", "It rains.", "Who am I?"):
        assert "".join(talk.answer(text)) == talk.said[-1]
    assert talk.said[-1] == "You are Dora."
    bars = talk.attended()
    assert [label for label, _ in bars] == [
        "user: I am Dora.", "bot: Hello!", "user: It rains.", "bot: So it does.", "user: Who am I?",
    ]  # fmt: skip
    assert sum(share for _, share in bars) == pytest.approx(1)
    talk.forget()
    assert (talk.said, talk.attended()) == ([], [])


# Reading aloud: options


def test_draws_depend_on_their_seed_alone(run: af.Run) -> None:
    drawn = {run.predict(ASKED, temperature=5.0, seed=seed).output.text for seed in range(5)}
    assert len(drawn) > 1
    again = [run.predict(ASKED, temperature=5.0, seed=3).output.text for _ in range(2)]
    assert again[0] == again[1]
    assert run.predict(ASKED, temperature=5.0, top_k=1).output.text == run.predict(ASKED).output.text


def test_a_reply_is_cut_off_at_its_limit_and_that_is_said(run: af.Run) -> None:
    whole, cut = run.predict(ASKED), run.predict(ASKED, limit=1)
    assert "cut_off" not in whole.details
    assert cut.details["cut_off"]
    assert len(cut.raw) == 1
    assert run.predict(ASKED, limit=len(whole.raw)).output == whole.output
    assert run.predict(ASKED, limit=0).output.text is None


def test_the_stream_is_the_answer(run: af.Run) -> None:
    for given in (ASKED, ("你好。",)):
        pieces, notes = run.stream(run.task.example(given), run.options({}))
        assert "".join(pieces) == run.predict(given).output.text
        assert notes == []


def test_who_replies(run: af.Run) -> None:
    assert run.task.tokens.roles.usual == ("user", "bot")
    assert run.predict("Hello").details["role"] == "bot"
    assert run.predict("Hello").input == "user: Hello"
    assert run.predict(({"role": "bot", "content": "Hello!"},)).details["role"] == "user"
    assert run.predict(()).details["role"] == "user"


def test_a_stranger_is_read_and_said(run: af.Run) -> None:
    with pytest.warns(UserWarning, match="roles that were not among"):
        run.predict(({"role": "nobody", "text": "Hello"},))


# The history and its budget


def test_the_oldest_turns_are_dropped_whole_and_said(run: af.Run) -> None:
    long = tuple("Any news? How are you? It rains." for _ in range(60))
    with pytest.warns(UserWarning, match="longer than 256 tokens, and its oldest turns are dropped"):
        prediction = run.predict(long)
    axis = prediction.attention.axes["dialogue"][0]
    turns = axis.parent.parent
    assert 10 < len(turns) < 60
    (piece,) = {len(ids) for ids in run.task.tokens._encode(long).values()}
    assert len(turns) == 256 // (piece + 2)


def test_a_turn_beyond_the_limit_is_cut_and_said(run: af.Run) -> None:
    with pytest.warns(UserWarning, match="a turn is longer than 128 tokens, and cut"):
        run.predict("It rains. " * 100)


def tokens(budget: int = 20, turn: int = 10) -> DialogueTokens:
    made = [Exchange((Turn("A", "one two three four five six"),), "seven eight nine", "B", "x")]
    return DialogueTokens.learn(made, 128, budget, turn)


def test_in_training_every_turn_is_foreseen_once_and_windows_begin_with_what_came_before() -> None:
    known = tokens()
    turns = tuple(Turn("AB"[i % 2], "one two three") for i in range(9))
    encoded, notes = known.for_training([Exchange(turns[:-1], turns[-1].text, "A", "x")], None)
    assert notes == []
    assert len(encoded.rows) > 1
    replies = [encoded.rows[item.row][a : b + 1] for item in encoded.items for a, b in item.replies]
    assert len(replies) == 9
    assert all(row[0] == START and row[-1] == END for row in encoded.rows)
    assert all(len(row) <= 1 + 20 + 10 for row in encoded.rows)
    assert all(item.replies[0][0] > 1 for item in encoded.items[1:])
    only, _ = known.for_training([Exchange(turns[:-1], turns[-1].text, "A", "x")], "B")
    assert sum(len(item.replies) for item in only.items) == 4


def test_empty_turns_are_left_out_of_training_and_counted() -> None:
    encoded, notes = tokens().for_training([Exchange((Turn("A", "one"), Turn("B", "")), "two", "A", "f:1")], None)
    assert sum(len(item.replies) for item in encoded.items) == 2
    assert "1 dialogues have empty turns" in notes[0]
    assert "f:1" in notes[0]


def test_replies_of_one_dialogue_share_a_row() -> None:
    made = [Dialogue(tuple(Turn("AB"[i % 2], f"text {i}") for i in range(4)), f"f:{n}") for n in range(3)]
    encoded, _ = tokens(budget=200).for_answers(list(Exchanges(made, every=True)), 0)
    assert len(encoded.rows) == 3
    assert [item.row for item in encoded.items] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for item in encoded.items:
        row, ((begin, end),) = encoded.rows[item.row], item.replies
        assert row[end] == END
        assert row[begin - 1] in (END, START)


def test_candidates_are_ten_different_replies_with_the_right_one_first() -> None:
    made = [Dialogue((Turn("A", "hi"), Turn("B", f"text {i % 30}")), f"f:{i}") for i in range(60)]
    known = tokens(budget=200)
    encoded, _ = known.for_answers(list(Exchanges(made, every=True)), 0)
    assert encoded.choices.shape == (60, 10)
    assert all(len(set(row)) == 10 for row in encoded.choices.tolist())
    assert encoded.choices[:, 0].tolist() == [i % 30 for i in range(60)]
    others, _ = known.for_answers(list(Exchanges(made, every=True)), 1)
    assert not np.array_equal(others.choices, encoded.choices)
    few, _ = known.for_answers(list(Exchanges(made[:3], every=True)), 0)
    assert (few.choices >= 0).sum(1).tolist() == [3, 3, 3]


# Roles


def test_names_that_belong_to_one_dialogue_are_numbered() -> None:
    own = [[Turn(f"name {n}", "x"), Turn(f"other {n}", "y")] for n in range(50)]
    roles = Roles.learn(own)
    assert roles.names == ()
    assert roles.codes(["Zoe", "Yan", "Zoe"]) == [0, 1, 0]
    assert max(roles.codes([str(i) for i in range(20)])) == NUMBERED - 1
    shared = Roles.learn([[Turn("user", "x"), Turn("bot", "y"), Turn("user", "z")]] * 5)
    assert set(shared.names) == {"user", "bot"}
    assert shared.codes(["user", "Zoe"]) == [shared.names.index("user"), 2]


def test_the_next_speaker_is_the_other_one() -> None:
    roles = Roles(("a", "b", "c"), ("a", "b"))
    assert roles.replying([Turn("a", ""), Turn("c", "")]) == "a"
    assert roles.replying([Turn("c", "")]) == "b"
    assert roles.replying([Turn("b", "")]) == "a"


# Looking


@pytest.mark.parametrize("which", ["run", "classic"])
def test_words_stand_on_turns(which: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(which)
    prediction = run.predict(ASKED)
    record = prediction.attention
    axis = record.axes["dialogue"][0]
    assert axis.parent.kind == "word"
    assert axis.parent.parent.labels == tuple(f"{('user', 'bot')[i % 2]}: {text}" for i, text in enumerate(ASKED))
    assert axis.labels[:2] == ("<s>", "user:")
    labels, members = parts(axis)
    assert "".join(axis.labels[i] for i in members[0] if axis.spans[i]) == "IamCleo."
    assert record.target == tuple(range(-len(prediction.raw) - 1, 0))
    assert sum(share for _, share in shares(record, record.target)) == pytest.approx(1)
    assert len(labels) == 5


def test_the_classic_attends_to_earlier_turns_alone(classic: af.Run) -> None:
    (site,) = classic.predict(ASKED).attention.sites
    axis = classic.predict(ASKED).attention.axes["dialogue"][0]
    turn = np.cumsum([label == "<s>" or label.endswith(":") for label in axis.labels])
    weights = site.weights[0, 0]
    looks = turn[None] < turn[:, None]
    looks[:, 0] = True
    assert (weights[~looks] == 0).all()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


def test_shares_of_an_axis_without_parents() -> None:
    assert parts(Axis("item", ("a", "b"))) == (("a", "b"), [[0], [1]])


# Verbs


def test_every_verb(run: af.Run, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def call(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert "turns by role" in call("data", "check", "dialogue", data)
    scores = json.loads(call("evaluate", run.folder, "--json"))
    assert set(scores) == {
        "word_perplexity",
        "recall_at_1_of_10",
        "bleu1",
        "bleu2",
        "distinct1",
        "distinct2",
        "exact_match",
    }
    assert call("predict", run.folder, " __eou__ ".join(ASKED)) == "You are Cleo.\n"
    page = json.loads(call("predict", run.folder, " __eou__ ".join(ASKED), "--json"))
    assert (page["output"], page["role"]) == ("You are Cleo.", "bot")
    call("predict", run.folder, data / "test.jsonl", "--out", tmp_path / "out.csv")
    table = pl.read_csv(tmp_path / "out.csv")
    assert (len(table), table.columns) == (40, ["input", "output", "score", "role"])
    call("look", run.folder, " __eou__ ".join(ASKED), "--out", tmp_path / "look.html", "--method", "rollout")
    assert "Cleo" in (tmp_path / "look.html").read_text(encoding="utf-8")
    found = call("faithful", run.folder, "--examples", 2, "--method", "raw", "--json")
    assert "comprehensiveness" in found


def chat(run: af.Run, typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "stdin", StringIO(typed))
    with pytest.raises(SystemExit) as ended:
        main(["chat", str(run.folder), "--turns", "3"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_chat_remembers_until_told_to_forget(
    run: af.Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = chat(run, "I am Gus.\nIt rains.\n\nWho am I?\n/new\nI am Fay.\n/quit\nnever read\n", monkeypatch, capsys)
    replies = [line for line in said.splitlines() if "%" not in line and line.strip()]
    assert replies[2] == "You are Gus."
    assert len(replies) == 4
    assert said.count("%") == 1 + 3 + 3 + 1
    assert "user: I am Fay." in said


def test_chat_needs_a_task_that_converses(
    run: af.Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(run.task), "conversation", Task.conversation)
    with pytest.raises(SystemExit) as ended:
        main(["chat", str(run.folder)])
    assert ended.value.code == 2
    assert "a model of dialogue holds no conversations" in capsys.readouterr().err


def test_a_dialogue_without_a_reply_is_said_and_a_role_that_nobody_has_is_an_error(tmp_path: Path) -> None:
    folder = write_dialogues(tmp_path / "data", train=20, val=5, test=5)
    with (folder / "val.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"turns": ["alone"]}\n')
    task = run_task(role=None)
    _, notes = task.read(str(folder), 0)
    assert notes == ["val: 1 dialogues have no reply to judge: val.jsonl:6"]
    with pytest.raises(af.UserError, match="role=boot: nobody of that role speaks in training; did you mean 'bot'"):
        af.train("dialogue", folder, out=tmp_path / "run", settings={"role": "boot"}, device="cpu", quiet=True)


def run_task(**settings: Any) -> Task[Any, Any]:
    kind = load_task("dialogue")
    return kind(kind.settings_type(**settings))


def test_wrong_options_are_named(run: af.Run) -> None:
    with pytest.raises(af.UserError, match="did you mean 'temperature'"):
        run.predict("Hello", temprature=1.0)
    with pytest.raises(TypeError, match="a dialogue must be a text or a sequence of turns"):
        run.predict(3)


def test_a_resumed_run_is_the_run_itself(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {**QUICK, "steps": 6, "evaluations": 2, "ema": 0.9}
    whole = af.train("dialogue", data, out=tmp_path / "whole", settings=chosen, device="cpu", quiet=True)
    with killed_after_state(3, monkeypatch):
        af.train("dialogue", data, out=tmp_path / "cut", settings=chosen, device="cpu", quiet=True)
    cut = af.train("dialogue", out=tmp_path / "cut", resume=True, device="cpu", quiet=True)
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, cut.model.state_dict()[name]), name
