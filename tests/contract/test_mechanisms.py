"""What every mechanism must do, and the parts around it against what they are defined by.

Letters: B batch, Q queries, K keys, H heads, D features, V vocabulary, N tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import getmembers, isclass, signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import attentionflow.nn
from attentionflow.attend import MANY_HYPOTHESES, Place, attend_cells
from attentionflow.nn import MECHANISMS, loss
from attentionflow.nn.additive import AdditiveAttention
from attentionflow.nn.attention_gate import AttentionGate
from attentionflow.nn.channel import ChannelAttention
from attentionflow.nn.copying import CopyAttention
from attentionflow.nn.coverage import CoverageAttention
from attentionflow.nn.distance import DistanceAttention
from attentionflow.nn.dot_product import CrossAttention, SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.duration import DurationAttention
from attentionflow.nn.hierarchical import HierarchicalAttention
from attentionflow.nn.label import LabelAttention
from attentionflow.nn.location import LocationAttention
from attentionflow.nn.loss import linear_cross_entropy
from attentionflow.nn.matching import Counterparts, GalleryAttention
from attentionflow.nn.multiplicative import MultiplicativeAttention
from attentionflow.nn.pooling import AttentionPooling
from attentionflow.nn.positions import LearnedPositions, RotaryPositions
from attentionflow.nn.spatial import SpatialAttention
from attentionflow.nn.target import TargetAttention
from attentionflow.nn.task import TaskAttention
from attentionflow.recorder import recording

B, Q, K, H, D = 2, 4, 5, 2, 8
MEMORY = 6  # features of a memory, where they may differ from the queries'


@dataclass(frozen=True)
class Case:
    """A small mechanism, and how it is run on queries x (B, Q, D), a memory (B, K, MEMORY) and a mask (B, K)."""

    build: Callable[[Place], nn.Module]
    run: Callable[[Any, Tensor, Tensor, Tensor | None], Tensor]
    heads: int
    own: bool = False  # whether the memory is x itself
    memory: int = MEMORY  # features of the memory
    gates: bool = False  # whether its weights are no distribution
    whole: bool = False  # whether it looks at a whole picture: one query, and never any padding
    single: bool = False  # whether its one query is its own


def _four(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else mask[:, None, None]


def _remembering(module: Any, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
    return module(x, memory, module.remember(memory), mask)


def _step_by_step(module: Any, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
    keys, weights, contexts = module.remember(memory), memory.new_zeros(memory.shape[:2]), []
    for step in range(x.shape[1]):
        context, weights = module(x[:, step], memory, keys, weights, mask, step)
        contexts.append(context)
    return torch.stack(contexts, dim=1)


def _in_groups(module: Any, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
    group = (torch.arange(memory.shape[1]) // 2).expand(memory.shape[:2])
    keys = module.remember(memory, memory[:, ::2])
    return module(x, memory, keys, group, None if mask is None else mask[:, None])


def _fine_and_coarse(memory: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of 2 x 2K places and, coarse, of 1 x K."""
    x = memory.transpose(1, 2)[:, :, None]
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3), torch.cat((x, x), dim=1)


