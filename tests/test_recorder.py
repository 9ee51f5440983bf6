"""Recording: what is kept, that it is right, that it changes nothing, and what is said where something is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
import torch
from plain_attention import MASKS, B, H, K, Q, may_look, plain_weights
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from attentionflow import attend as attend_module
from attentionflow import recorder as recorder_module
from attentionflow.attend import Place, attend, gate, listener, unheard, weigh
from attentionflow.errors import UserError
from attentionflow.recorder import NothingRecordedError, RecordingTooLargeError, recording
from attentionflow.records import Axis

WIDTH = 12
KEPT = MASKS["keys"][0][:, 0, 0]  # (B, K): the second example is padded

masks = pytest.mark.parametrize(("mask", "causal"), MASKS.values(), ids=MASKS)


class Dot(nn.Module):
    """Multi-head attention whose queries, keys and values can be looked at afterwards."""

    def __init__(self, place: Place, groups: int = H, **options: Any) -> None:
        super().__init__()
        self.place, self.groups, self.options = place, groups, options
        self.project = nn.ModuleList(nn.Linear(WIDTH, heads * 3) for heads in (H, groups, groups))
        self.core: Callable[..., Tensor] = attend

    def forward(self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        inputs = (x, *(x if memory is None else memory,) * 2)
        self.heads = [
            project(given).unflatten(-1, (-1, 3)).transpose(1, 2)
            for project, given in zip(self.project, inputs, strict=True)
        ]
        return self.core(self, *self.heads, mask=mask, **self.options).transpose(1, 2).flatten(2)

    def plain_weights(self, mask: Tensor | None = None, causal: bool = False) -> np.ndarray:
        return plain_weights(*self.heads[:2], mask, causal).detach().numpy()


class Stepping(nn.Module):
    """A decoder that asks for the weights of one query after another."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.key = place, nn.Linear(WIDTH, WIDTH)

    def forward(self, y: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        rows = []
        for step in range(y.shape[1]):
            scores = (y[:, step : step + 1] @ self.key(memory).transpose(1, 2))[:, None]
            weights = weigh(self, scores, mask=None if mask is None else mask[:, None, None], step=step)
            rows.append(weights[:, 0] @ memory)
        return torch.cat(rows, 1)


class Gating(nn.Module):
    place = Place("gate", "summary", "feature", residual=False)

    def forward(self, y: Tensor) -> Tensor:
        return y * gate(self, y.mean(1).sigmoid()[:, None, None])[:, 0]


class Toy(nn.Module):
    """Every kind of site: x to itself twice, y to itself and to x twice, a stepping mechanism and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(Dot(Place("self", "x", "x")) for _ in range(2))
        self.decoder = nn.ModuleList(
            nn.ModuleDict(
                {"own": Dot(Place("self", "y", "y"), causal=True), "cross": Dot(Place("cross", "y", "x"), groups=2)}
            )
            for _ in range(2)
        )
        self.stepping = Stepping(Place("cross", "y", "x", residual=False))
        self.gating = Gating()

    def forward(self, x: Tensor, y: Tensor, kept: Tensor | None = None) -> Tensor:
        mask = None if kept is None else kept[:, None, None]
        for layer in self.encoder:
            x = x + layer(x, mask=mask)
        for layer in self.decoder:
            y = y + layer["own"](y)
            y = y + layer["cross"](y, x, mask)
        return self.gating(y + self.stepping(y, x, kept))


NAMES = [
    "encoder.0",
    "encoder.1",
    "decoder.0.own",
    "decoder.0.cross",
    "decoder.1.own",
    "decoder.1.cross",
    "stepping",
    "gating",
]
T = 3  # length of y


@pytest.fixture
def toy() -> Toy:
    torch.manual_seed(0)
    return Toy().eval()


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(B, K, WIDTH, generator=generator), torch.randn(B, T, WIDTH, generator=generator), KEPT


def dot(groups: int = H, **options: Any) -> Dot:
    torch.manual_seed(0)
    return Dot(Place("self", "x", "x"), groups, **options)


def some_x() -> Tensor:
    return torch.randn(B, Q, WIDTH, generator=torch.Generator().manual_seed(2))


def gradients_of(model: nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters())))


class Spy:
    """Notes the shape of every piece of weights that the recorder computes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shapes: list[tuple[int, ...]] = []
        whole, blocks = recorder_module.dot_product_weights, recorder_module.weight_blocks

        def spied(*given: Any) -> Tensor:
            weights = whole(*given)
            self.shapes.append(tuple(weights.shape))
            return weights

        def spied_blocks(*given: Any, **choices: Any) -> Iterator[Any]:
            for at, weights in blocks(*given, **choices):
                self.shapes.append(tuple(weights.shape))
                yield at, weights

        monkeypatch.setattr(recorder_module, "dot_product_weights", spied)
        monkeypatch.setattr(recorder_module, "weight_blocks", spied_blocks)


# What a recording leaves unchanged


@masks
@pytest.mark.parametrize("groups", [H, 2, 1])
@pytest.mark.parametrize("gradients", [False, True])
def test_recording_leaves_values_as_they_are(mask: Tensor | None, causal: bool, groups: int, gradients: bool) -> None:
    module, x = dot(groups, causal=causal), some_x()
    unrecorded = module(x, mask=mask)
    with recording(module, gradients=gradients) as heard:
        recorded = module(x, mask=mask)
        if gradients:
            heard.differentiate(recorded.sum())
    assert torch.equal(recorded, unrecorded)


def test_recording_leaves_a_models_values_and_gradients_as_they_are(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    unrecorded = toy(*inputs)
    with recording(toy):
        recorded = toy(*inputs)
    assert torch.equal(recorded, unrecorded)
    pairs = zip(gradients_of(toy, recorded.square().sum()), gradients_of(toy, unrecorded.square().sum()), strict=True)
    assert all(torch.equal(with_, without) for with_, without in pairs)


def test_recording_draws_no_random_numbers() -> None:
    module, x = dot(dropout=0.5), some_x()
    torch.manual_seed(5)
    unrecorded = module(x), torch.rand(3)
    torch.manual_seed(5)
    with recording(module):
        recorded = module(x), torch.rand(3)
    assert all(torch.equal(a, b) for a, b in zip(recorded, unrecorded, strict=True))


def test_listening_ends_with_the_block(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy) as heard:
        assert listener.get() is heard
        toy(*inputs)
    assert listener.get() is None
    toy(*inputs)
    assert [site.name for site in heard.sites] == NAMES


def test_an_error_inside_the_block_comes_out_and_listening_ends(toy: Toy) -> None:
    with pytest.raises(ZeroDivisionError), recording(toy):
        raise ZeroDivisionError
    assert listener.get() is None


# The weights


@masks
@pytest.mark.parametrize("groups", [H, 2, 1])
def test_weights_are_a_plain_softmax(mask: Tensor | None, causal: bool, groups: int) -> None:
    module = dot(groups, causal=causal)
    with recording(module) as heard:
        module(some_x(), mask=mask)
    (site,) = heard.sites
    assert site.weights.dtype == np.float32
    assert site.weights.shape == (B, H, Q, K)
    np.testing.assert_allclose(site.weights, module.plain_weights(mask, causal), atol=1e-6)
    np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-6)
    assert (site.weights[~may_look(mask, causal).numpy()] == 0).all()


@pytest.mark.parametrize("gradients", [False, True])
def test_a_query_that_may_look_nowhere_has_a_row_of_zeros(gradients: bool) -> None:
    module, x = dot(), some_x().requires_grad_()
    mask = torch.ones(B, 1, Q, K, dtype=torch.bool)
    mask[0, :, 2] = False
    with recording(module, gradients=gradients) as heard:
        values = module(x, mask=mask)
        loss = values.square().sum()
        (gradient,) = torch.autograd.grad(loss, x, retain_graph=True)
        if gradients:
            heard.differentiate(loss)
    (site,) = heard.sites
    assert (site.weights[0, :, 2] == 0).all()
    np.testing.assert_allclose(site.weights.sum(-1)[1], 1, atol=1e-6)
    assert values[0, 2].eq(0).all()
    assert gradient.isfinite().all()
    assert site.gradients is None or np.isfinite(site.gradients).all()


def test_weights_are_those_before_dropout() -> None:
    module = dot(dropout=0.5)
    with recording(module) as heard:
        module(some_x())
    np.testing.assert_allclose(heard.sites[0].weights, module.plain_weights(), atol=1e-6)


def test_a_scale_of_its_own_is_used() -> None:
    module = dot(scale=2.0)
    with recording(module) as heard:
        module(some_x())
    expected = plain_weights(*module.heads[:2], scale=2.0).detach().numpy()
    np.testing.assert_allclose(heard.sites[0].weights, expected, atol=1e-6)


@masks
@pytest.mark.parametrize("groups", [H, 2])
@pytest.mark.parametrize(
    "choices", [{}, {"heads": [3, 1], "rows": [0, 2, 4]}, {"heads": "mean"}, {"heads": "mean", "rows": [1, 4]}], ids=str
)
def test_blocks_give_what_one_piece_gives(
    monkeypatch: pytest.MonkeyPatch, mask: Tensor | None, causal: bool, groups: int, choices: dict[str, Any]
) -> None:
    module, x = dot(groups, causal=causal), some_x()

    def record() -> np.ndarray:
        with recording(module, **choices) as heard:
            module(x, mask=mask)
        return heard.sites[0].weights

    whole = record()
    for scores in (1, 2 * K, H * K):  # one row of one head, two rows, one row of all heads
        monkeypatch.setattr(attend_module, "BLOCK_SCORES", scores)
        spy = Spy(monkeypatch)
        np.testing.assert_allclose(record(), whole, atol=1e-7)
        assert len(spy.shapes) > 1
        assert all(math.prod(shape) <= max(scores, K * H // groups) for shape in spy.shapes)


class Largest(TorchDispatchMode):
    """Bytes of the largest tensor that is made; views of those that were there are none."""

    def __init__(self, *there: Tensor) -> None:
        super().__init__()
        self.nbytes, self.there = 0, {tensor.untyped_storage().data_ptr() for tensor in there}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        if isinstance(output, Tensor) and output.untyped_storage().data_ptr() not in self.there:
            self.nbytes = max(self.nbytes, output.untyped_storage().nbytes())
        return output


@pytest.mark.parametrize(("mask", "causal"), [(None, False), (None, True), (torch.ones(1, 1, 64, 64).bool(), False)])
@pytest.mark.parametrize("choices", [{"heads": "mean"}, {"heads": [1]}, {"rows": range(8)}], ids=str)
def test_neither_all_weights_nor_repeated_keys_are_ever_held(
    monkeypatch: pytest.MonkeyPatch, mask: Tensor | None, causal: bool, choices: dict[str, Any]
) -> None:
    heads, length, width = 4, 64, 48
    monkeypatch.setattr(attend_module, "BLOCK_SCORES", heads * length)
    q, k = torch.randn(1, heads, length, width), torch.randn(1, 1, length, width)
    module, of = dot(), {"mask": mask, "causal": causal, "scale": None, "dropout": 0.0, "fold": None}
    with recording(module, **choices) as heard, Largest(q, k, *([] if mask is None else [mask])) as largest:
        heard.hear_attend(module, q, k, k, **of, values=q)
    assert largest.nbytes <= heard.sites[0].weights.nbytes < 4 * heads * k.numel()


def test_half_precision_models_are_recorded_in_float32() -> None:
    module = dot().bfloat16()
    with recording(module, gradients=True) as heard:
        heard.differentiate(module(some_x().bfloat16()).sum())
    (site,) = heard.sites
    assert site.weights.dtype == site.gradients.dtype == np.float32
    np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-6)


# Sites


def test_sites_say_what_they_are(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy) as heard:
        toy(*inputs)
    sites = {site.name: site for site in heard.sites}
    assert list(sites) == NAMES
    assert [site.order for site in heard.sites] == list(range(len(NAMES)))
    described = {name: (s.role, s.queries, s.keys, s.layer, s.residual, s.normalised) for name, s in sites.items()}
    assert described == {
        "encoder.0": ("self", "x", "x", 0, True, True),
        "encoder.1": ("self", "x", "x", 1, True, True),
        "decoder.0.own": ("self", "y", "y", 0, True, True),
        "decoder.0.cross": ("cross", "y", "x", 0, True, True),
        "decoder.1.own": ("self", "y", "y", 1, True, True),
        "decoder.1.cross": ("cross", "y", "x", 1, True, True),
        "stepping": ("cross", "y", "x", 2, False, True),
        "gating": ("gate", "summary", "feature", 0, False, False),
    }
    assert sites["decoder.0.cross"].weights.shape == (B, H, T, K)
    assert sites["decoder.0.cross"].heads == tuple(range(H))
    np.testing.assert_allclose(sites["decoder.0.cross"].weights[1, :, :, 3:], 0)


def test_steps_are_the_rows_of_one_site(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    caught: list[Tensor] = []
    toy.stepping.register_forward_pre_hook(lambda _, given: caught.extend(given[:2]))
    with recording(toy, sites="stepping") as heard:
        toy(*inputs)
    y, memory = caught
    scores = (y @ toy.stepping.key(memory).transpose(1, 2)).masked_fill(~KEPT[:, None], -math.inf)
    np.testing.assert_allclose(heard.sites[0].weights[:, 0], scores.softmax(-1).detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("gradients", [False, True])
def test_rows_choose_among_steps_and_queries(toy: Toy, inputs: tuple[Tensor, ...], gradients: bool) -> None:
    def record(rows: list[int] | None) -> dict[str, Any]:
        with recording(toy, roles=["cross"], rows=rows, gradients=gradients) as heard:
            loss = toy(*inputs).square().sum()
            if gradients:
                heard.differentiate(loss)
        return {site.name: site for site in heard.sites}

    every, chosen = record(None), record([2, 0, 2])
    for name, site in every.items():
        assert site.rows is None
        assert chosen[name].rows == (0, 2)
        np.testing.assert_array_equal(chosen[name].weights, site.weights[:, :, [0, 2]])
        if gradients:
            np.testing.assert_array_equal(chosen[name].gradients, site.gradients[:, :, [0, 2]])


def test_a_module_that_runs_twice_is_two_sites(inputs: tuple[Tensor, ...]) -> None:
    module = dot()
    model = nn.ModuleDict({"once": module, "again": module})
    first, second = some_x(), some_x() * 2
    with recording(model) as heard:
        for x in (first, second):
            model["again"](x)
    assert [(site.name, site.layer) for site in heard.sites] == [("once", 0), ("once#1", 1)]
    np.testing.assert_allclose(heard.sites[1].weights, module.plain_weights(), atol=1e-6)
    assert not np.allclose(heard.sites[0].weights, heard.sites[1].weights, atol=1e-3)


def test_a_stepping_module_that_runs_twice_is_two_sites(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy, sites="stepping*") as heard:
        for _ in range(2):
            toy(*inputs)
    assert [(site.name, site.weights.shape[2]) for site in heard.sites] == [("stepping", T), ("stepping#1", T)]
    np.testing.assert_array_equal(heard.sites[0].weights, heard.sites[1].weights)


def test_a_gate_is_kept_as_it_is(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    caught: list[Tensor] = []
    toy.gating.register_forward_pre_hook(lambda _, given: caught.extend(given))
    with recording(toy, roles=["gate"]) as heard:
        toy(*inputs)
    (site,) = heard.sites
    assert not site.normalised
    np.testing.assert_array_equal(site.weights[:, 0, 0], caught[0].mean(1).sigmoid().detach().numpy())


def test_what_is_tried_unheard_is_not_recorded(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy) as heard:
        with unheard():
            toy(*inputs)
        toy(*inputs)
    with recording(toy) as alone:
        toy(*inputs)
    assert [site.name for site in heard.sites] == [site.name for site in alone.sites]


# Choosing


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"sites": "encoder.*"}, NAMES[:2]),
        ({"sites": ["decoder.*.cross", "gating"]}, ["decoder.0.cross", "decoder.1.cross", "gating"]),
        ({"sites": "decoder.0.own"}, ["decoder.0.own"]),
        ({"roles": ["self"]}, ["encoder.0", "encoder.1", "decoder.0.own", "decoder.1.own"]),
        ({"roles": ["gate", "cross"]}, ["decoder.0.cross", "decoder.1.cross", "stepping", "gating"]),
        ({"layers": [0]}, ["encoder.0", "decoder.0.own", "decoder.0.cross", "gating"]),
        ({"layers": [-1]}, ["encoder.1", "decoder.1.own", "stepping", "gating"]),
        (
            {"layers": [2, -2], "roles": ["self", "cross"]},
            ["encoder.0", "decoder.0.own", "decoder.1.cross", "stepping"],
        ),
        ({"sites": "decoder.*", "roles": ["cross"], "layers": [1]}, ["decoder.1.cross"]),
    ],
    ids=str,
)
def test_choosing_sites_roles_and_layers(
    toy: Toy, inputs: tuple[Tensor, ...], choice: dict[str, Any], names: list[str]
) -> None:
    with recording(toy) as whole:
        toy(*inputs)
    with recording(toy, **choice) as chosen:
        toy(*inputs)
    assert [site.name for site in chosen.sites] == names
    every = {site.name: site for site in whole.sites}
    for site in chosen.sites:
        assert site.layer == every[site.name].layer
        np.testing.assert_array_equal(site.weights, every[site.name].weights)


@pytest.mark.parametrize(
    ("heads", "kept", "choose"),
    [
        ("all", (0, 1, 2, 3), lambda array: array),
        ("mean", "mean", lambda array: array.mean(1, keepdims=True)),
        ([2, 0], (2, 0), lambda array: array[:, [2, 0]]),
    ],
    ids=["all", "mean", "some"],
)
def test_choosing_heads(heads: Any, kept: Any, choose: Callable[[np.ndarray], np.ndarray]) -> None:
    module = dot(groups=2)

    def record(**choice: Any) -> Any:
        with recording(module, gradients=True, value_norms=True, **choice) as heard:
            heard.differentiate(module(some_x()).square().sum())
        return heard.sites[0]

    every, chosen = record(), record(heads=heads)
    assert chosen.heads == kept
    for name in ("weights", "gradients", "value_norms"):
        np.testing.assert_allclose(getattr(chosen, name), choose(getattr(every, name)), atol=1e-6)


def test_a_head_that_is_not_there_is_named() -> None:
    module = dot()
    with pytest.raises(UserError, match="head 4 was asked for, but Dot has heads 0 to 3"), recording(module, heads=[4]):
        module(some_x())


@pytest.mark.parametrize("choice", [{"rows": [-1]}, {"heads": [0, -1]}])
def test_rows_and_heads_count_from_zero(choice: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="count from 0"), recording(dot(), **choice):
        pass


def test_choosing_rows_keeps_those_that_a_site_has(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy, rows=np.array([1, 4]), roles=["self", "cross"]) as heard:
        toy(*inputs)
    for site in heard.sites:
        assert site.rows == ((1, 4) if site.queries == "x" else (1,))
        assert site.weights.shape[2] == len(site.rows)
    record = heard.record()
    assert record.present["y"].shape == (B, T)
    assert record.example(0)["encoder.0"].rows == (1, 4)


def test_rows_past_the_end_of_every_site_are_nothing_recorded() -> None:
    module = dot()
    with pytest.raises(NothingRecordedError, match="rows 9"), recording(module, rows=[9]):
        module(some_x())


def test_half_precision_is_half_the_memory(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy, value_norms=True) as full:
        toy(*inputs)
    with recording(toy, dtype="float16", value_norms=True) as half:
        toy(*inputs)
    assert half.record().nbytes * 2 == full.record().nbytes
    for small, large in zip(half.sites, full.sites, strict=True):
        assert small.weights.dtype == np.float16
        np.testing.assert_allclose(small.weights, large.weights, atol=1e-3)


def test_value_norms_are_those_of_every_heads_values() -> None:
    module = dot(groups=2)
    with recording(module, value_norms=True) as heard:
        module(some_x())
    expected = module.heads[2].repeat_interleave(2, 1).norm(dim=-1).detach().numpy()
    np.testing.assert_allclose(heard.sites[0].value_norms, expected, rtol=1e-6)
    with recording(module) as heard:
        module(some_x())
    assert heard.sites[0].value_norms is None


# The budget


SCORES = B * H * Q * K


@pytest.mark.parametrize(
    ("choice", "fits", "too_small"),
    [
        ({}, 4 * SCORES, 4 * SCORES - 1),
        ({"dtype": "float16"}, 2 * SCORES, 2 * SCORES - 1),
        ({"heads": "mean"}, 4 * SCORES // H, 4 * SCORES // H - 1),
        ({"heads": [1], "rows": [0, 3]}, 8 * B * K, 8 * B * K - 1),
    ],
    ids=str,
)
def test_more_than_the_budget_is_refused_before_it_is_computed(
    monkeypatch: pytest.MonkeyPatch, choice: dict[str, Any], fits: int, too_small: int
) -> None:
    module, spy = dot(), Spy(monkeypatch)
    with pytest.raises(RecordingTooLargeError, match="budget"), recording(module, budget=too_small, **choice):
        module(some_x())
    assert spy.shapes == []
    with recording(module, budget=fits, **choice) as heard:
        module(some_x())
    assert heard.record().nbytes == fits


def test_weights_with_gradients_are_refused_before_they_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    module, spy = dot(), Spy(monkeypatch)
    with pytest.raises(RecordingTooLargeError), recording(module, budget=4 * SCORES - 1, gradients=True):
        module(some_x())
    assert spy.shapes == []


def test_the_budget_is_of_all_sites_together(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy) as heard:
        toy(*inputs)
    held = heard.record().nbytes
    with recording(toy, budget=held):
        toy(*inputs)
    with pytest.raises(RecordingTooLargeError), recording(toy, budget=held - 1):
        toy(*inputs)
    assert listener.get() is None


@pytest.mark.parametrize(
    "choices", [{}, {"heads": "mean", "rows": [0, 2]}, {"dtype": "float16", "value_norms": True}], ids=str
)
def test_a_dry_recording_counts_the_bytes_and_computes_nothing(
    monkeypatch: pytest.MonkeyPatch, choices: dict[str, Any]
) -> None:
    module, x = nn.ModuleList([dot(), dot(groups=2)]), some_x()
    with recording(module, **choices) as heard:
        expected = [part(x) for part in module]
    spy = Spy(monkeypatch)
    with recording(module, dry=True, budget=0, **choices) as dry:
        assert all(torch.equal(part(x), values) for part, values in zip(module, expected, strict=True))
    assert dry.nbytes == heard.nbytes == heard.record().nbytes
    assert spy.shapes == []
    assert dry.sites == ()


def test_a_dry_recording_counts_what_gradients_hold() -> None:
    module = dot()
    with recording(module, dry=True, gradients=True, heads="mean") as dry:
        dry.differentiate(module(some_x()).sum())
    assert dry.nbytes == 4 * SCORES + 2 * 4 * SCORES // H  # the graph's, and what is kept of weights and gradients


# Gradients


def plain_core(module: Dot, q: Tensor, k: Tensor, v: Tensor, *, mask: Tensor | None, causal: bool = False) -> Tensor:
    """Attention through weights that autograd itself differentiates."""
    module.weights = plain_weights(q, k, mask, causal)
    module.weights.retain_grad()
    return (module.weights @ v.double().repeat_interleave(H // v.shape[1], 1)).to(q.dtype)


def test_gradients_are_those_of_the_explicit_formula(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy, gradients=True) as heard:
        loss = toy(*inputs).square().mean()
        ours = torch.autograd.grad(loss, list(toy.parameters()), retain_graph=True)
        heard.differentiate(loss)
    mechanisms = {name: module for name, module in toy.named_modules() if isinstance(module, Dot)}
    for module in mechanisms.values():
        module.core = plain_core
    toy(*inputs).square().mean().backward()
    for gradient, parameter in zip(ours, toy.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, atol=1e-6, rtol=1e-6)
    record = heard.record()
    for name, module in mechanisms.items():
        np.testing.assert_allclose(record[name].gradients, module.weights.grad.numpy(), atol=1e-6)
        assert np.abs(record[name].gradients).max() > 1e-4


@masks
@pytest.mark.parametrize("groups", [H, 2])
def test_gradients_by_the_weights_under_every_mask(mask: Tensor | None, causal: bool, groups: int) -> None:
    module, x = dot(groups, causal=causal), some_x()
    with recording(module, gradients=True) as heard:
        heard.differentiate(module(x, mask=mask).square().sum())
    module.core = plain_core
    module(x, mask=mask).square().sum().backward()
    np.testing.assert_allclose(heard.sites[0].gradients, module.weights.grad.numpy(), atol=1e-5)


def test_gradients_by_the_weights_of_steps_and_gates(
    toy: Toy, inputs: tuple[Tensor, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording(toy, gradients=True, sites=["stepping", "gating"]) as heard:
        heard.differentiate(toy(*inputs).square().sum())
    passed: dict[str, list[Tensor]] = {"weigh": [], "gate": []}

    def kept(real: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(*given: Any, **options: Any) -> Tensor:
            weights = real(*given, **options)
            weights.retain_grad()
            passed[real.__name__].append(weights)
            return weights

        return call

    for real in (weigh, gate):
        monkeypatch.setitem(globals(), real.__name__, kept(real))
    toy(*inputs).square().sum().backward()
    for site, weights in zip(heard.sites, passed.values(), strict=True):
        np.testing.assert_allclose(site.gradients, torch.cat([w.grad for w in weights], 2).numpy(), rtol=1e-4)
        assert np.abs(site.gradients).max() > 1e-3


def test_frozen_parameters_are_no_hindrance(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    def gradients() -> list[np.ndarray]:
        with recording(toy, gradients=True) as heard:
            heard.differentiate(toy(*inputs).square().sum())
        return [site.gradients for site in heard.sites]

    trainable = gradients()
    toy.requires_grad_(False)
    for frozen, expected in zip(gradients(), trainable, strict=True):
        np.testing.assert_allclose(frozen, expected, atol=1e-6)


def test_a_site_beside_the_target_has_gradient_zero() -> None:
    model = nn.ModuleList([dot(), dot()])
    with recording(model, gradients=True) as heard:
        used, _unused = (module(some_x()) for module in model)
        heard.differentiate(used.square().sum())
    assert np.abs(heard.sites[0].gradients).max() > 0
    assert (heard.sites[1].gradients == 0).all()
    assert heard.sites[1].gradients.shape == heard.sites[1].weights.shape


def test_gradients_that_were_never_computed_are_missed() -> None:
    module = dot()
    with pytest.raises(UserError, match=r"call differentiate\(score\) inside"), recording(module, gradients=True):
        module(some_x())


def test_differentiating_needs_a_recording_with_gradients() -> None:
    module = dot()
    with pytest.raises(UserError, match="gradients=True"), recording(module) as heard:
        heard.differentiate(module(some_x()).sum())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("build", [dot, lambda: Stepping(Place("cross", "x", "x"))], ids=["attend", "weigh"])
def test_gradients_need_a_graph(mode: Callable[[], Any], build: Callable[[], nn.Module]) -> None:
    module = build()
    with pytest.raises(UserError, match="no_grad"), recording(module, gradients=True), mode():
        module(some_x(), some_x())


def test_gradients_need_weights_without_dropout() -> None:
    module = dot(dropout=0.5)
    with pytest.raises(UserError, match="eval mode"), recording(module, gradients=True):
        module(some_x())


# Where something is missing


def test_an_empty_recording_names_what_ran(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with pytest.raises(NothingRecordedError) as error, recording(toy, sites="decoder.*.croos"):
        toy(*inputs)
    assert "'decoder.*.croos'" in str(error.value)
    assert ", ".join(NAMES) in str(error.value)
    assert listener.get() is None


def test_a_recording_of_nothing_says_so(toy: Toy) -> None:
    with pytest.raises(NothingRecordedError, match="called no mechanism"), recording(toy):
        pass


def test_a_pattern_that_matches_nothing_is_missed_even_beside_one_that_does(
    toy: Toy, inputs: tuple[Tensor, ...]
) -> None:
    with (
        pytest.raises(NothingRecordedError, match=r"for 'encodr\.\*' \("),
        recording(toy, sites=["encodr.*", "gating"]),
    ):
        toy(*inputs)


@pytest.mark.parametrize("choice", [{"roles": ["pool"]}, {"layers": [7]}, {"sites": "decoder*", "roles": ["gate"]}])
def test_choices_that_leave_nothing_are_nothing_recorded(
    toy: Toy, inputs: tuple[Tensor, ...], choice: dict[str, Any]
) -> None:
    with pytest.raises(NothingRecordedError), recording(toy, **choice):
        toy(*inputs)


def test_nothing_recorded_is_said_even_where_gradients_were_asked_for() -> None:
    module = dot()
    with pytest.raises(NothingRecordedError, match="'typo'"), recording(module, sites="typo", gradients=True) as heard:
        heard.differentiate(module(some_x()).sum())


# Several recordings


def test_another_model_is_not_recorded(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    other = dot()
    with recording(toy) as heard:
        other(some_x())
        toy(*inputs)
        other(some_x())
    assert [site.name for site in heard.sites] == NAMES


def test_the_inner_of_two_recordings_hears_and_then_the_outer_again() -> None:
    model, x = nn.ModuleDict({"before": dot(), "inside": dot(), "after": dot()}), some_x()
    with recording(model) as outer:
        model["before"](x)
        with recording(model) as inner:
            model["inside"](x)
        model["after"](x)
    assert [site.name for site in inner.sites] == ["inside"]
    assert [site.name for site in outer.sites] == ["before", "after"]


def test_threads_record_apart() -> None:
    modules, x = [dot() for _ in range(3)], some_x()
    meet = Barrier(3, timeout=30)
    found: dict[int, Any] = {}

    def work(number: int, records: bool) -> None:
        try:
            if not records:
                meet.wait()
                found[number] = listener.get(), [module(x) for module in modules]
                meet.wait()
                return
            with recording(modules[number]) as heard:
                meet.wait()  # both recordings are open
                for module in modules:
                    module(x * (number + 1))
                meet.wait()
            found[number] = heard.sites
        except BaseException:
            meet.abort()
            raise

    threads = [Thread(target=work, args=(number, number < 2)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(2):
        (site,) = found[number]  # one call, though every thread called every module
        modules[number](x * (number + 1))
        np.testing.assert_allclose(site.weights, modules[number].plain_weights(), atol=1e-6)
    assert found[2][0] is None


@pytest.mark.parametrize("rank", [0, 1])
def test_under_several_processes_the_main_one_records(monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
    module = dot()
    with recording(module) as heard:
        module(some_x())
    assert len(heard.sites) == (1 if rank == 0 else 0)


# Compiled models


class Backend:
    """Compiles nothing, and counts the passes through what torch.compile would have compiled."""

    def __init__(self) -> None:
        self.passes = 0

    def __call__(self, graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            self.passes += 1
            return graph(*given)

        return run


def compile_whole(model: nn.Module, backend: Backend) -> nn.Module:
    return torch.compile(model, backend=backend)


def compile_in_place(model: nn.Module, backend: Backend) -> nn.Module:
    model.compile(backend=backend)
    return model


def compile_part(model: nn.Module, backend: Backend) -> nn.Module:
    model[0] = torch.compile(model[0], backend=backend)
    return model


@pytest.mark.parametrize("how", [compile_whole, compile_in_place, compile_part])
def test_a_compiled_model_is_recorded_uncompiled_and_says_so(how: Callable[..., nn.Module]) -> None:
    torch.compiler.reset()
    torch.manual_seed(0)
    plain, x = nn.Sequential(dot(causal=True), dot(groups=2)).requires_grad_(False), some_x()
    with recording(plain) as expected:
        plain(x)
    assert expected.record().notes == ()

    backend = Backend()
    model = how(plain, backend)
    model(x)
    before = backend.passes
    assert before > 0
    with recording(model) as heard:
        model(x)
    assert backend.passes == before
    assert heard.record().notes == ("the model is compiled; it was recorded uncompiled",)
    assert [site.name for site in heard.sites] == ["0", "1"]
    for site, uncompiled in zip(heard.sites, expected.sites, strict=True):
        np.testing.assert_array_equal(site.weights, uncompiled.weights)
    model(x)
    assert backend.passes == 2 * before


# The record


def test_a_record_without_axes_numbers_the_positions_and_tells_padding_by_the_masks(
    toy: Toy, inputs: tuple[Tensor, ...]
) -> None:
    with recording(toy) as heard:
        toy(*inputs)
    record = heard.record(model="Toy")
    assert record.model == "Toy"
    np.testing.assert_array_equal(record.present["x"], KEPT.numpy())
    assert record.present["y"].all()
    assert [axis.labels for axis in record.axes["x"]] == [("0", "1", "2", "3", "4"), ("0", "1", "2")]
    assert record.example(1)["decoder.1.cross"].weights.shape == (1, H, T, 3)


def test_a_mechanism_of_its_own_scores_tells_padding_too(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy, sites="stepping") as heard:
        toy(*inputs)
    np.testing.assert_array_equal(heard.record().present["x"], KEPT.numpy())


def test_axes_tell_padding_where_they_are_given(toy: Toy, inputs: tuple[Tensor, ...]) -> None:
    with recording(toy, roles=["self", "cross"], rows=[0]) as heard:
        toy(*inputs)
    axes = {"y": [Axis("word", ("a", "b", "c")), Axis("word", ("d",))]}
    record = heard.record(axes)
    np.testing.assert_array_equal(record.present["y"], [[True, True, True], [True, False, False]])
    np.testing.assert_array_equal(record.present["x"], KEPT.numpy())
    assert record.axes["y"] == tuple(axes["y"])
    given = {"x": np.ones((B, K), bool)}
    np.testing.assert_array_equal(heard.record(axes, present=given).present["x"], given["x"])


def test_sites_are_named_without_the_wrappers_around_a_model() -> None:
    class Parallel(nn.Module):  # as data-parallel training wraps a model
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

    model = Parallel(nn.Sequential(dot()))
    with recording(model) as heard:
        model.module(some_x())
    assert [site.name for site in heard.sites] == ["0"]


def test_rows_that_cores_share_are_the_same(
    toy: Toy, inputs: tuple[Tensor, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording(toy, heads="mean") as expected:
        toy(*inputs)
    monkeypatch.setattr(recorder_module, "MANY_SCORES", 0)
    monkeypatch.setattr(recorder_module, "PIECE_ROWS", 2)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with recording(toy, heads="mean") as heard:
            toy(*inputs)
    finally:
        torch.set_num_threads(threads)
    for site, other in zip(heard.sites, expected.sites, strict=True):
        np.testing.assert_allclose(site.weights, other.weights, atol=1e-6)
