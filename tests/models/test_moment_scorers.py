"""Networks that score moments: padding changes nothing, local heads see nearby frames alone, windows fold back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.models.clip_classifiers import FilmSight
from attentionflow.models.moment_scorers import (
    LocalGlobalTransformer,
    LocalGlobalTransformerSettings,
    MomentScorer,
    SoftAttention,
    SoftAttentionSettings,
    window_fold,
)

SIGHT = FilmSight(10, 1, 16, 16, 1, 8)
BUILDS: dict[str, Any] = {
    "local-global": lambda **own: LocalGlobalTransformer(LocalGlobalTransformerSettings(width=16, **own), SIGHT),
    "classic": lambda: SoftAttention(SoftAttentionSettings(hidden=16), SIGHT),
}


def network(name: str, **own: Any) -> MomentScorer:
    torch.manual_seed(0)
    made: MomentScorer = BUILDS[name](**own).eval()
    return made


def film(windows: int = 2, frames: int = 10) -> torch.Tensor:
    return torch.randn(windows, frames, 1, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", BUILDS)
def test_padding_changes_nothing(name: str) -> None:
    model, frames = network(name), film()
    present = torch.ones(2, 10, dtype=torch.bool)
    present[1, 7:] = False
    with torch.no_grad():
        together = model(frames, present)
        other = model(frames.masked_fill(~present[..., None, None, None], 5.0), present)
        alone = model(frames[1:, :7])
    torch.testing.assert_close(together[1:, :7], alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[1, :7], other[1, :7], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[:1], model(frames[:1]), atol=1e-5, rtol=1e-4)


def test_padding_has_no_part_in_the_normalisation_of_batches() -> None:
    frames, present = film(), torch.ones(2, 10, dtype=torch.bool)
    present[:, 6:] = False
    means = []
    for given, there in ((frames[:, :6], None), (frames, present)):
        model = network("classic").train()
        model(given, there)
        means.append(model.encoder.convolutions[0][1].running_mean)
    torch.testing.assert_close(*means)


def test_local_heads_see_what_is_near_and_global_ones_all() -> None:
    model = network("local-global", heads=4, local_heads=3, reach=2, layers=1)
    with torch.no_grad(), af.recording(model) as recorder:
        plain = model(film())
    weights = recorder.sites[0].weights
    far = abs(np.arange(10) - np.arange(10)[:, None]) > 2
    assert (weights[:, :3][:, :, far] == 0).all()
    assert (weights[:, 3][:, far] > 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    with torch.no_grad():
        assert torch.equal(plain, model(film())), "recorded or not, the answer is the same"


def test_a_short_film_needs_no_mask() -> None:
    model = network("local-global", reach=9)
    assert model._mask(10, torch.device("cpu")) is None
    assert network("local-global", local_heads=0)._mask(10, torch.device("cpu")) is None
    with pytest.raises(UserError, match="local_heads=5 is more than heads=4"):
        network("local-global", local_heads=5)


@pytest.mark.parametrize("name", BUILDS)
def test_windows_of_a_film_are_put_back_one_after_the_other(name: str) -> None:
    """Two films, of two windows of 4 frames and of one of 3."""
    model = network(name)
    present = torch.tensor([[True] * 4, [True] * 4, [True] * 3 + [False]])
    fold = window_fold([2, 1], [4, 4, 3])
    with torch.no_grad(), af.recording(model) as recorder:
        model(film(3, 4), present, fold)
    whole = recorder.record().unfolded()
    weights = whole.sites[0].weights
    assert weights.shape[0] == 2
    assert weights.shape[2:] == (8, 8)
    np.testing.assert_allclose(weights[0].sum(-1), 1, atol=1e-5)
    assert (weights[0, :, :4, 4:] == 0).all()
    assert (weights[1, :, 3:] == 0).all()
    np.testing.assert_allclose(weights[1, :, :3, :3].sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", BUILDS)
def test_gradients_are_finite_with_padding(name: str) -> None:
    model = network(name).train()
    present = torch.ones(2, 10, dtype=torch.bool)
    present[1, 1:] = False
    model(film(), present).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