def _covering(module: Any, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
    keys, coverage, contexts = module.remember(memory), memory.new_zeros(memory.shape[:2]), []
    for step in range(x.shape[1]):
        context, weights = module(x[:, step], memory, keys, coverage, mask, step)
        coverage = coverage + weights
        contexts.append(context)
    return torch.stack(contexts, dim=1)


def _copying(module: Any, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
    weights, writing = module(x, memory, module.remember(memory), mask)
    return torch.cat((weights @ memory, writing[..., None]), dim=-1)


def _pooling(place: Place) -> AttentionPooling:
    """One that is past its beginning, where all weights are alike."""
    made = AttentionPooling(MEMORY, H, place)
    nn.init.normal_(made.query)
    return made


def _labels(place: Place) -> LabelAttention:
    """One that is past its beginning, where all weights are alike."""
    made = LabelAttention(Q, MEMORY, 7, place)
    nn.init.normal_(made.query)
    return made


CASES = {
    "self-attention": Case(
        lambda place: SelfAttention(D, H, place), lambda module, x, _, mask: module(x, _four(mask)), H, own=True
    ),
    "cross-attention": Case(
        lambda place: CrossAttention(D, H, place, memory_width=MEMORY),
        lambda module, x, memory, mask: module(x, module.remember(memory), _four(mask)),
        H,
    ),
    "additive": Case(lambda place: AdditiveAttention(D, MEMORY, 7, place), _remembering, 1),
    "multiplicative": Case(lambda place: MultiplicativeAttention(D, MEMORY, place), _remembering, 1),
    "attention-gate": Case(
        lambda place: AttentionGate(MEMORY, 2 * MEMORY, 7, place),
        lambda module, x, memory, _: module(*_fine_and_coarse(memory)),
        1,
        gates=True,
        whole=True,
    ),
    "channel": Case(
        lambda place: ChannelAttention(K, place),
        lambda module, x, memory, _: module(memory.unflatten(-1, (2, 3))),
        1,
        gates=True,
        whole=True,
    ),
    "spatial": Case(
        SpatialAttention,
        lambda module, x, memory, _: module(memory.transpose(1, 2)[:, :, None]),
        1,
        gates=True,
        whole=True,
    ),
    "distance": Case(
        lambda place: DistanceAttention(D, MEMORY, 7, place),
        lambda module, x, memory, mask: (
            module(x, memory if mask is None else memory * mask[..., None], mask)[0] @ memory
        ),
        1,
    ),
    "duration": Case(
        lambda place: DurationAttention(MEMORY, place),
        lambda module, x, memory, mask: (
            module(memory, 1 + memory[..., 0].square(), torch.arange(x.shape[1]), mask) @ memory + 0 * x[..., :1]
        ),
        1,
    ),
    "location": Case(lambda place: LocationAttention(D, MEMORY, 7, place, channels=3, kernel=3), _step_by_step, 1),
    "pooling": Case(
        _pooling, lambda module, x, memory, mask: module(memory, mask)[:, None] + 0 * x[..., :1], H, single=True
    ),
    "label": Case(_labels, lambda module, x, memory, mask: module(memory, mask)[0][..., None] + 0 * x[..., :1], 1),
    "target": Case(
        lambda place: TargetAttention(D, 7, place),
        lambda module, x, memory, mask: module(x, memory, mask),
        1,
        memory=D,
        gates=True,
    ),
    "task": Case(
        lambda place: TaskAttention(MEMORY, 1, place),
        lambda module, x, memory, _: module(memory) + 0 * x[..., :1],
        1,
        gates=True,
        whole=True,
    ),
    "hierarchical": Case(lambda place: HierarchicalAttention(D, MEMORY, MEMORY, 7, place), _in_groups, 1),
    "copy": Case(lambda place: CopyAttention(D, MEMORY, place), _copying, 1),
    "coverage": Case(lambda place: CoverageAttention(D, MEMORY, 7, place), _covering, 1),
    "counterparts": Case(
        lambda place: Counterparts(D, 4, place),
        lambda module, x, memory, mask: module(module.describe(x), module.describe(memory), _four(mask)),
        1,
        memory=D,
    ),
    "gallery": Case(
        GalleryAttention,
        lambda module, x, memory, mask: module(
            x[..., :MEMORY] @ memory.transpose(1, 2) / 20, memory, None if mask is None else mask[:, None]
        ),
        1,
    ),
}

mechanisms = pytest.mark.parametrize("name", MECHANISMS)
padded_mechanisms = pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.whole])


def build(name: str) -> tuple[nn.Module, Tensor, Tensor]:
    """The mechanism with an input and a memory for it."""
    torch.manual_seed(0)
    case = CASES[name]
    place = Place("self", "x", "x") if case.own else Place("cross", "x", "memory", residual=False)
    x = torch.randn(B, K if case.own else 1 if case.whole or case.single else Q, D)
    return case.build(place), x, x if case.own else torch.randn(B, K, case.memory)


