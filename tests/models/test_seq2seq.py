"""Encoder-decoders: one pass and step by step agree, padding is nothing, and the record tells what ran.

Letters: B batch, S source, T target, W hypotheses, V vocabulary.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from toy_models import COPYING, LIMIT, LINE_END, MODELS, START, VOCABULARY, logs_of, padded, some_sources, toy_model

from attentionflow.attend import MANY_HYPOTHESES
from attentionflow.models.pointer_transformer import PointerTransformer, PointerTransformerSettings, line_openings
from attentionflow.models.recurrent import RecurrentSettings
from attentionflow.models.seq2seq import State
from attentionflow.models.transformer import Transformer, TransformerSettings
from attentionflow.recorder import recording

LENGTHS = [6, 3, 4]
T = 5

models = pytest.mark.parametrize("name", MODELS)


def a_target(batch: int = len(LENGTHS)) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(START, VOCABULARY, (batch, T), generator=generator)
    tokens[:, 0] = START
    return tokens


@models
@pytest.mark.parametrize("owners", [[0, 1, 2], [0, 0, 0, 2, 2], [1] * MANY_HYPOTHESES + [2]], ids=len)
@torch.no_grad()
def test_step_by_step_is_one_teacher_forced_pass(name: str, owners: list[int]) -> None:
    """Whatever number of hypotheses a sentence has, by either kernel."""
    model, (source, mask), target = toy_model(name), padded(some_sources(LENGTHS)), a_target(len(owners))
    owned = torch.tensor(owners)
    expected = model(source[owned], mask[owned], target)
    state, steps = model.start(source, mask).select(owned), []
    for position in range(T):
        features, state = model.step(target[:, position], owned, position, state)
        steps.append(features)
    torch.testing.assert_close(torch.stack(steps, 1), expected, atol=5e-5, rtol=1e-5)
    assert expected.std() > 0.1  # nothing is compared with nothing


@models
@torch.no_grad()
def test_without_padding_no_mask_is_needed(name: str) -> None:
    model, (source, mask), target = toy_model(name), padded(some_sources([5, 5])), a_target(2)
    expected = model(source, mask, target)
    torch.testing.assert_close(model(source, None, target), expected, atol=1e-5, rtol=1e-5)
    stepped, _ = model.step(target[:, 0], torch.arange(2), 0, model.start(source, None))
    torch.testing.assert_close(stepped, expected[:, 0], atol=1e-5, rtol=1e-5)


@models
@torch.no_grad()
def test_padding_the_source_changes_nothing(name: str) -> None:
    model, sources, target = toy_model(name), some_sources(LENGTHS), a_target()
    together = logs_of(model, *padded(sources, extra=2), target)
    for row, source in enumerate(sources):
        alone = logs_of(model, source[None], None, target[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-5)


@models
def test_a_target_token_changes_nothing_before_it(name: str) -> None:
    model, (source, mask), target = toy_model(name), padded(some_sources(LENGTHS)), a_target()
    other = target.clone()
    other[:, 3] = (other[:, 3] + 1) % VOCABULARY
    changed = (logs_of(model, source, mask, target) - logs_of(model, source, mask, other)).abs().amax(-1)
    assert changed[:, :3].max() < 1e-5
    assert changed[:, 3].min() > 1e-3


@models
def test_every_parameter_learns(name: str) -> None:
    model = toy_model(name).train()
    source, mask = padded(some_sources(LENGTHS))
    logs_of(model, source, mask, a_target()).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or p.grad.eq(0).all()] == []


# What comes next


@models
@torch.no_grad()
def test_chances_of_what_comes_next_agree_with_the_formula(name: str) -> None:
    model, (source, mask), target = toy_model(name), padded(some_sources(LENGTHS)), a_target()
    expected, owners = logs_of(model, source, mask, target), torch.arange(len(LENGTHS))
    torch.testing.assert_close(expected.exp().sum(-1), torch.ones(len(LENGTHS), T))
    answers = target.roll(-1, 1)
    found = model.answered(source, mask, target, answers)
    torch.testing.assert_close(found, expected.gather(-1, answers[..., None])[..., 0], atol=1e-5, rtol=1e-4)
    state = model.start(source, mask)
    for position in range(T):
        features, state = model.step(target[:, position], owners, position, state)
        logs = model.following(features, owners, state)
        torch.testing.assert_close(logs, expected[:, position], atol=1e-4, rtol=1e-4)
        best, tokens = model.likeliest(features, owners, state, 4)
        torch.testing.assert_close(best, logs.topk(4).values, atol=1e-5, rtol=1e-5)
        assert torch.equal(logs.gather(1, tokens), logs.topk(4).values)


@models
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_losses_are_those_of_the_answers_that_are_there(name: str, smoothing: float) -> None:
    model, (source, mask), target = toy_model(name), padded(some_sources(LENGTHS)), a_target()
    answers, present = target.roll(-1, 1), torch.arange(T) < torch.tensor([[5], [2], [4]])
    found = model.losses(source, mask, target, answers, present, smoothing)
    nats = -model.answered(source, mask, target, answers)
    spread = -(model(source, mask, target) @ model.output.T).log_softmax(-1).mean(-1)
    expected = ((1 - smoothing) * nats + smoothing * spread)[present].sum()
    torch.testing.assert_close(found["nats"], expected, atol=1e-3, rtol=1e-4)
    everywhere = model.losses(source, mask, target, answers, None, smoothing)["nats"]
    torch.testing.assert_close(everywhere, ((1 - smoothing) * nats + smoothing * spread).sum(), atol=1e-3, rtol=1e-4)
    assert set(found) == ({"nats", "coverage"} if name == "pointer-recurrent" else {"nats"})


@pytest.mark.parametrize("name", COPYING)
@torch.no_grad()
def test_what_stands_in_the_source_alone_can_be_copied(name: str) -> None:
    model, source = toy_model(name), torch.tensor([[4, 7, 4, 1]])
    model.output[7] = 0  # a token that the vocabulary knows nothing of
    plain = (model(source, None, a_target(1)) @ model.output.T).softmax(-1)[..., 7]
    with_it = logs_of(model, source, None, a_target(1))[..., 7].exp()
    found = model.write(source, None, a_target(1))
    torch.testing.assert_close(
        with_it - plain * found.writing.sigmoid(), (-found.writing).sigmoid() * found.copied[..., 1]
    )
    assert (found.copied[..., 1] > 1e-4).all()


def test_the_coverage_loss_is_the_weight_that_falls_on_what_was_attended_to() -> None:
    model, (source, mask) = toy_model("pointer-recurrent"), padded(some_sources(LENGTHS))
    found = model.write(source, mask, a_target())
    before = found.copied.cumsum(1) - found.copied
    torch.testing.assert_close(found.losses["coverage"], torch.minimum(found.copied, before).sum(-1))


def test_the_token_that_a_line_begins_with() -> None:
    source = torch.tensor([[5, 6, LINE_END, 7, 8, LINE_END, LINE_END, 4], [4, 5, 6, 7, 8, 4, 5, LINE_END]])
    assert line_openings(source, LINE_END).tolist() == [[5, 5, 5, 7, 7, 7, LINE_END, 4], [4] * 8]


def test_hidden_tokens_are_hidden_in_training_alone() -> None:
    settings = PointerTransformerSettings(width=16, heads=2, feedforward=16, dropout=0.0, hidden_words=0.5)
    model = PointerTransformer(settings, VOCABULARY, "source", "target", None)
    source = torch.tensor([[4, 5, 6, 7]])
    torch.manual_seed(0)
    assert not torch.equal(model.train()(source, None, a_target(1)), model(source, None, a_target(1)))
    assert torch.equal(model.eval()(source, None, a_target(1)), model(source, None, a_target(1)))


# States


@models
@torch.no_grad()
def test_a_state_continues_the_chosen_hypotheses(name: str) -> None:
    """Step after step in other numbers and another order, as a search that prunes asks for."""
    model, (source, mask) = toy_model(name), padded(some_sources([4, 3, 5]))
    choices = [[0, 0, 1, 2, 2], [1, 1, 0, 4], [3, 0], [1]]  # the last hypothesis is of the first sentence
    state, owners = model.start(source, mask), torch.arange(3)
    written = torch.empty(3, 0, dtype=torch.long)
    for position, parents in enumerate([[0, 1, 2], *choices]):
        state, owners, written = state.select(torch.tensor(parents)), owners[parents], written[parents]
        tokens = torch.arange(len(parents)) + START + position
        written = torch.cat((written, tokens[:, None]), 1)
        features, state = model.step(tokens, owners, position, state)
        full = model(source[owners], mask[owners], written)
        torch.testing.assert_close(features, full[:, -1], atol=1e-5, rtol=1e-5)


def test_states_keep_what_is_shared_and_select_what_is_a_hypothesis_own() -> None:
    state = State((torch.tensor([[0], [10]]),), (torch.tensor([[0], [1], [2], [3]]),), 7)
    selected = state.select(torch.tensor([1, 1, 3, 2, 0]))
    assert selected.shared is state.shared
    assert selected.own[0].flatten().tolist() == [1, 1, 3, 2, 0]
    assert selected.taken == 7


# Settings


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (TransformerSettings, {"dropout": 1.0}),
        (TransformerSettings, {"positions": "sinus"}),
        (TransformerSettings, {"heads": 0}),
        (TransformerSettings, {"encoder_layers": 0}),
        (TransformerSettings, {"hidden": 8}),
        (RecurrentSettings, {"dropout": -0.1}),
        (RecurrentSettings, {"hidden": "many"}),
        (RecurrentSettings, {"width": 8}),
    ],
    ids=str,
)
def test_wrong_settings_are_refused_by_name(kind: type, given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(given))):
        kind(**given)


@pytest.mark.parametrize("given", [{"width": 16, "heads": 3}, {"width": 16, "heads": 4, "groups": 3}])
def test_heads_that_do_not_divide_are_refused_when_the_model_is_built(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must divide"):
        Transformer(TransformerSettings(**given), VOCABULARY, "source", "target")


def test_learned_positions_refuse_a_longer_sequence() -> None:
    model, (source, mask) = toy_model("learned"), padded(some_sources([LIMIT + 1]))
    with pytest.raises(ValueError, match=f"{LIMIT + 1} is past the {LIMIT} learned"):
        model(source, mask, a_target(1))
    assert toy_model("rotary")(source, mask, a_target(1)).shape[1] == T


# The record


@models
def test_the_record_of_a_teacher_forced_pass(name: str) -> None:
    model, (source, mask) = toy_model(name), padded(some_sources(LENGTHS))
    with recording(model) as heard:
        model(source, mask, a_target())
    record = heard.record()
    described = {s.name: (s.role, s.queries, s.keys, s.layer, s.residual, s.weights.shape) for s in record}
    if name.endswith("recurrent"):
        assert described == {"attention": ("cross", "target", "source", 0, False, (3, 1, T, 6))}
    else:
        heads = 4 if name == "grouped" else 2
        expected = {}
        for i in range(2):
            expected[f"encoder.{i}.attention"] = ("self", "source", "source", i, True, (3, heads, 6, 6))
        for i in range(2):
            expected[f"decoder.{i}.attention"] = ("self", "target", "target", i, True, (3, heads, T, T))
            expected[f"decoder.{i}.cross"] = ("cross", "target", "source", i, True, (3, heads, T, 6))
        if name == "pointer":
            expected["pointer"] = ("cross", "target", "source", 2, False, (3, 1, T, 6))
        assert list(described.items()) == list(expected.items())
        for site in record.select(role="self", queries="target"):
            assert (np.triu(site.weights, 1) == 0).all()
    np.testing.assert_array_equal(record.present["source"], mask.numpy())
    for site in record:
        np.testing.assert_allclose(site.weights.sum(-1), 1, atol=1e-6)
        if site.keys == "source":
            hidden = np.broadcast_to(~mask.numpy()[:, None, None], site.weights.shape)
            assert (site.weights[hidden] == 0).all()


@models
def test_recording_changes_no_feature(name: str) -> None:
    model, (source, mask) = toy_model(name), padded(some_sources(LENGTHS))
    unrecorded = model(source, mask, a_target())
    with recording(model):
        assert torch.equal(model(source, mask, a_target()), unrecorded)
