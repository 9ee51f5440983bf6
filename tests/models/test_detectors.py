"""The networks that find objects: shapes, cells, and that a second look changes nothing before it has learned.

Letters: B pictures, C classes, A cells.
"""

from __future__ import annotations

import math

import pytest
import torch

from attentionflow.models.attended_convolutions import AttendedConvolutions, AttendedConvolutionsSettings
from attentionflow.models.convolutions import cell_centres, waves
from attentionflow.models.detector import PATCH, PRIOR, Detector, pick
from attentionflow.models.proposal_transformer import ProposalTransformer, ProposalTransformerSettings
from attentionflow.recorder import recording

C = 3


def build(kind: str) -> Detector:
    torch.manual_seed(0)
    if kind == "classic":
        return AttendedConvolutions(AttendedConvolutionsSettings(channels=8, blocks=1), C).eval()
    settings = ProposalTransformerSettings(channels=8, blocks=1, width=32, heads=2, feedforward=32)
    return ProposalTransformer(settings, C).eval()


both = pytest.mark.parametrize("kind", ["default", "classic"])


@both
@pytest.mark.parametrize(("height", "width"), [(64, 96), (48, 32), (16, 16)])
def test_every_cell_of_both_levels_proposes(kind: str, height: int, width: int) -> None:
    found = build(kind)(torch.randn(2, 3, height, width))
    cells = height * width // (PATCH // 2) ** 2 + height * width // PATCH**2
    assert found.logits.shape == (2, cells, C)
    assert found.boxes.shape == (2, cells, 4)
    assert found.centres.shape == (cells, 2)
    assert found.memory.shape[1] == height * width // PATCH**2
    assert float(found.logits.detach().sigmoid().mean()) < 5 * PRIOR
    assert ((found.boxes[..., :2] < found.centres) & (found.centres < found.boxes[..., 2:])).all()


@both
def test_an_answer_is_about_the_cells_asked_for(kind: str) -> None:
    model = build(kind)
    found = model(torch.randn(2, 3, 32, 48))
    at = torch.tensor([[4, 9, 1], [0, 2, 7]])
    answer = model.answer(found, at)
    torch.testing.assert_close(answer, pick(found.logits, at))  # nothing was learned yet
    if stages := model.refine(found, at):
        torch.nn.init.normal_(model.refinements[0].score.weight)
        changed = model.refine(found, at)
        assert not torch.equal(changed[0], stages[0])
        torch.testing.assert_close(model.refine(found, at[:, 1:2])[-1], changed[-1][:, 1:2])


@both
def test_gradients_reach_every_parameter(kind: str) -> None:
    model = build(kind).train()
    if kind == "default":
        for layer in model.refinements:
            torch.nn.init.normal_(layer.score.weight)
    found = model(torch.randn(2, 3, 32, 32))
    total = (
        found.logits.square().sum() + found.boxes.square().mean() + model.answer(found, torch.zeros(2, 1).long()).sum()
    )
    total.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_refinement_attends_from_boxes_to_patches() -> None:
    model = build("default")
    with recording(model) as heard:
        found = model(torch.randn(1, 3, 32, 48))
        model.refine(found, torch.tensor([[0, 5]]))
    assert [(site.role, site.weights.shape) for site in heard.sites] == [
        ("self", (1, 2, 6, 6)),
        ("self", (1, 2, 6, 6)),
        ("cross", (1, 2, 2, 6)),
        ("cross", (1, 2, 2, 6)),
    ]


def test_cells_stand_in_rows() -> None:
    assert cell_centres(2, 3, 8).tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]


def test_waves_are_sines_and_cosines_from_eight_pixels_up() -> None:
    found = waves(torch.tensor([[2.0]]), 4, 1024.0)[0]
    rates = [2 * math.pi / 8, 2 * math.pi / 1024]
    expected = [math.sin(2 * r) for r in rates] + [math.cos(2 * r) for r in rates]
    torch.testing.assert_close(found, torch.tensor(expected))