def padding() -> Tensor:
    return torch.tensor([[True] * K, [True] * (K - 2) + [False] * 2])


# The list


def test_every_class_with_a_place_is_a_mechanism_of_the_list() -> None:
    found = set()
    for path in Path(attentionflow.nn.__file__).parent.glob("*.py"):
        module = import_module(f"attentionflow.nn.{path.stem}".removesuffix(".__init__"))
        for name, kind in getmembers(module, isclass):
            if kind.__module__ == module.__name__ and "place" in signature(kind).parameters:
                found.add(f"{module.__name__}.{name}")
    assert found == set(MECHANISMS.values())


def test_every_mechanism_of_the_list_has_its_case_here() -> None:
    assert list(CASES) == list(MECHANISMS)
    for name, path in MECHANISMS.items():
        module, kind = path.rsplit(".", 1)
        assert type(build(name)[0]) is getattr(import_module(module), kind)


# The contract


@mechanisms
def test_it_leaves_one_site_at_its_place(name: str) -> None:
    module, x, memory = build(name)
    with recording(module) as heard:
        CASES[name].run(module, x, memory, padding())
    (site,) = heard.sites
    place = module.place
    assert (site.role, site.queries, site.keys, site.residual) == (
        place.role,
        place.queries,
        place.keys,
        place.residual,
    )
    assert site.weights.shape == (B, CASES[name].heads, x.shape[1], K)
    assert site.normalised != CASES[name].gates
    if site.normalised:
        np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-6)
    assert CASES[name].whole or (site.weights[1, :, :, K - 2 :] == 0).all()
    assert np.ptp(site.weights[0], axis=-1).min() > 1e-3  # a uniform distribution would tell nothing


@mechanisms
def test_recording_it_changes_neither_values_nor_gradients(name: str) -> None:
    module, x, memory = build(name)

    def run() -> tuple[Tensor, ...]:
        values = CASES[name].run(module, x, memory, padding())
        return values, *torch.autograd.grad(values.square().sum(), tuple(module.parameters()))

    unrecorded = run()
    with recording(module):
        recorded = run()
    assert all(torch.equal(a, b) for a, b in zip(recorded, unrecorded, strict=True))


@mechanisms
def test_its_gradients_are_those_of_its_values(name: str) -> None:
    module, x, memory = build(name)
    module.double()
    inputs = [x.double().requires_grad_()]
    if not CASES[name].own:
        inputs.append(memory.double().requires_grad_())
    assert torch.autograd.gradcheck(
        lambda *given: CASES[name].run(module, given[0], given[-1], padding()), inputs, fast_mode=True
    )


@padded_mechanisms
def test_padded_keys_change_nothing(name: str) -> None:
    module, x, memory = build(name)
    case = CASES[name]
    longer = torch.cat((memory, torch.randn(B, 3, memory.shape[-1]) * 10), 1)
    mask = torch.arange(K + 3).expand(B, -1) < K
    plain = case.run(module, x, memory, None)
    padded = case.run(module, longer if case.own else x, longer, mask)[:, : x.shape[1]]
    torch.testing.assert_close(padded, plain, atol=1e-6, rtol=1e-5)


@padded_mechanisms
def test_an_example_that_is_all_padding_harms_nobody(name: str) -> None:
    module, x, memory = build(name)
    mask = torch.tensor([[False] * K, [True] * K])
    x.requires_grad_()
    with recording(module) as heard:
        values = CASES[name].run(module, x, x if CASES[name].own else memory, mask)
    assert (heard.sites[0].weights[0] == 0).all()
    values.square().sum().backward()
    assert values.isfinite().all()
    assert all(p.grad.isfinite().all() for p in (x, *module.parameters()) if p.grad is not None)
    alone = CASES[name].run(module, x[1:], x[1:] if CASES[name].own else memory[1:], None)
    torch.testing.assert_close(values[1:], alone, atol=1e-6, rtol=1e-5)


def test_pooling_begins_with_the_mean() -> None:
    x = torch.randn(B, K, MEMORY)
    pool = AttentionPooling(MEMORY, H, Place("pool", "y", "x", residual=False))
    torch.testing.assert_close(pool(x), x.mean(1))
    torch.testing.assert_close(pool(x, padding())[1], x[1, : K - 2].mean(0))


