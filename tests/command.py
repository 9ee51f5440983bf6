"""The command line, run to its end in this process."""

from __future__ import annotations

import pytest

from attentionflow.cli import main


def ended(arguments: list[str]) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return int(stop.value.code or 0)
