"""Enrolling where a task takes nothing in."""

from __future__ import annotations

from pathlib import Path

import pytest

import attentionflow as af
from attentionflow.cli import main

pytest.importorskip("sklearn", reason="scikit-learn is not installed")


def test_a_task_that_takes_nothing_in_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"steps": 1, "evaluations": 1}
    run = af.train("image-classification", out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    with pytest.raises(af.UserError, match="image-classification takes in nothing new once it is trained"):
        af.enroll(run, "eleven", "eleven.png")
    with pytest.raises(SystemExit) as stop:
        main(["enroll", str(run.folder), "eleven", "eleven.png"])
    assert stop.value.code == 2
    assert "image-classification takes in nothing new" in capsys.readouterr().err