# Dot product


def theirs_for(module: SelfAttention | CrossAttention) -> nn.MultiheadAttention:
    """PyTorch's own attention with the weights of ours; shared keys and values are repeated for each of their heads."""
    memory_width = D if isinstance(module, SelfAttention) else module.memory.in_features
    theirs = nn.MultiheadAttention(D, module.heads, batch_first=True, kdim=memory_width, vdim=memory_width)
    if isinstance(module, SelfAttention):
        widths = [heads * module.head_width for heads in (module.heads, module.groups, module.groups)]
        weights, biases = module.project.weight.split(widths), module.project.bias.split(widths)
    else:
        weights = module.query.weight, *module.memory.weight.chunk(2)
        biases = module.query.bias, *module.memory.bias.chunk(2)

    def for_all(part: Tensor) -> Tensor:
        heads = part.unflatten(0, (module.groups, -1))
        return heads.repeat_interleave(module.heads // module.groups, 0).flatten(0, 1)

    parts = [weights[0], for_all(weights[1]), for_all(weights[2])]
    with torch.no_grad():
        if theirs.in_proj_weight is None:
            for name, part in zip("qkv", parts, strict=True):
                getattr(theirs, f"{name}_proj_weight").copy_(part)
        else:
            theirs.in_proj_weight.copy_(torch.cat(parts))
        theirs.in_proj_bias.copy_(torch.cat([biases[0], for_all(biases[1]), for_all(biases[2])]))
        theirs.out_proj.load_state_dict(module.out.state_dict())
    return theirs


@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_is_pytorchs(groups: int, padded: bool, causal: bool) -> None:
    torch.manual_seed(1)
    module = SelfAttention(D, 4, Place("self", "x", "x"), groups=groups, causal=causal)
    nn.init.normal_(module.project.bias)
    theirs, mask = theirs_for(module), padding() if padded else None
    x, upstream = torch.randn(B, K, D, requires_grad=True), torch.randn(B, K, D)
    with recording(module) as heard:
        ours = module(x, _four(mask))
    expected, weights = theirs(
        x,
        x,
        x,
        key_padding_mask=None if mask is None else ~mask,
        attn_mask=torch.ones(K, K, dtype=torch.bool).triu(1) if causal else None,
        average_attn_weights=False,
    )
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(heard.sites[0].weights, weights.detach().numpy(), atol=1e-6)
    (gradient,) = torch.autograd.grad(ours, x, upstream, retain_graph=True)
    (expected_gradient,) = torch.autograd.grad(expected, x, upstream, retain_graph=True)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-5, rtol=1e-5)
    if groups == 4:
        torch.testing.assert_close(
            torch.autograd.grad(ours, module.project.weight, upstream),
            torch.autograd.grad(expected, theirs.in_proj_weight, upstream),
            atol=1e-5,
            rtol=1e-5,
        )


