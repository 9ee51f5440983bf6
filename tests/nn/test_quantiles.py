"""Quantiles never cross, start from a normal distribution, and are what the pinball loss finds best."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from attentionflow.nn.quantiles import FIRST_SPREAD, Spread, pinball

LEVELS = (0.1, 0.5, 0.9)


@given(scale=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_quantiles_never_cross_whatever_is_learned(scale: float, seed: int) -> None:
    torch.manual_seed(seed)
    spread = Spread(4, 3, LEVELS)
    with torch.no_grad():
        for parameter in spread.parameters():
            parameter.normal_(0, scale)
    found = spread(torch.randn(5, 4))
    assert found.shape == (5, 3, 3)
    assert (found.diff(dim=-1) >= 0).all()


def test_training_starts_from_a_normal_distribution() -> None:
    torch.testing.assert_close(
        Spread(4, 2, LEVELS)(torch.zeros(1, 4))[0, 0],
        FIRST_SPREAD * torch.tensor([-1.2816, 0, 1.2816]),
        atol=1e-3,
        rtol=0,
    )


def test_quantiles_leave_the_features_as_they_are() -> None:
    x = torch.randn(2, 4, requires_grad=True)
    assert not Spread(4, 1, LEVELS)(x).requires_grad or x.grad is None
    Spread(4, 1, LEVELS)(x).sum().backward()
    assert x.grad is None


def test_the_best_constant_by_the_pinball_loss_is_the_quantile() -> None:
    answers = torch.randn(999, generator=torch.Generator().manual_seed(0))
    tried = torch.linspace(-2, 2, 2001)
    losses = pinball(tried[:, None, None].expand(-1, 999, 3), answers.expand(2001, -1), torch.tensor(LEVELS)).mean(1)
    found = tried[losses.argmin(0)]
    torch.testing.assert_close(found, answers.quantile(torch.tensor(LEVELS)), atol=0.01, rtol=0)


def test_the_pinball_loss_written_out() -> None:
    loss = pinball(torch.tensor([[1.0, 3.0]]), torch.tensor([2.0]), torch.tensor([0.1, 0.9]))
    torch.testing.assert_close(loss, torch.tensor([[0.1 * 1, 0.1 * 1]]))
