"""The networks that recommend: shapes, padding, the past alone, losses against their formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from attentionflow.models import next_item
from attentionflow.models.next_item import (
    NextItem,
    SequentialTransformer,
    TargetRecommender,
    TargetSettings,
    TransformerSettings,
)
from attentionflow.recorder import recording

V = 11
ITEMS = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]])
LENGTHS = torch.tensor([4, 2])
ANSWERS = torch.tensor([[2, 3, 4, 5], [6, 7, -1, -1]])


def build(kind: str, **settings: Any) -> NextItem:
    torch.manual_seed(0)
    if kind == "transformer":
        return SequentialTransformer(TransformerSettings(width=8, layers=2, feedforward=16, **settings), V).eval()
    return TargetRecommender(TargetSettings(width=8, attention=4, **settings), V).eval()


both = pytest.mark.parametrize("kind", ["transformer", "classic"])


@both
def test_padding_changes_nothing(kind: str) -> None:
    model = build(kind)
    scores = model.scores(ITEMS, LENGTHS)
    assert scores.shape == (2, V)
    torch.testing.assert_close(scores[1:], model.scores(ITEMS[1:, :2], LENGTHS[1:]), rtol=1e-4, atol=1e-5)
    other = torch.where(torch.arange(4) < LENGTHS[:, None], ITEMS, 9)
    torch.testing.assert_close(scores, model.scores(other, LENGTHS))


@both
def test_the_loss_of_a_position_knows_nothing_of_what_comes_later(kind: str) -> None:
    model = build(kind)
    only = torch.full_like(ANSWERS, -1)
    only[0, 1] = ANSWERS[0, 1]
    changed = ITEMS.clone()
    changed[0, 2:] = 8
    torch.testing.assert_close(model.loss(ITEMS, only), model.loss(changed, only))
    changed[0, 0] = 8
    assert not torch.allclose(model.loss(ITEMS, only), model.loss(changed, only))


@both
def test_losses_of_positions_add_up(kind: str) -> None:
    model = build(kind)
    parts = []
    for row, at in (ANSWERS >= 0).nonzero().tolist():
        one = torch.full_like(ANSWERS, -1)
        one[row, at] = ANSWERS[row, at]
        parts.append(model.loss(ITEMS, one))
    torch.testing.assert_close(model.loss(ITEMS, ANSWERS), torch.stack(parts).sum(), rtol=1e-4, atol=1e-4)
    assert model.loss(ITEMS, torch.full_like(ANSWERS, -1)) == 0


@both
def test_log_probabilities_are_those_of_the_scores(kind: str) -> None:
    model = build(kind)
    scores, answers = model.scores(ITEMS, LENGTHS), torch.tensor([7, 3])
    found = model.log_probability(ITEMS, LENGTHS, answers)
    torch.testing.assert_close(found, model.log_probabilities(scores, answers[:, None])[:, 0], rtol=1e-4, atol=1e-5)
    expected = F.log_softmax(scores, 1) if kind == "transformer" else F.logsigmoid(scores)
    torch.testing.assert_close(found, expected[torch.arange(2), answers], rtol=1e-4, atol=1e-5)


def test_the_transformers_loss_is_cross_entropy_over_the_catalogue() -> None:
    model = build("transformer")
    expected = torch.zeros(())
    for row, length in enumerate(LENGTHS.tolist()):
        for at in range(length):
            scores = model.scores(ITEMS[row : row + 1, : at + 1], torch.tensor([at + 1]))
            expected = expected + F.cross_entropy(scores, ANSWERS[row, at][None])
    torch.testing.assert_close(model.loss(ITEMS, ANSWERS), expected, rtol=1e-4, atol=1e-4)


def test_drawn_items_estimate_the_whole_catalogue() -> None:
    """The estimate of exp(loss), the sum over the catalogue by the answer's part in it, is right on average."""
    model = build("transformer", negatives=4, dropout=0.0)
    assert isinstance(model, SequentialTransformer)
    one = torch.full_like(ANSWERS, -1)
    one[0, 3] = 5
    exact = model.loss(ITEMS, one).exp()
    model.train()
    with torch.no_grad():
        drawn = torch.stack([model.loss(ITEMS, one).exp() for _ in range(3000)])
    assert drawn.mean().item() == pytest.approx(exact.item(), abs=4 * drawn.std().item() / math.sqrt(3000))


def test_drawing_as_many_as_there_are_is_the_whole_catalogue() -> None:
    whole, drawn = build("transformer", dropout=0.0).train(), build("transformer", negatives=V, dropout=0.0).train()
    torch.testing.assert_close(whole.loss(ITEMS, ANSWERS), drawn.loss(ITEMS, ANSWERS))


def test_the_classics_loss_in_evaluation_is_the_mean_over_draws() -> None:
    model = build("classic", negatives=3, dropout=0.0)
    one = torch.full_like(ANSWERS, -1)
    one[0, 2] = 4
    expected = model.loss(ITEMS, one)
    model.train()
    with torch.no_grad():
        drawn = torch.stack([model.loss(ITEMS, one) for _ in range(3000)])
    assert drawn.mean().item() == pytest.approx(expected.item(), abs=4 * drawn.std().item() / math.sqrt(3000))


def test_the_classic_scores_block_by_block_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("classic")
    whole = model.scores(ITEMS, LENGTHS)
    monkeypatch.setattr(next_item, "BLOCK", 2 * 4 * 4 * 3)
    torch.testing.assert_close(model.scores(ITEMS, LENGTHS), whole)


def test_the_classic_looks_at_no_order() -> None:
    model = build("classic")
    turned = torch.tensor([[4, 3, 2, 1]])
    torch.testing.assert_close(model.scores(ITEMS[:1], LENGTHS[:1]), model.scores(turned, LENGTHS[:1]))


@pytest.mark.parametrize(("kind", "shape"), [("transformer", (2, 2, 4, 4)), ("classic", (2, 1, 1, 4))])
def test_a_recording_hears_every_mechanism(kind: str, shape: tuple[int, ...]) -> None:
    model = build(kind)
    plain = model.log_probability(ITEMS, LENGTHS, torch.tensor([1, 2]))
    with recording(model) as heard:
        recorded = model.log_probability(ITEMS, LENGTHS, torch.tensor([1, 2]))
    assert torch.equal(plain, recorded)
    assert [site.weights.shape for site in heard.sites] == [shape] * (2 if kind == "transformer" else 1)
    if kind == "classic":
        assert not heard.sites[0].normalised
        assert (heard.sites[0].weights[1, 0, 0, 2:] == 0).all()


def test_every_parameter_gets_a_gradient() -> None:
    for kind in ("transformer", "classic"):
        model = build(kind).train()
        model.loss(ITEMS, ANSWERS).backward()
        for name, parameter in model.named_parameters():
            gradient: Tensor | None = parameter.grad
            assert gradient is not None, name
            assert gradient.abs().sum() > 0 or name.endswith("key.bias"), name