@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize("padded", [False, True])
def test_cross_attention_is_pytorchs(groups: int, padded: bool) -> None:
    torch.manual_seed(2)
    module = CrossAttention(D, 4, Place("cross", "x", "memory"), groups=groups, memory_width=MEMORY)
    nn.init.normal_(module.memory.bias)
    theirs, mask = theirs_for(module), padding() if padded else None
    x, memory = torch.randn(B, Q, D, requires_grad=True), torch.randn(B, K, MEMORY, requires_grad=True)
    upstream = torch.randn(B, Q, D)
    with recording(module) as heard:
        ours = module(x, module.remember(memory), _four(mask))
    expected, weights = theirs(
        x, memory, memory, key_padding_mask=None if mask is None else ~mask, average_attn_weights=False
    )
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(heard.sites[0].weights, weights.detach().numpy(), atol=1e-6)
    for gradient, expected_gradient in zip(
        torch.autograd.grad(ours, (x, memory), upstream),
        torch.autograd.grad(expected, (x, memory), upstream),
        strict=True,
    ):
        torch.testing.assert_close(gradient, expected_gradient, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("groups", [4, 2])
def test_step_by_step_is_one_causal_pass(rotary: bool, groups: int) -> None:
    torch.manual_seed(3)
    module = SelfAttention(D, 4, Place("self", "x", "x"), groups=groups, causal=True, rotary=rotary)
    x = torch.randn(B, 40, D)  # more positions than there is room for at first
    pool, rows = None, []
    for position in range(40):
        trail = torch.arange(position + 1) * B + torch.arange(B)[:, None]
        row, pool = module.step(x[:, position], pool, position * B, trail, position)
        rows.append(row)
    torch.testing.assert_close(torch.stack(rows, 1), module(x), atol=1e-6, rtol=1e-5)


def test_a_hypothesis_goes_back_to_its_own_cells() -> None:
    torch.manual_seed(3)
    module = SelfAttention(D, 4, Place("self", "x", "x"), causal=True, rotary=True)
    x = torch.randn(3, 2, D)  # (T, N, D)
    pool, row = None, torch.empty(0)
    trails = [[[0], [1]], [[1, 2], [0, 3]], [[0, 3, 4], [0, 3, 5]]]  # at the last step, both go on from the second
    for position, trail in enumerate(trails):
        row, pool = module.step(x[position], pool, 2 * position, torch.tensor(trail), position)
    for n, trail in enumerate(trails[-1]):
        alone = module(x.flatten(0, 1)[trail][None])[0, -1]
        torch.testing.assert_close(row[n], alone, atol=1e-6, rtol=1e-5)


@given(
    count=st.integers(1, 12),
    heads=st.sampled_from([(1, 1), (4, 4), (4, 2), (6, 1)]),
    width=st.sampled_from([1, 8, 31, 32]),
    cells=st.integers(1, 9),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_many_hypotheses_attend_as_few_do(
    count: int, heads: tuple[int, int], width: int, cells: int, seed: int
) -> None:
    """The compiled kernel beside the plain way: values, recorded weights, and zeros where there is no cell."""
    generator = torch.Generator().manual_seed(seed)
    queries, groups = heads
    q = torch.randn(count, queries, width, generator=generator) * 3
    keys, values = torch.randn(2, 20, groups, width, generator=generator)
    at = torch.randint(-1, 20, (count, cells), generator=generator)
    at[0] = -1
    module = SelfAttention(8, 1, Place("self", "x", "x"))

    def attended(times: int) -> tuple[Tensor, np.ndarray]:
        with torch.no_grad(), recording(module) as heard:
            found = attend_cells(module, q.repeat(times, 1, 1), keys, values, at.repeat(times, 1), 0)
        return found[:count], heard.sites[0].weights[:count]

    few, few_weights = attended(1)
    many, many_weights = attended(MANY_HYPOTHESES)
    torch.testing.assert_close(many, few, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(many_weights, few_weights, atol=1e-6)
    assert (many[0] == 0).all()
    assert (few[0] == 0).all()


def test_dropout_on_weights_is_for_training_alone() -> None:
    module = SelfAttention(D, H, Place("self", "x", "x"), dropout=0.5)
    x = torch.randn(B, K, D)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))


@pytest.mark.parametrize(("width", "heads", "groups"), [(8, 3, None), (8, 4, 3), (8, 2, 4)])
@pytest.mark.parametrize("kind", [SelfAttention, CrossAttention])
def test_heads_must_divide(kind: type[nn.Module], width: int, heads: int, groups: int | None) -> None:
    with pytest.raises(ValueError, match=f"width {width} must divide into {heads} heads"):
        kind(width, heads, Place("self", "x", "x"), groups=groups)


# Additive and multiplicative


def by_hand(module: nn.Module, q: Tensor, key: Tensor) -> Tensor:
    if isinstance(module, AdditiveAttention):
        return module.score.weight[0] @ torch.tanh(module.query.weight @ q + module.key.weight @ key + module.key.bias)
    return q @ module.key.weight @ key


@pytest.mark.parametrize("name", ["additive", "multiplicative"])
@pytest.mark.parametrize("padded", [False, True])
def test_scores_are_the_papers(name: str, padded: bool) -> None:
    module, x, memory = build(name)
    mask = padding() if padded else torch.ones(B, K, dtype=torch.bool)
    with recording(module) as heard:
        values = CASES[name].run(module, x, memory, mask if padded else None)
    for b in range(B):
        kept = memory[b][mask[b]]
        for row in range(Q):
            weights = torch.stack([by_hand(module, x[b, row], key) for key in kept]).softmax(-1)
            torch.testing.assert_close(values[b, row], weights @ kept, atol=1e-6, rtol=1e-5)
            recorded = heard.sites[0].weights[b, 0, row, : len(kept)]
            np.testing.assert_allclose(recorded, weights.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["additive", "multiplicative"])
def test_steps_are_the_rows_of_one_pass(name: str) -> None:
    module, x, memory = build(name)
    with recording(module) as whole:
        values = CASES[name].run(module, x, memory, padding())
    keys = module.remember(memory)
    with recording(module) as stepped:
        rows = [module(x[:, t : t + 1], memory, keys, padding(), step=t) for t in range(Q)]
    torch.testing.assert_close(torch.cat(rows, 1), values, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(stepped.sites[0].weights, whole.sites[0].weights, atol=1e-6)


# Location-aware attention


def test_where_it_looked_before_is_part_of_the_score() -> None:
    module, x, memory = build("location")
    with recording(module) as heard:
        CASES["location"].run(module, x, memory, padding())
    for b in range(B):
        kept = padding()[b]
        before = torch.zeros(K)
        for row in range(Q):
            scores = []
            for at, key in enumerate(memory[b]):
                seen = F.pad(before, (1, 1))[at : at + 3]
                located = module.location.weight @ (module.convolution.weight[:, 0] @ seen)
                inner = module.query.weight @ x[b, row] + module.key.weight @ key + module.key.bias + located
                scores.append(module.score.weight[0] @ torch.tanh(inner))
            before = torch.where(kept, torch.stack(scores), -torch.inf).softmax(-1)
            recorded = heard.sites[0].weights[b, 0, row]
            np.testing.assert_allclose(recorded, before.detach().numpy(), atol=1e-6)


def test_the_kernel_of_locations_is_odd() -> None:
    with pytest.raises(ValueError, match="must be odd"):
        LocationAttention(D, D, 4, Place("cross", "x", "memory"), kernel=4)


# Target attention


def test_gates_are_the_formula_for_every_pair() -> None:
    module, x, memory = build("target")
    nn.init.normal_(module.slope)
    with recording(module) as heard:
        found = module(x, memory, padding())
    for b, q, k in np.ndindex(B, Q, K):
        both = x[b, q] * memory[b, k]
        energy = module.query(x[b, q]) + module.key(memory[b, k]) + module.product @ both
        gate = module.score(F.prelu(energy[None], module.slope)).sigmoid() * padding()[b, k]
        assert heard.sites[0].weights[b, 0, q, k] == pytest.approx(gate.item(), abs=1e-6)
    gates = torch.from_numpy(heard.sites[0].weights[:, 0])
    torch.testing.assert_close(found, gates @ memory, atol=1e-6, rtol=1e-5)


def test_candidates_may_be_shared_and_may_look_at_a_part_of_the_history() -> None:
    module, x, memory = build("target")
    shared = module(x[:1], memory)
    torch.testing.assert_close(shared, module(x[:1].expand(B, -1, -1), memory), atol=1e-6, rtol=1e-5)
    past = torch.ones(Q, K, dtype=torch.bool).tril()
    whole = module(x, memory, past[None])
    for q in range(Q):
        alone = module(x[:, q : q + 1], memory[:, : q + 1])
        torch.testing.assert_close(whole[:, q : q + 1], alone, atol=1e-6, rtol=1e-5)


# Positions


def test_rotary_scores_depend_on_distances_alone() -> None:
    torch.manual_seed(4)
    rotary = RotaryPositions(D)
    q, k = torch.randn(D), torch.randn(D)

    def score(query_at: int, key_at: int) -> float:
        turned = [rotary(vector.view(1, 1, 1, D), at).flatten() for vector, at in ((q, query_at), (k, key_at))]
        return float(turned[0] @ turned[1])

    for distance in (-3, 0, 2, 11):
        scores = [score(at + distance, at) for at in (3, 5, 40, 200)]
        assert scores == pytest.approx([scores[0]] * 4, abs=1e-4)
    assert score(0, 0) == pytest.approx(float(q @ k), abs=1e-5)
    assert len({round(score(distance, 0), 3) for distance in range(8)}) == 8


def test_rotary_turns_pairs_by_the_papers_angles() -> None:
    x = torch.randn(1, 3, 1, D)
    turned = RotaryPositions(D)(x, start=2)
    for t in range(3):
        for pair in range(D // 2):
            angle = (2 + t) * 10_000 ** (-2 * pair / D)
            a, b = x[0, t, 0, 2 * pair : 2 * pair + 2].tolist()
            expected = [a * math.cos(angle) - b * math.sin(angle), a * math.sin(angle) + b * math.cos(angle)]
            assert turned[0, t, 0, 2 * pair : 2 * pair + 2].tolist() == pytest.approx(expected, abs=1e-5)


def test_rotary_keeps_the_dtype_and_needs_an_even_width() -> None:
    assert RotaryPositions(D)(torch.randn(1, 2, 1, D).bfloat16()).dtype == torch.bfloat16
    with pytest.raises(ValueError, match="even head width, got 5"):
        RotaryPositions(5)


def test_rotary_attention_does_not_care_where_a_text_begins() -> None:
    torch.manual_seed(5)
    module = SelfAttention(D, H, Place("self", "x", "x"), rotary=True)
    x = torch.randn(1, K, D)
    shifted = torch.cat((torch.randn(1, 3, D), x), 1)
    hidden = torch.arange(K + 3)[None, None, None] >= 3
    torch.testing.assert_close(module(shifted, hidden)[:, 3:], module(x), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(module(x.flip(1)).flip(1), module(x), atol=1e-3)


def test_learned_positions_add_their_vectors_and_end() -> None:
    positions = LearnedPositions(6, D)
    x = torch.randn(B, 4, D)
    torch.testing.assert_close(positions(x, 2) - x, positions.weight[2:6].expand(B, -1, -1))
    with pytest.raises(ValueError, match="position 7 is past the 6 learned"):
        positions(x, 3)


# Dropout


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.9])
def test_dropout_drops_at_its_rate_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(0)
    count, rate = 400_001, round(p * 256) / 256  # not a multiple of the eight that share a draw
    y = Dropout(p)(torch.ones(count))
    dropped = int((y == 0).sum())
    spread = math.sqrt(count * rate * (1 - rate))
    assert abs(dropped - count * rate) < 5 * spread
    assert y.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])
    assert abs(float(y.double().mean()) - 1) < 5 * spread / count / (1 - rate)


