"""Series folded into the batch, and their scale."""

from __future__ import annotations

import numpy as np
import torch

from attentionflow.nn.channels import channel_fold, fold_channels, instance_scale, unfold_channels
from attentionflow.records import Site


def test_folding_and_back() -> None:
    x = torch.randn(3, 5, 2)
    rows = fold_channels(x)
    assert torch.equal(rows[3], x[1, :, 1])
    assert torch.equal(unfold_channels(rows, 2), x)
    quantiles = rows[..., None].expand(-1, -1, 4)
    assert torch.equal(unfold_channels(quantiles, 2), x[..., None].expand(-1, -1, -1, 4))


def test_the_map_back_puts_the_series_of_an_example_one_after_the_other() -> None:
    weights = np.random.default_rng(0).random((4, 1, 2, 3), np.float32)
    fold = channel_fold(2, 2, 2, 3)
    whole = Site("x", 0, 0, "self", "a", "b", weights, fold=fold).unfolded(2, 4, 6)
    assert np.array_equal(whole[1, :, :2, :3], weights[2])
    assert np.array_equal(whole[1, :, 2:, 3:], weights[3])
    assert not whole[:, :, :2, 3:].any()


def test_a_row_is_brought_to_mean_zero_and_deviation_one() -> None:
    rows = torch.randn(4, 50) * 30 + 7
    mean, deviation = instance_scale(rows)
    scaled = ((rows - mean) / deviation).double()
    torch.testing.assert_close(scaled.mean(1), torch.zeros(4).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(1, correction=0), torch.ones(4).double(), atol=1e-4, rtol=0)
    assert torch.isfinite(instance_scale(torch.ones(1, 5))[1]).all()
