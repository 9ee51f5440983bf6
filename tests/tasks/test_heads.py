"""Heads: classes, sets of labels and numbers, learned from cells and answered in their terms."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score, root_mean_squared_error

from attentionflow.errors import DataError
from attentionflow.readers.tabled_pictures import Kind
from attentionflow.tasks._heads import Head, NumberHead, learn_head, load_head

CELLS: dict[Kind, list[str]] = {
    "class": ["cat", "dog", "", "cat", "bird"],
    "labels": ["a|b", "", "b", "|", "c|a"],
    "number": ["1.5", "-2", "", "4", "1e1"],
}


def head_of(kind: Kind, cells: list[str] | None = None) -> Head:
    cells = CELLS[kind] if cells is None else cells
    return learn_head("what", kind, cells, [f"table:{i + 1}" for i in range(len(cells))])


def targets(head: Head, cells: list[str]) -> np.ndarray:
    return head.targets(cells, [f"table:{i + 1}" for i in range(len(cells))])


@pytest.mark.parametrize("kind", CELLS)
def test_the_targets_are_the_cells_and_missing_ones_are_nan(kind: Kind) -> None:
    head = head_of(kind)
    found = targets(head, CELLS[kind])
    assert found.shape == (5, head.outputs)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found).any(1), [not cell for cell in CELLS[kind]])
    numbers = np.array([1.5, -2, 4, 10])
    scaled = ((numbers - numbers.mean()) / numbers.std())[:2, None]
    expected = {"class": [[0, 1, 0], [0, 0, 1]], "labels": [[1, 1, 0]], "number": scaled}[kind]
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_outputs_that_are_right_give_the_cells_back(kind: Kind) -> None:
    head = head_of(kind)
    known = [cell for cell in CELLS[kind] if cell]
    wanted = torch.from_numpy(targets(head, known))
    answers = head.answers(wanted if kind == "number" else 20 * wanted - 10)
    given = [head.cells(answer)["what"] for answer in answers]
    if kind == "number":
        assert given == pytest.approx([float(cell) for cell in known], abs=1e-4)
    else:
        assert [set(cell.split("|")) for cell in given] == [set(cell.split("|")) for cell in known]
    scores = head.scores(answers, wanted.numpy(), known, cheap=False)
    assert scores[head.quality].value == pytest.approx(1)
    assert (head.log_probability(20 * wanted, answers) > -0.7).all()


@pytest.mark.parametrize("kind", CELLS)
def test_a_head_is_the_same_after_saving(kind: Kind) -> None:
    head = head_of(kind)
    known = [cell for cell in CELLS[kind] if cell]
    answers = head.answers(torch.randn(4, head.outputs, generator=torch.Generator().manual_seed(0)))
    head = head.calibrated(answers, targets(head, known))
    again = load_head(json.loads(json.dumps(head.page())))
    assert json.dumps(again.page()) == json.dumps(head.page())
    outputs = torch.randn(4, head.outputs, generator=torch.Generator().manual_seed(1))
    one, other = head.answers(outputs), again.answers(outputs)
    assert [head.output(answer) for answer in one] == [again.output(answer) for answer in other]


@settings(max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20), st.integers(0, 2**32 - 1))
def test_the_scores_of_a_number_are_those_of_scikit_learn(numbers: list[float], seed: int) -> None:
    truth = np.array(numbers)
    if np.ptp(truth) < 1e-3:
        return
    cells = [repr(number) for number in numbers]
    head = head_of("number", cells)
    answers = np.random.default_rng(seed).normal(size=len(cells)).tolist()
    wanted = targets(head, cells)
    scores = head.scores(answers, wanted, cells, cheap=True)
    given = np.array([head.output(answer) for answer in answers])
    scale = float(truth.std())
    assert scores["r2"].value == pytest.approx(r2_score(truth, given), rel=1e-3, abs=1e-3)
    assert scores["rmse"].value == pytest.approx(root_mean_squared_error(truth, given), rel=1e-3, abs=1e-3 * scale)
    assert scores["mae"].value == pytest.approx(mean_absolute_error(truth, given), rel=1e-3, abs=1e-3 * scale)


def test_the_scores_of_labels_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    names = np.array(["a", "b", "c"])
    cells = names[draw.integers(3, size=50)].tolist()
    head = head_of("class", cells)
    answers = head.answers(torch.from_numpy(draw.normal(size=(50, 3)).astype(np.float32)))
    given = [head.output(answer) for answer in answers]
    scores = head.scores(answers, targets(head, cells), cells, cheap=True)
    assert scores["accuracy"].value == pytest.approx(accuracy_score(cells, given))
    sets = ["|".join(names[draw.random(3) < 0.5]) or "|" for _ in range(50)]
    several = head_of("labels", sets)
    answers = several.answers(torch.from_numpy(draw.normal(size=(50, 3)).astype(np.float32)))
    chosen = np.array([[name in several.output(answer) for name in names] for answer in answers])
    truth = targets(several, sets).astype(bool)
    scores = several.scores(answers, truth.astype(np.float32), sets, cheap=True)
    assert scores["micro_f1"].value == pytest.approx(f1_score(truth, chosen, average="micro"))


def test_the_mean_of_training_scores_nothing() -> None:
    head = head_of("number")
    known = [cell for cell in CELLS["number"] if cell]
    guess = head.guess(known)
    assert head.output(guess) == pytest.approx(np.mean([float(cell) for cell in known]))
    assert head.scores([guess] * 4, targets(head, known), known, True)["r2"].value == pytest.approx(0)


def test_guesses_are_the_most_frequent() -> None:
    head = head_of("class")
    assert head.output(head.guess(["dog", "cat", "cat"])) == "cat"
    several = head_of("labels")
    assert several.output(several.guess(["a|b", "b|a", "c"])) == ["a", "b"]


def test_the_error_of_a_number_is_learned_from_answers_that_were_not_trained_on() -> None:
    head = head_of("number")
    wanted = np.array([[0.5], [np.nan], [-1.0]], np.float32)
    found = head.calibrated([0.8, 5.0, -1.4], wanted)
    assert isinstance(found, NumberHead)
    assert found.error == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    assert head.calibrated([0.8], np.array([[np.nan]], np.float32)) == head


def test_a_cell_that_is_no_number_is_named() -> None:
    with pytest.raises(DataError, match=r"table:2: what is 'tall', which is no finite number\. .*kinds=what=class"):
        targets(head_of("number"), ["1", "tall"])
