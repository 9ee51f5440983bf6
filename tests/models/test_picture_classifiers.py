"""The networks that label pictures: shapes, what they attend to, and that every parameter learns.

Letters: B pictures, C channels, K labels, P patches.
"""

from __future__ import annotations

import pytest
import torch

from attentionflow.models.picture_classifiers import (
    ConvolutionsAndPatches,
    GatedConvolutions,
    GatedConvolutionsSettings,
    PatchTransformerSettings,
    PictureClassifier,
    Sight,
)
from attentionflow.recorder import recording

K = 5


def build(kind: str, sight: Sight) -> PictureClassifier:
    torch.manual_seed(0)
    if kind == "classic":
        return GatedConvolutions(GatedConvolutionsSettings(channels=8, blocks=1), sight, K)
    settings = PatchTransformerSettings(channels=8, blocks=2, layers=2, heads=2, feedforward=16)
    return ConvolutionsAndPatches(settings, sight, K)


both = pytest.mark.parametrize("kind", ["default", "classic"])


@both
@pytest.mark.parametrize(
    "sight", [Sight(1, 28, 28, 4), Sight(3, 32, 48, 8), Sight(3, 24, 36, 12), Sight(3, 16, 16, 16)]
)
def test_pictures_become_logits_by_way_of_patches(kind: str, sight: Sight) -> None:
    model = build(kind, sight).eval()
    images = torch.randn(2, sight.channels, sight.height, sight.width)
    assert model(images).shape == (2, K)
    assert model.levels(images).flatten(2).shape == (2, 32, sight.patches)


def test_patches_attend_to_each_other_and_the_label_to_them() -> None:
    sight = Sight(3, 16, 24, 4)
    model = build("default", sight).eval()
    with recording(model) as heard, torch.no_grad():
        model(torch.randn(1, 3, 16, 24))
    assert [(site.role, site.queries, site.keys, site.weights.shape) for site in heard.sites] == [
        ("self", "patches", "patches", (1, 2, 24, 24)),
        ("self", "patches", "patches", (1, 2, 24, 24)),
        ("pool", "label", "patches", (1, 2, 1, 24)),
    ]


def test_every_level_gates_its_channels_and_places() -> None:
    model = build("classic", Sight(1, 16, 16, 4)).eval()
    with recording(model) as heard, torch.no_grad():
        model(torch.randn(1, 1, 16, 16))
    found = {site.keys: site.weights.shape[-1] for site in heard.sites}
    sizes = {level.channels: level.width for level in model.gated}
    sizes |= {level.places: (16 // level.patch) ** 2 for level in model.gated}
    assert found == sizes
    assert found["patches"] == 16


@both
def test_gradients_reach_every_parameter(kind: str) -> None:
    model = build(kind, Sight(1, 16, 16, 4)).train()
    if kind == "default":
        torch.nn.init.normal_(model.pooling.query)  # it begins at zero, where keys do not matter yet
    model(torch.randn(4, 1, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@both
def test_the_layout_of_memory_changes_nothing(kind: str) -> None:
    model = build(kind, Sight(3, 16, 16, 4)).eval()
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(model(images), model(images.contiguous(memory_format=torch.channels_last)))
