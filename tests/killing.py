"""A training that is killed, so that a test can go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from attentionflow import _train


class Killed(BaseException):
    """As sudden as a signal: nothing that catches errors catches it."""


@contextmanager
def killed_after_state(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The training inside dies right after it has saved its state at `step`, and does not outlive that."""
    save_state = _train.Trainer.save_state

    def save_and_die(self: _train.Trainer) -> None:
        save_state(self)
        if self.at.step == step:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(_train.Trainer, "save_state", save_and_die)
        with pytest.raises(Killed):
            yield
