"""Embeddings of the last few tokens together: what they look at, and what is left out in training."""

from __future__ import annotations

import pytest
import torch

from attentionflow.nn.recent import RecentTokens

TOKENS = torch.tensor([[5, 6, 7, 8, 5, 6, 7, 8], [9, 6, 7, 8, 5, 6, 7, 8]])


def recent(**settings: float) -> RecentTokens:
    torch.manual_seed(0)
    return RecentTokens(4, rows=1000, features=8, width=16, **settings)


def test_a_position_looks_at_the_last_tokens_alone() -> None:
    found = recent().eval()(TOKENS)
    assert found.shape == (2, 8, 16)
    torch.testing.assert_close(found[0, 4:], found[1, 4:])
    assert not torch.allclose(found[0, 3], found[1, 3]), "the first tokens are within reach of four"
    torch.testing.assert_close(found[0, 7], found[0, 3])


def test_runs_are_found_in_the_table_of_their_length() -> None:
    places = recent().places(TOKENS)
    assert places.shape == (2, 8, 3)
    for column in range(3):
        assert (places[..., column] // 1000 == column).all()
    assert (places[0, 0] != places[0, 4]).all(), "before the first token stands another than before the fifth"


def test_different_runs_seldom_share_a_row() -> None:
    tokens = torch.cartesian_prod(torch.arange(30), torch.arange(30))
    places = RecentTokens(2, rows=1 << 16, features=1, width=1).places(tokens)[:, 1, 0]
    assert len(places.unique()) > 0.98 * 900


def test_long_runs_are_left_out_at_a_share_of_the_positions_in_training() -> None:
    module = recent(shortened=0.6)
    tokens = torch.randint(100, (64, 200))
    whole = module.eval()(tokens)
    torch.manual_seed(1)
    short = module.train()(tokens)
    changed = (whole != short).any(-1).float().mean()
    assert 0.55 < float(changed) < 0.65
    bare = (short == module.out.bias).all(-1).float().mean()
    assert 0.15 < float(bare) < 0.25, "of those, a third keep no run at all"


def test_a_run_has_two_tokens_at_least() -> None:
    with pytest.raises(ValueError, match="at least two tokens"):
        RecentTokens(1, 10, 2, 2)
