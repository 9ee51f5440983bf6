"""Language models: cached steps against one pass, the sliding window, draws, and what a model may look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from attentionflow.models.causal_transformer import CausalTransformer, CausalTransformerSettings
from attentionflow.models.language_model import LanguageModel, Writer, begins, draw
from attentionflow.models.recurrent_language_model import RecurrentLanguageModel, RecurrentLanguageModelSettings

V, FIRST = 20, 0
SMALL = {"width": 16, "heads": 2, "layers": 2, "feedforward": 32}


def transformer(**settings: object) -> LanguageModel:
    return CausalTransformer(CausalTransformerSettings(**{**SMALL, **settings}), V, "text")


MODELS: dict[str, Callable[[], LanguageModel]] = {
    "transformer": transformer,
    "grouped": lambda: transformer(groups=1),
    "untied": lambda: transformer(tied=False),
    "recent": lambda: transformer(recent=4, recent_rows=64, recent_width=8),
    "clustered": lambda: transformer(cutoffs="5,12"),
    "recurrent": lambda: RecurrentLanguageModel(
        RecurrentLanguageModelSettings(embedding=16, hidden=24, layers=2), V, "text"
    ),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


def some_tokens(rows: int, length: int, seed: int = 0) -> Tensor:
    return torch.randint(2, V, (rows, length), generator=torch.Generator().manual_seed(seed))


def test_no_position_sees_what_comes_after_it(model: LanguageModel) -> None:
    tokens = some_tokens(2, 12)
    changed = tokens.clone()
    changed[:, 7:] = some_tokens(2, 5, seed=1)
    with torch.no_grad():
        torch.testing.assert_close(model(tokens)[:, :7], model(changed)[:, :7])
        assert not torch.allclose(model(tokens)[:, 7:], model(changed)[:, 7:])


@torch.inference_mode()
def test_step_by_step_is_one_pass(model: LanguageModel) -> None:
    tokens = some_tokens(3, 14)
    whole = model(tokens)
    features, cache = model.start(tokens[:, :5], room=14)
    torch.testing.assert_close(features, whole[:, 4], rtol=1e-4, atol=1e-5)
    for at in range(5, 14):
        features = model.step(tokens[:, at], cache)
        torch.testing.assert_close(features, whole[:, at], rtol=1e-4, atol=1e-5)
    assert cache.filled == 14


@torch.inference_mode()
def test_texts_that_go_on_alone_are_as_they_were_together(model: LanguageModel) -> None:
    tokens = some_tokens(3, 9)
    _, cache = model.start(tokens[:, :6], room=9)
    kept = cache.keep(torch.tensor([2, 0]))
    features = model.step(tokens[[2, 0], 6], kept)
    torch.testing.assert_close(features, model(tokens)[[2, 0], 6], rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_writing_past_the_context_is_reading_the_last_half_anew(model: LanguageModel) -> None:
    context, prompt = 10, some_tokens(2, 4)
    writer = Writer(model, prompt, FIRST, context, most=30)
    begin = 0
    for length in range(4, 34):
        if length - begin >= context:
            begin = length - context // 2
        seen = torch.nn.functional.pad(writer.texts[:, begin:], (1, 0), value=FIRST)
        torch.testing.assert_close(writer.following(), model.following(model(seen)[:, -1]), rtol=1e-4, atol=1e-4)
        writer.write(writer.following().argmax(-1))
    assert writer.cache.past[0].shape[2] == context


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3])
def test_the_quick_way_is_the_plain_one(model: LanguageModel, rows: int) -> None:
    tokens = some_tokens(rows, 12)
    _, plain = model.start(tokens[:, :4], room=12)
    _, quick = model.start(tokens[:, :4], room=12)
    quick = model.hasten(quick)
    assert (quick.quick is not None) == isinstance(model, CausalTransformer)
    for at in range(4, 12):
        expected, found = (model.step(tokens[:, at], cache) for cache in (plain, quick))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for one, other in zip(plain.past, quick.past, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("length", [9, 10, 25])
def test_a_text_as_long_as_the_context_is_begun_with_its_last_half(model: LanguageModel, length: int) -> None:
    text, context = some_tokens(1, length), 10
    begin = begins(length, context)
    assert begin == (0 if length == 9 else length - 5)
    seen = torch.nn.functional.pad(text[:, begin:], (1, 0), value=FIRST)
    writer = Writer(model, text, FIRST, context, most=1)
    torch.testing.assert_close(writer.following(), model.following(model(seen)[:, -1]), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_text_may_begin_with_nothing(model: LanguageModel) -> None:
    writer = Writer(model, torch.empty(2, 0, dtype=torch.long), FIRST, 8, most=3)
    assert writer.following().shape == (2, V)
    torch.testing.assert_close(writer.following().exp().sum(-1), torch.ones(2))


def test_answers_are_scored_as_nats_and_alone(model: LanguageModel) -> None:
    tokens, answers = some_tokens(2, 8), some_tokens(2, 8, seed=1)
    present = torch.rand(2, 8, generator=torch.Generator().manual_seed(0)) < 0.5
    with torch.no_grad():
        logs = model.answered(tokens, answers)
        expected = model.following(model(tokens)).gather(-1, answers[..., None])[..., 0]
        if model.clusters is None:
            every = (model(tokens) @ model.output.T).log_softmax(-1)
            torch.testing.assert_close(expected, every.gather(-1, answers[..., None])[..., 0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(logs, expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(model.answered(tokens, answers, present), logs * present)
        for shown, expected in ((None, logs), (present, logs * present)):
            nats = model.losses(tokens, answers, shown)["nats"]
            torch.testing.assert_close(nats, -expected.sum(), rtol=1e-4, atol=1e-3)


def generators(count: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


def test_no_temperature_takes_the_likeliest() -> None:
    logs = torch.randn(5, V).log_softmax(-1)
    assert torch.equal(draw(logs, 0, None, 1.0, generators(5)), logs.argmax(-1))


def test_draws_follow_the_probabilities_and_the_temperature() -> None:
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    logs = chances.log().expand(20_000, -1)
    for temperature, expected in ((1.0, chances), (0.5, chances**2 / (chances**2).sum())):
        drawn = draw(logs, temperature, None, 1.0, generators(20_000))
        shares = torch.bincount(drawn, minlength=4) / 20_000
        torch.testing.assert_close(shares, expected, atol=0.015, rtol=0)


@settings(max_examples=50, deadline=None)
@given(
    chances=st.lists(st.floats(0.001, 1), min_size=2, max_size=12),
    k=st.integers(1, 12) | st.none(),
    p=st.floats(0.05, 1),
    seed=st.integers(0, 1000),
)
def test_a_draw_is_among_the_top_k_and_the_nucleus(chances: list[float], k: int | None, p: float, seed: int) -> None:
    values = torch.tensor(chances, dtype=torch.float64)
    values = values / values.sum()
    token = int(draw(values.log()[None], 1.0, k, p, generators(1, seed)))
    order = values.sort(descending=True).values[:k]
    before = (order / order.sum()).cumsum(0) - order / order.sum()
    least = order[before < p + 1e-9].min()
    assert values[token] >= least - 1e-9


def test_a_draw_does_not_depend_on_its_neighbours() -> None:
    logs = torch.randn(6, V, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    together = draw(logs, 1.0, 5, 0.9, generators(6))
    alone = [draw(logs[i : i + 1], 1.0, 5, 0.9, generators(1, i)) for i in range(6)]
    assert torch.equal(together, torch.cat(alone))


def test_a_context_has_room_for_something() -> None:
    with pytest.raises(ValueError, match="at least two positions"):
        Writer(transformer(), some_tokens(1, 1), FIRST, 1, most=1)


def test_a_vocabulary_that_reaches_no_cluster_has_none() -> None:
    clusters = transformer(cutoffs="5,12,500").clusters
    assert clusters is not None
    assert clusters.edges == (5, 12, V)
    assert transformer(cutoffs="500").clusters is None


@pytest.mark.parametrize("cutoffs", ["0", "12,5", "5,5", "many", "5,,12"])
def test_cutoffs_that_do_not_rise_are_refused(cutoffs: str) -> None:
    with pytest.raises(ValueError, match="rising"):
        CausalTransformerSettings(cutoffs=cutoffs)
