"""The catalogue: what training saw, by frequency."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attentionflow.errors import DataError
from attentionflow.readers.catalogue import Catalogue
from attentionflow.readers.interactions import History, arranged, leave_one_out

TRAIN = [History(("a", "b"), "b", "u", ""), History((), "c", "v", ""), History(("b",), None, "w", "")]


def test_items_come_by_frequency_and_then_in_order() -> None:
    found = Catalogue.learn(TRAIN)
    assert (found.items, found.counts.tolist(), found.names) == (["b", "a", "c"], [3, 1, 1], {})
    assert found.encode(["c", "x", "b"]).tolist() == [2, 0]
    np.testing.assert_allclose(np.exp(found.log_popularity), [0.6, 0.2, 0.2], rtol=1e-6)


def test_names_of_items_that_were_seen_are_kept(tmp_path: Path) -> None:
    log = replace(arranged("x", ["u"] * 4, ["a", "b", "c", "d"]), names={"a": "Ada", "d": "Dee"})
    found = Catalogue.learn(leave_one_out(log)[0]["train"])
    assert found.names == {"a": "Ada"}
    assert (found.name("a"), found.name("b")) == ("Ada", "b")
    found.save(tmp_path / "catalogue.json")
    again = Catalogue.load(tmp_path / "catalogue.json")
    assert (again.items, again.names, again.counts.tolist()) == (found.items, found.names, found.counts.tolist())


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").write_text('{"items": [')
    with pytest.raises(DataError, match=r"catalogue\.json: cannot be read"):
        Catalogue.load(tmp_path / "catalogue.json")
