"""Networks with several tasks: what is shared, what each task reads, and the attention between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from attentionflow.attend import Place
from attentionflow.models.picture_classifiers import GatedConvolutionsSettings, PatchTransformerSettings, Sight
from attentionflow.models.picture_tasks import GatedTasks, PictureTasks, TaskTokens
from attentionflow.nn.task import TaskAttention
from attentionflow.recorder import recording

SIGHT = Sight(1, 16, 24, 4)
OUTPUTS = (3, 1, 5)
BUILDS: dict[str, Any] = {
    "task-tokens": lambda outputs, weighted: TaskTokens(
        PatchTransformerSettings(channels=4, blocks=1, heads=2, feedforward=8), SIGHT, outputs, weighted
    ),
    "classic": lambda outputs, weighted: GatedTasks(
        GatedConvolutionsSettings(channels=4, blocks=1), SIGHT, outputs, weighted
    ),
}

every = pytest.mark.parametrize("name", BUILDS)


def build(name: str, outputs: tuple[int, ...] = OUTPUTS, weighted: bool = False) -> PictureTasks:
    torch.manual_seed(0)
    made: PictureTasks = BUILDS[name](outputs, weighted).eval()
    return made


@every
def test_each_task_has_its_outputs_and_its_row_of_the_attention(name: str) -> None:
    model, images = build(name), torch.randn(2, 1, 16, 24)
    with recording(model) as heard, torch.no_grad():
        found = model(images)
    assert [tuple(own.shape) for own in found] == [(2, 3), (2, 1), (2, 5)]
    site = heard.sites[-1]
    assert (site.queries, site.keys) == ("tasks", "patches")
    assert site.weights.shape[2:] == (3, 24)
    assert np.abs(site.weights[:, :, 0] - site.weights[:, :, 1]).max() > 1e-4, "tasks differ in what they read"


@every
def test_a_task_learns_the_trunk_and_its_own_head_alone(name: str) -> None:
    model = build(name)
    model(torch.randn(2, 1, 16, 24))[1].sum().backward()
    moved = [any(p.grad is not None and bool(p.grad.any()) for p in head.parameters()) for head in model.heads]
    assert moved == [False, True, False]
    assert any(bool(p.grad.any()) for p in model.trunk.parameters() if p.grad is not None)


@every
def test_a_network_of_one_task_has_the_same_trunk(name: str) -> None:
    several, one = build(name), build(name, (3,))
    shapes = [[tuple(p.shape) for p in model.trunk.parameters()] for model in (several, one)]
    assert shapes[0] == shapes[1]


@every
def test_weights_by_uncertainty_are_parameters_where_they_are_asked_for(name: str) -> None:
    assert build(name).log_variances is None
    found = build(name, weighted=True).log_variances
    assert found is not None
    assert found.tolist() == [0, 0, 0]


def test_task_attention_is_the_mean_over_places_by_gates() -> None:
    torch.manual_seed(0)
    module, x = TaskAttention(6, 3, Place("gate", "tasks", "patches")), torch.randn(2, 5, 6)
    found = module(x)
    for task in range(3):
        gates = torch.sigmoid(x @ module.score.weight[task] + module.score.bias[task])
        expected = sum(gates[:, p, None] * x[:, p] for p in range(5)) / gates.sum(1, keepdim=True)
        torch.testing.assert_close(found[:, task], expected)
