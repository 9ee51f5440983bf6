"""The networks that name every pixel: shapes, that every parameter learns, and what their attention runs over.

Letters: B pictures, K classes.
"""

from __future__ import annotations

import pytest
import torch

from attentionflow.models.gated_unet import GatedUNet, GatedUNetSettings
from attentionflow.models.mask_transformer import MaskTransformer, MaskTransformerSettings
from attentionflow.models.segmenters import PATCH, Segmenter
from attentionflow.recorder import recording

K = 5


def build(kind: str) -> Segmenter:
    torch.manual_seed(0)
    if kind == "classic":
        return GatedUNet(GatedUNetSettings(channels=4), K).eval()
    settings = MaskTransformerSettings(channels=8, blocks=1, layers=1, heads=2, feedforward=32, width=16)
    return MaskTransformer(settings, K).eval()


both = pytest.mark.parametrize("kind", ["default", "classic"])


@both
@pytest.mark.parametrize(("height", "width"), [(64, 96), (48, 32), (16, 16)])
def test_every_pixel_has_a_logit_a_class(kind: str, height: int, width: int) -> None:
    assert build(kind)(torch.randn(2, 3, height, width)).shape == (2, K, height, width)


@both
def test_gradients_reach_every_parameter(kind: str) -> None:
    model = build(kind).train()
    if kind == "default":
        torch.nn.init.normal_(model.told.weight)
    model(torch.randn(2, 3, 32, 48)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_at_first_a_class_is_the_same_in_all_pictures_then_what_it_attends_to_counts() -> None:
    model, images = build("default"), torch.randn(2, 3, 32, 48)
    before = model(images)
    with torch.no_grad():
        model.queries.mul_(3)
        torch.testing.assert_close(model(images), before)
        model.told.weight.normal_()
        assert not torch.allclose(model(images), before)


def test_the_pixels_of_a_place_have_weights_of_their_own() -> None:
    model = build("default")
    with torch.no_grad():
        model.classify.weight.zero_()
        model.classify.bias.copy_(torch.arange(4.0).repeat(K))
        found = model(torch.randn(1, 3, 32, 32))[0, 0]
    assert found[:2, :2].tolist() == found[4:6, 2:4].tolist() == [[0, 1], [2, 3]]


def test_classes_attend_to_patches_and_patches_to_each_other() -> None:
    model = build("default")
    with recording(model) as heard:
        model(torch.randn(1, 3, 32, 48))
    assert model.patch == PATCH
    assert [(site.role, site.weights.shape) for site in heard.sites] == [
        ("self", (1, 2, 6, 6)),
        ("cross", (1, 2, K, 6)),
    ]


def test_gates_run_over_ever_finer_places() -> None:
    model = build("classic")
    with recording(model) as heard:
        model(torch.randn(1, 3, 32, 48))
    sizes = [32 * 48 // level.patch**2 for level in model.gated]
    assert [site.weights.shape for site in heard.sites] == [(1, 1, 1, size) for size in sizes]
    assert [site.keys for site in heard.sites] == [level.places for level in model.gated]
    assert model.patch == model.gated[-1].patch == 4
