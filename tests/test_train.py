"""The loop: it learns, repeats itself, survives kills and Ctrl-C bit for bit, and says what it does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from translation_data import DIRECTION, QUICK, QUICK_CLASSIC, write_pairs

import attentionflow as af
from attentionflow import _train
from attentionflow.errors import UserError

SETTINGS = {"transformer": QUICK | DIRECTION, "classic": QUICK_CLASSIC | DIRECTION}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"))


def train(pairs: Path, out: Path, architecture: str = "transformer", **settings: Any) -> af.Run:
    return af.train(
        "translation",
        pairs,
        out=out,
        architecture=architecture,
        settings=SETTINGS[architecture] | settings,
        device="cpu",
        quiet=True,
    )


def command(pairs: Path, out: Path, architecture: str = "transformer", **settings: Any) -> list[str]:
    given = SETTINGS[architecture] | settings
    return [
        *(sys.executable, "-m", "attentionflow", "train", "translation", "--data", str(pairs), "--out", str(out)),
        *("--architecture", architecture, "--device", "cpu"),
        *(f"--set={name}={value}" for name, value in given.items()),
    ]


def resume(out: Path) -> None:
    subprocess.run(
        [*command(out, out)[:4], "translation", "--out", str(out), "--resume", "--device", "cpu"],
        check=True,
        capture_output=True,
    )


def assert_same_run(one: Path, other: Path) -> None:
    assert (one / "log.jsonl").read_bytes() == (other / "log.jsonl").read_bytes()
    weights, others = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert weights.keys() == others.keys()
    for name in weights:
        assert torch.equal(weights[name], others[name]), name


@pytest.mark.parametrize("architecture", SETTINGS)
def test_it_learns_and_beats_the_simple_baselines_on_unseen_sentences(
    architecture: str, pairs: Path, tmp_path: Path
) -> None:
    run = train(pairs, tmp_path / "run", architecture, epochs=40 if architecture == "transformer" else 15)
    found = run.evaluate("test")
    best = max(scores["exact_match"].value for scores in found["baselines"].values())
    assert found["examples"] == 50
    assert found["metrics"]["exact_match"].value >= best + 0.5
    log = (run.folder / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["val_nats"] for line in log if "val_nats" in line]
    assert losses[-1] < losses[0] / 2


def test_the_same_seed_gives_the_same_run_and_another_seed_another(pairs: Path, tmp_path: Path) -> None:
    settings = {"dropout": 0.1, "epochs": 1}
    train(pairs, tmp_path / "a", **settings)
    train(pairs, tmp_path / "b", **settings)
    assert_same_run(tmp_path / "a", tmp_path / "b")
    af.train(
        "translation",
        pairs,
        out=tmp_path / "c",
        settings=SETTINGS["transformer"] | settings,
        seed=1,
        device="cpu",
        quiet=True,
    )
    a, c = load_file(tmp_path / "a" / "model.safetensors"), load_file(tmp_path / "c" / "model.safetensors")
    assert not torch.equal(a["output"], c["output"])


@pytest.mark.parametrize("architecture", SETTINGS)
def test_a_run_killed_at_any_step_resumes_to_the_same_weights_and_log(
    architecture: str, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"dropout": 0.1, "steps": 23, "evaluations": 3}
    train(pairs, tmp_path / "whole", architecture, **settings)

    class Killed(BaseException):
        pass

    kills = iter(sorted(random.Random(architecture).sample(range(1, 22), 3)))
    at = next(kills)
    optimise = _train.Trainer.optimise

    def optimise_or_die(self: _train.Trainer, group: Any, epoch: int) -> dict[str, int]:
        if self.at.step == at and hasattr(self, "learned_steps"):
            raise Killed
        return optimise(self, group, epoch)

    def loop_marked(self: _train.Trainer, stopper: Any, loop: Any = _train.Trainer.loop) -> bool:
        self.learned_steps = True  # measuring is over
        return loop(self, stopper)

    monkeypatch.setattr(_train.Trainer, "optimise", optimise_or_die)
    monkeypatch.setattr(_train.Trainer, "loop", loop_marked)
    monkeypatch.setattr(_train, "SECONDS_BETWEEN_STATES", 0.05)
    with pytest.raises(Killed):
        train(pairs, tmp_path / "killed", architecture, **settings)
    for at in [*kills, -1]:
        if at < 0:
            af.train("translation", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
        else:
            with pytest.raises(Killed):
                af.train("translation", out=tmp_path / "killed", resume=True, device="cpu", quiet=True)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_process_that_is_killed_outright_leaves_a_folder_that_resumes(pairs: Path, tmp_path: Path) -> None:
    settings = {"steps": 150, "evaluations": 3}
    train(pairs, tmp_path / "whole", **settings)
    process = subprocess.Popen(command(pairs, tmp_path / "killed", **settings), stderr=subprocess.DEVNULL)
    wait_for(tmp_path / "killed" / "log.jsonl", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    with pytest.raises(UserError, match="--resume"):
        af.load(tmp_path / "killed")
    resume(tmp_path / "killed")
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_ctrl_c_saves_a_usable_model_that_can_also_be_resumed(pairs: Path, tmp_path: Path) -> None:
    settings = {"steps": 150, "evaluations": 3}
    train(pairs, tmp_path / "whole", **settings)
    process = subprocess.Popen(
        command(pairs, tmp_path / "stopped", **settings), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    wait_for(tmp_path / "stopped" / "log.jsonl", process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert isinstance(af.load(tmp_path / "stopped", device="cpu").predict("red dog").output, str)
    resume(tmp_path / "stopped")
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


def wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 120
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_see_the_same_data_once_and_score_like_one(pairs: Path, tmp_path: Path) -> None:
    # Without dropout and with the same batches a step, two processes take the steps of one.
    settings = {"steps": 12, "evaluations": 2, "batch_tokens": 64, "log_every": 6}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    made = command(pairs, tmp_path / "two", **settings)
    subprocess.run([*launch, *made[2:]], check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    run = af.load(tmp_path / "two", device="cpu")
    page = json.loads((tmp_path / "two" / "metrics.json").read_text())["val"]
    found = run.evaluate("val", baselines=False)
    assert page["examples"] == found["examples"] == 40
    for name, score in found["metrics"].items():
        assert page["metrics"][name]["value"] == pytest.approx(score.value, abs=1e-9), name

    seen: list[int] = []
    kind, prepared = run.task, run.task.prepare(run.task.read(str(pairs), 0)[0]["train"], True)[0]
    batches = kind.batches(prepared, 0, 0)
    for rank in range(2):
        seen += [int(i) for indices in batches[rank::2] for i in indices]
    assert sorted(seen) == list(range(len(prepared.sources)))


def test_max_minutes_becomes_a_number_of_steps_that_is_kept(pairs: Path, tmp_path: Path) -> None:
    run = af.train(
        "translation",
        pairs,
        out=tmp_path / "run",
        settings=SETTINGS["transformer"],
        device="cpu",
        max_minutes=0.03,
        quiet=True,
    )
    page = json.loads((run.folder / "settings.json").read_text())
    assert page["settings"]["training"]["steps"] >= 1
    assert page["origins"]["steps"] == "max_minutes=0.03"
    assert page["origins"]["width"] == "given"


def test_patience_stops_a_run_that_gets_no_better(pairs: Path, tmp_path: Path) -> None:
    run = train(pairs, tmp_path / "run", learning_rate=1e-12, steps=40, evaluations=20, patience=2, ema=0.0)
    last = json.loads((run.folder / "log.jsonl").read_text().splitlines()[-1])
    assert last["step"] < 40


def test_a_loss_that_is_no_number_stops_with_the_remedy(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="learning_rate"):
        train(pairs, tmp_path / "run", learning_rate=1e30, clip=1e30, warmup=0.0)


def test_mixed_precision_learns_too(pairs: Path, tmp_path: Path) -> None:
    run = train(pairs, tmp_path / "run", precision="bf16", steps=30)
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    losses = [line["nats"] for line in lines if "nats" in line]
    assert losses[-1] < losses[0]


def test_tensorboard_is_written_on_request(pairs: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run = train(pairs, tmp_path / "run", steps=6, trackers="tensorboard")
    assert list(run.folder.rglob("events.out.tfevents.*"))


def test_a_resumed_run_refuses_other_settings(pairs: Path, tmp_path: Path) -> None:
    train(pairs, tmp_path / "run", steps=2)
    with pytest.raises(UserError, match="keeps its own settings"):
        af.train("translation", out=tmp_path / "run", settings={"width": 64}, resume=True)


def test_a_folder_in_use_is_left_alone(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        train(pairs, tmp_path / "run", steps=2)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["thesis.txt"]
