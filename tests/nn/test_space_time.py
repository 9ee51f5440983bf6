"""Divided attention is self-attention within each place and within each moment, and its record says so."""

from __future__ import annotations

import numpy as np
import torch

import attentionflow as af
from attentionflow.attend import Place
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.space_time import DividedLayer
from attentionflow.records import Axis

B, M, S, D = 2, 3, 4, 8


def layer() -> DividedLayer:
    torch.manual_seed(0)
    place = Place("self", "tubes", "tubes")
    return DividedLayer(SelfAttention(D, 2, place), SelfAttention(D, 2, place), D, 16, 0.0).eval()


def test_it_is_the_plain_formula() -> None:
    made, x = layer(), torch.randn(B, M, S, D)
    plain = x.clone()
    for s in range(S):
        plain[:, :, s] = x[:, :, s] + made.over_time(made.time_norm(x[:, :, s]))
    after = plain.clone()
    for m in range(M):
        after[:, m] = plain[:, m] + made.over_space(made.space_norm(plain[:, m]))
    after = after + made.feedforward(made.feedforward_norm(after))
    torch.testing.assert_close(made(x), after)


def test_a_position_looks_at_its_own_place_and_then_at_its_own_moment() -> None:
    made = layer()
    with torch.no_grad(), af.recording(made) as recorder:
        made(torch.randn(B, M, S, D))
    axis = Axis("tube", tuple(map(str, range(M * S))))
    over_time, over_space = recorder.record({"tubes": [axis] * B}).unfolded().sites
    number = np.arange(M * S)
    same_place, same_moment = (np.equal.outer(of, of) for of in (number % S, number // S))
    for site, seen in ((over_time, same_place), (over_space, same_moment)):
        assert site.weights.shape == (B, 2, M * S, M * S)
        assert (site.weights[..., seen] > 0).all()
        assert (site.weights[..., ~seen] == 0).all()
        np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-5)
