"""The two networks of forecasting: shapes, each series for itself, units carried through, and one layer written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

import attentionflow as af
from attentionflow.errors import UserError
from attentionflow.models.patch_transformer import PatchTransformer, PatchTransformerSettings
from attentionflow.models.recurrent_forecaster import RecurrentForecaster, RecurrentForecasterSettings
from attentionflow.nn.line import FittedLine, Line

Model = TypeVar("Model", PatchTransformer, RecurrentForecaster)
LEVELS = (0.1, 0.5, 0.9)
LOOK_BACK, HORIZON = 21, 7
LINE = torch.randn(HORIZON, LOOK_BACK, generator=torch.Generator().manual_seed(2)) / LOOK_BACK
LINE[:, -1] += 1 - LINE.sum(1)  # level and unit carry through
ERRORS = torch.tensor([-0.5, 0.0, 0.75]).expand(HORIZON, -1)
FITTED = FittedLine(LINE, ERRORS)


def corrected(model: Model) -> Model:
    """With something to say beside the line, as if trained."""
    nn.init.normal_((model.head if isinstance(model, PatchTransformer) else model.output).weight, std=0.2)
    return model


def patch(**settings: object) -> PatchTransformer:
    given = {"patch": 6, "stride": 4, "width": 8, "heads": 2, "layers": 2, "feedforward": 16} | settings
    return corrected(PatchTransformer(PatchTransformerSettings(**given), LOOK_BACK, HORIZON, LEVELS, FITTED, "past"))


def recurrent(**settings: object) -> RecurrentForecaster:
    given = {"block": 4, "hidden": 8, "attention": 4} | settings
    settings = RecurrentForecasterSettings(**given)
    return corrected(RecurrentForecaster(settings, LOOK_BACK, HORIZON, LEVELS, FITTED, "past", "future"))


@pytest.fixture(params=[patch, recurrent], ids=["patch", "recurrent"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    build: Callable[[], nn.Module] = request.param
    return build().eval()


def series(batch: int = 3, channels: int = 2) -> Tensor:
    return torch.randn(batch, LOOK_BACK, channels, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_shapes_and_spans(model: nn.Module) -> None:
    point, quantiles = model(series())
    assert point.shape == (3, HORIZON, 2)
    assert quantiles.shape == (3, HORIZON, 2, 3)
    assert model.past_spans[-1][1] == LOOK_BACK, "the present is read"
    assert model.answer_spans[0][0] == 0
    assert model.answer_spans[-1][1] == HORIZON


@torch.no_grad()
def test_each_series_is_forecast_for_itself(model: nn.Module) -> None:
    past = series()
    together = model(past)
    for at in range(2):
        alone = model(past[:, :, at : at + 1])
        for whole, part in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[:, :, at : at + 1], part, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_another_unit_and_level_carry_through(model: nn.Module) -> None:
    past = series()
    for found, moved in zip(model(past), model(past * 50 + 3), strict=True):
        torch.testing.assert_close(found * 50 + 3, moved, rtol=1e-3, atol=2e-2)


@torch.no_grad()
def test_a_position_that_is_taken_out_has_no_say(model: nn.Module) -> None:
    past, positions = series(1, 2), len(model.past_spans)
    kept = torch.ones(1, 2 * positions)
    torch.testing.assert_close(model(past, kept)[0], model(past)[0])
    kept[0, positions] = 0  # the first of the second series
    without = model(past, kept)[0]
    assert torch.equal(without[..., 0], model(past)[0][..., 0])
    assert not torch.allclose(without[..., 1], model(past)[0][..., 1])


def test_the_point_forecast_is_learned_as_if_there_were_no_quantiles(model: nn.Module) -> None:
    model(series())[1].sum().backward()
    touched = {
        name for name, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.any()
    }
    assert touched == {"spread.offsets.weight", "spread.offsets.bias"}


@torch.no_grad()
def test_a_recording_holds_each_series_in_its_place(model: nn.Module) -> None:
    with af.recording(model) as recorder:
        model(series())
    record = recorder.record().unfolded()
    for site in record:
        queries, keys = site.weights.shape[2] // 2, site.weights.shape[3] // 2
        assert keys == len(model.past_spans)
        torch.testing.assert_close(torch.from_numpy(site.weights.sum(-1)), torch.ones(site.weights.shape[:3]))
        assert not site.weights[:, :, :queries, keys:].any()


@torch.no_grad()
def test_one_layer_written_out() -> None:
    torch.manual_seed(0)
    model = patch(layers=1, heads=1).eval()
    past = series(1, 1)
    row = past[0, :, 0]
    scaled = (row - row.mean()) / torch.sqrt(row.var(correction=0) + 1e-5)
    filled = torch.cat([scaled, scaled[-1:].expand(1)])  # (21 - 6) / 4 leaves one step over
    patches = torch.stack([filled[start : start + 6] for start in range(0, 17, 4)])
    x = model.embed(patches) + model.positions.weight
    layer = model.encoder[0]
    q, k, v = layer.attention.project(layer.attention_norm(x)).chunk(3, dim=-1)
    x = x + layer.attention.out(((q @ k.T) * 8**-0.5).softmax(-1) @ v)
    x = x + layer.feedforward(layer.feedforward_norm(x))
    point = model.head(model.norm(x).flatten()) + LINE @ scaled
    point = point * torch.sqrt(row.var(correction=0) + 1e-5) + row.mean()
    torch.testing.assert_close(model(past)[0][0, :, 0], point, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_step_leaves_the_line_with_the_last_position_that_holds_it() -> None:
    kept = torch.ones(1, len(patch().past_spans))
    kept[0, 1] = 0  # of patches of 6 steps every 4; steps 4 to 9, but 4, 5 and 8, 9 are in others too
    row = torch.ones(1, LOOK_BACK)
    torch.testing.assert_close(patch().line(row, kept), LINE.sum(1)[None] - LINE[:, 6:8].sum(1))
    kept = torch.ones(1, len(recurrent().past_spans))
    kept[0, 0] = 0  # of blocks of 4; the first step is in none
    torch.testing.assert_close(recurrent().line(row, kept), LINE.sum(1)[None] - LINE[:, 1:5].sum(1))


@torch.no_grad()
def test_an_untrained_network_is_the_line() -> None:
    past = series()
    for build in (PatchTransformer, RecurrentForecaster):
        settings, streams = (
            (PatchTransformerSettings(patch=6, stride=4), ("past",))
            if build is PatchTransformer
            else (RecurrentForecasterSettings(block=4), ("past", "future"))
        )
        model = build(settings, LOOK_BACK, HORIZON, LEVELS, FITTED, *streams).eval()
        torch.testing.assert_close(model(past)[0], torch.einsum("hl,blc->bhc", LINE, past), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("build", [patch, recurrent])
def test_a_network_finds_what_no_line_can(build: Callable[..., nn.Module]) -> None:
    """What comes is how far the last six steps are from the mean, up or down: an even function of the past."""
    torch.manual_seed(0)
    model = build(dropout=0.0)

    def draw(rows: int) -> tuple[Tensor, Tensor]:
        past = torch.randn(rows, LOOK_BACK, 1)
        past[:, -6:] += 2 * torch.randn(rows, 1, 1)
        scaled = (past - past.mean(1, keepdim=True)) / past.std(1, keepdim=True)
        ahead = scaled[:, -6:].mean(1).abs() * past.std(1) + past.mean(1)
        return past, ahead[:, None].expand(-1, HORIZON, -1)

    def error(past: Tensor, future: Tensor) -> Tensor:
        return ((model(past)[0] - future) ** 2).mean()

    held_out = draw(2000)
    rows = held_out[0][..., 0] - held_out[0].mean(1)
    answers = (held_out[1] - held_out[0].mean(1, keepdim=True))[:, 0, 0]
    line = torch.linalg.lstsq(rows.double(), answers[:, None].double()).solution
    best_line = ((rows.double() @ line)[:, 0] - answers).square().mean()
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=1e-2), []
    for _ in range(150):
        losses.append(error(*draw(128)))
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0] / 3
    with torch.no_grad():
        assert error(*held_out) < best_line / 3


def test_the_line_is_kept_with_the_weights_and_is_not_trained() -> None:
    line = Line(FITTED, LOOK_BACK, HORIZON, [(0, LOOK_BACK)])
    assert not list(line.parameters())
    other = Line(None, LOOK_BACK, HORIZON, [(0, LOOK_BACK)])
    other.load_state_dict(line.state_dict())
    assert torch.equal(other.weights, LINE)


def test_every_step_of_the_past_is_in_a_patch() -> None:
    for look_back in range(6, 40):
        settings = PatchTransformerSettings(patch=6, stride=4)
        model = PatchTransformer(settings, look_back, 2, LEVELS, None, "past")
        covered = {step for first, stop in model.past_spans for step in range(first, stop)}
        assert covered == set(range(look_back))
        model(torch.randn(1, look_back, 1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: patch(patch=22), "patch of 22 steps is longer than look_back=21"),
        (lambda: patch(stride=7), "stride=7 leaves out steps"),
        (lambda: recurrent(block=22), "block of 22 steps is longer than look_back=21"),
    ],
)
def test_settings_that_do_not_fit_each_other(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build()
