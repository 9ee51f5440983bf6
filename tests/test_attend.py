"""The seam while nobody records: the fused kernel and nothing else; and the formula of the weights."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from plain_attention import MASKS, B, G, H, K, Q, may_look, plain_attention, plain_weights, some_heads
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from attentionflow.attend import Place, attend, causal_mask, dot_product_weights, gate, weigh

masks = pytest.mark.parametrize(("mask", "causal"), MASKS.values(), ids=MASKS)
grouped = pytest.mark.parametrize("groups", [H, G, 1])


class Mechanism(nn.Module):
    place = Place("self", "x", "x")


class Called(TorchFunctionMode):
    """Names of the torch functions that run; reading a shape is none."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function.__name__ != "__get__":
            self.names.append(function.__name__)
        return function(*args, **(kwargs or {}))


def nowhere(kind: str) -> Tensor:
    """A mask that leaves query 1 of example 0, and all queries of example 1 but the last, nowhere to look."""
    seen = torch.ones(B, 1, Q, K, dtype=torch.bool)
    seen[0, :, 1] = seen[1, :, :-1] = False
    return seen if kind == "bool" else torch.zeros(seen.shape).masked_fill(~seen, -math.inf)


@masks
@grouped
def test_not_recording_attend_is_the_fused_kernel_bit_for_bit(mask: Tensor | None, causal: bool, groups: int) -> None:
    q, k, v = some_heads(groups)
    merged = mask
    if causal and mask is not None:
        below = causal_mask(Q)
        merged = mask & below if mask.dtype == torch.bool else mask.expand(B, 1, Q, K).masked_fill(~below, -math.inf)
    fused = F.scaled_dot_product_attention(
        q, k, v, merged, is_causal=causal and mask is None, enable_gqa=groups != H, scale=0.3
    )
    assert torch.equal(attend(Mechanism(), q, k, v, mask=mask, causal=causal, scale=0.3), fused)


def test_not_recording_nothing_else_is_computed_or_kept() -> None:
    module, (q, k, v) = Mechanism(), some_heads()
    before = dict(vars(module))
    with Called() as called:
        attend(module, q, k, v, mask=MASKS["keys"][0])
    assert called.names == ["scaled_dot_product_attention"]
    assert vars(module) == before


@masks
@grouped
def test_attend_is_its_formula(mask: Tensor | None, causal: bool, groups: int) -> None:
    heads = some_heads(groups, requires_grad=True)
    upstream = torch.randn(B, H, Q, heads[0].shape[-1])
    found = attend(Mechanism(), *heads, mask=mask, causal=causal)
    expected = plain_attention(*heads, mask, causal)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    for ours, plain in zip(
        torch.autograd.grad(found, heads, upstream), torch.autograd.grad(expected, heads, upstream), strict=True
    ):
        torch.testing.assert_close(ours, plain, atol=2e-6, rtol=1e-6)


@grouped
@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_that_may_look_nowhere_gets_zeros_and_harms_no_gradient(kind: str, groups: int) -> None:
    heads = some_heads(groups, requires_grad=True)
    values = attend(Mechanism(), *heads, mask=nowhere(kind))
    assert values[0, :, 1].eq(0).all()
    assert values[1, :, :-1].eq(0).all()
    assert values[0, :, 0].ne(0).all()
    values.square().sum().backward()
    for tensor in heads:
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
    assert heads[0].grad[0, :, 1].eq(0).all()


def test_causal_attention_refuses_fewer_keys_than_queries() -> None:
    q, k, v = some_heads()
    with pytest.raises(ValueError, match="as many keys as queries, got 4 and 5"):
        attend(Mechanism(), q, k[:, :, 1:], v[:, :, 1:], causal=True)


# Where there are both, attend merges them before anyone asks for the weights.
@pytest.mark.parametrize("name", [name for name, (mask, causal) in MASKS.items() if mask is None or not causal])
def test_weights_are_a_plain_softmax(name: str) -> None:
    q, k, _ = some_heads()
    mask, causal = MASKS[name]
    weights = dot_product_weights(q, k, mask, causal, 0.7)
    torch.testing.assert_close(weights.double(), plain_weights(q, k, mask, causal, 0.7), atol=1e-6, rtol=0)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, Q))
    assert weights[~may_look(mask, causal)].eq(0).all()


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_weights_of_a_query_that_may_look_nowhere_are_zero(kind: str) -> None:
    q, k, _ = some_heads(requires_grad=True)
    weights = dot_product_weights(q, k, nowhere(kind), False, None)
    assert weights[0, :, 1].eq(0).all()
    assert weights[1, :, :-1].eq(0).all()
    (weights * torch.rand(K)).sum().backward()
    assert q.grad.isfinite().all()
    assert k.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_are_computed_in_float32_whatever_the_model_computes_in(dtype: torch.dtype) -> None:
    q, k = (tensor.to(dtype) for tensor in some_heads()[:2])
    with torch.autocast("cpu", torch.bfloat16):
        weights = dot_product_weights(q, k, None, False, None)
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights.double(), plain_weights(q, k), atol=1e-6, rtol=0)


def test_weigh_is_a_softmax_over_the_keys() -> None:
    scores = torch.randn(B, 1, Q, K) * 5
    assert torch.equal(weigh(Mechanism(), scores), scores.softmax(-1))
    mask = MASKS["keys"][0]
    weights = weigh(Mechanism(), scores, mask=mask)
    torch.testing.assert_close(weights, scores.masked_fill(~mask, -math.inf).softmax(-1))
    assert weights[~mask.expand(weights.shape)].eq(0).all()


def test_weigh_gives_zeros_where_a_query_may_look_nowhere() -> None:
    scores = torch.randn(B, 1, Q, K, dtype=torch.double, requires_grad=True)
    weights = weigh(Mechanism(), scores, mask=nowhere("bool"))
    assert weights[0, :, 1].eq(0).all()
    torch.testing.assert_close(weights[0, :, 0].sum(-1), torch.ones(1, dtype=torch.double))
    assert torch.autograd.gradcheck(lambda s: weigh(Mechanism(), s, mask=nowhere("bool")), scores)


def test_gate_returns_what_it_was_given() -> None:
    gates = torch.rand(B, 1, 1, 3)
    assert gate(Mechanism(), gates) is gates


def test_gates_are_closed_where_a_query_may_not_look() -> None:
    gates, mask = torch.rand(B, 1, Q, 3) + 0.1, torch.tensor([True, False, True])
    found = gate(Mechanism(), gates, mask=mask)
    assert torch.equal(found, gates * mask)


def test_under_autocast_a_cpu_attends_in_float32() -> None:
    q, k, v = (tensor.bfloat16() for tensor in some_heads())
    with torch.autocast("cpu", torch.bfloat16):
        values = attend(Mechanism(), q, k, v)
    assert values.dtype == torch.float32
    torch.testing.assert_close(values, attend(Mechanism(), q.float(), k.float(), v.float()))