def test_elements_that_share_a_draw_drop_independently() -> None:
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(100_000, 8)) == 0).double()
    correlations = torch.corrcoef(dropped.T).fill_diagonal_(0)
    assert correlations.abs().max() < 5 / math.sqrt(100_000)


def test_dropout_follows_the_seed_of_torch() -> None:
    dropout, x = Dropout(0.4), torch.randn(3, 5, 7)

    def draw(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return dropout(x)

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    assert not torch.equal(dropout(x), dropout(x))


def test_dropout_outside_training_or_of_nothing_is_identity() -> None:
    x = torch.randn(5)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_dropout_passes_gradients_where_it_passed_values() -> None:
    x = torch.ones(50, 9, requires_grad=True)
    y = Dropout(0.3)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (3, 1, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_dropout_keeps_shape_and_dtype(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    y = Dropout(0.5)(torch.ones(shape, dtype=dtype))
    assert (y.shape, y.dtype) == (shape, dtype)


def test_dropout_takes_every_rate_below_one() -> None:
    assert Dropout(0.999)(torch.ones(4000)).isfinite().all()
    for p in (1.0, -0.1):
        with pytest.raises(ValueError, match=r"in \[0, 1\)"):
            Dropout(p)


# The loss


def random_tokens(n: int, v: int, seed: int, dtype: torch.dtype = torch.double) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n, 4, generator=generator, dtype=dtype).requires_grad_()
    weight = torch.randn(v, 4, generator=generator, dtype=dtype).requires_grad_()
    return hidden, weight, torch.randint(v, (n,), generator=generator)


def value_and_gradients(value: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
    return value, *torch.autograd.grad(value * 0.7, given)


@settings(max_examples=30)
@given(n=st.integers(0, 150), v=st.integers(1, 9), smoothing=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 99))
def test_the_loss_is_pytorchs(n: int, v: int, smoothing: float, seed: int) -> None:
    hidden, weight, targets = random_tokens(n, v, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss, "BLOCK_LOGITS", 1)  # blocks of 64 tokens
        ours = value_and_gradients(linear_cross_entropy(hidden, weight, targets, smoothing), hidden, weight)
    plain = F.cross_entropy(hidden @ weight.T, targets, reduction="sum", label_smoothing=smoothing)
    for found, expected in zip(ours, value_and_gradients(plain, hidden, weight), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_stays_finite_with_large_logits(smoothing: float) -> None:
    hidden, weight, targets = random_tokens(40, 7, 0, torch.float32)
    big = (hidden * 300).detach().requires_grad_()
    ours = value_and_gradients(linear_cross_entropy(big, weight, targets, smoothing), big, weight)
    plain = F.cross_entropy(big @ weight.T, targets, reduction="sum", label_smoothing=smoothing)
    for found, expected in zip(ours, value_and_gradients(plain, big, weight), strict=True):
        assert found.isfinite().all()
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-4)


def test_the_loss_without_gradients_is_the_same() -> None:
    hidden, weight, targets = random_tokens(10, 5, 0)
    with torch.no_grad():
        found = linear_cross_entropy(hidden, weight, targets, 0.1)
    torch.testing.assert_close(found, linear_cross_entropy(hidden, weight, targets, 0.1).detach())


def test_the_loss_in_mixed_precision_rounds_products_and_nothing_else() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(90, 32, generator=generator).requires_grad_()
    weight = (torch.randn(50, 32, generator=generator) / 4).requires_grad_()
    targets = torch.randint(50, (90,), generator=generator)
    exact = value_and_gradients(linear_cross_entropy(hidden, weight, targets, 0.1), hidden, weight)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = value_and_gradients(linear_cross_entropy(hidden, weight, targets, 0.1), hidden, weight)
    for found, expected in zip(rounded, exact, strict=True):
        assert found.dtype == torch.float32
        assert not torch.equal(found, expected)
        torch.testing.assert_close(found, expected, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("block", [1 << 9, 1 << 20])
def test_a_mixture_with_something_else_is_the_plain_one(
    smoothing: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Value and gradients of -log(g · softmax + c), where the vocabulary and, say, copying both give a target."""
    monkeypatch.setattr(loss, "BLOCK_LOGITS", block)
    torch.manual_seed(0)
    hidden, weight, written, copied = (
        torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((150, 6), (30, 6), (150,), (150,))
    )
    targets = torch.randint(30, (150,))

    def logs() -> tuple[Tensor, Tensor]:
        return F.logsigmoid(written), F.logsigmoid(-written) + F.logsigmoid(copied * 9)

    given = (hidden, weight, written, copied)
    ours = value_and_gradients(linear_cross_entropy(hidden, weight, targets, smoothing, logs()), *given)
    softmax = (hidden @ weight.T).log_softmax(-1)
    chance = logs()[0].exp() * softmax.exp().gather(1, targets[:, None])[:, 0] + logs()[1].exp()
    plain = -(1 - smoothing) * chance.log().sum() - smoothing * softmax.mean(1).sum()
    for found, expected in zip(ours, value_and_gradients(plain, *given), strict=True):
        torch.testing.assert_close(found, expected)
