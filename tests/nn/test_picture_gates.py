"""Channel and spatial attention against their formulas.

Letters: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from attentionflow.attend import Place
from attentionflow.nn.attention_gate import AttentionGate
from attentionflow.nn.channel import ChannelAttention
from attentionflow.nn.spatial import SpatialAttention
from attentionflow.recorder import recording

B, C, H, W = 2, 8, 5, 6


def test_channels_are_gated_by_their_mean_and_maximum() -> None:
    torch.manual_seed(0)
    module, x = ChannelAttention(C, Place("gate", "picture", "channels")), torch.randn(B, C, H, W)
    first, _, last = module.score

    def score(pooled: torch.Tensor) -> torch.Tensor:
        return F.relu(pooled @ first.weight.T + first.bias) @ last.weight.T + last.bias

    gates = torch.sigmoid(score(x.flatten(2).mean(-1)) + score(x.flatten(2).max(-1).values))
    with recording(module) as heard:
        found = module(x)
    torch.testing.assert_close(found, x * gates[:, :, None, None])
    (site,) = heard.sites
    torch.testing.assert_close(torch.from_numpy(site.weights[:, 0, 0]), gates)


def test_places_are_gated_by_what_lies_around_them() -> None:
    torch.manual_seed(0)
    module, x = SpatialAttention(Place("gate", "picture", "patches")), torch.randn(B, C, H, W)
    pooled = F.pad(torch.stack((x.mean(1), x.max(1).values), 1), (3, 3, 3, 3))
    gates = torch.empty(B, H, W)
    for row in range(H):
        for column in range(W):
            around = pooled[:, :, row : row + 7, column : column + 7]
            gates[:, row, column] = (around * module.score.weight).sum((1, 2, 3)) + module.score.bias
    gates = gates.sigmoid()
    with recording(module) as heard:
        found = module(x)
    torch.testing.assert_close(found, x * gates[:, None], atol=1e-5, rtol=1e-5)
    (site,) = heard.sites
    torch.testing.assert_close(torch.from_numpy(site.weights[:, 0, 0]), gates.flatten(1), atol=1e-5, rtol=1e-5)


def test_places_are_gated_by_a_coarser_map() -> None:
    torch.manual_seed(0)
    module = AttentionGate(C, 3, 4, Place("gate", "picture", "patches"))
    x, coarse = torch.randn(B, C, 2 * H, 2 * W), torch.randn(B, 3, H, W)
    gates = torch.empty(B, H, W)
    for row in range(H):
        for column in range(W):
            own = (x[:, None, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] * module.of_fine.weight).sum(
                (2, 3, 4)
            )
            other = coarse[:, :, row, column] @ module.of_coarse.weight[:, :, 0, 0].T + module.of_coarse.bias
            gates[:, row, column] = F.relu(own + other) @ module.score.weight[0, :, 0, 0] + module.score.bias
    gates = gates.sigmoid()
    with recording(module) as heard:
        found = module(x, coarse)
    (site,) = heard.sites
    torch.testing.assert_close(torch.from_numpy(site.weights[:, 0, 0]), gates.flatten(1), atol=1e-5, rtol=1e-5)
    blown = F.interpolate(gates[:, None], scale_factor=2, mode="bilinear")
    torch.testing.assert_close(found, x * blown, atol=1e-5, rtol=1e-5)
