"""N-gram models: probabilities that are ones, against the formula written out, and units left out as never counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attentionflow.models.causal_transformer import CausalTransformer, CausalTransformerSettings
from attentionflow.models.counted import Counted
from attentionflow.models.language_model import Writer
from attentionflow.models.ngrams import NgramModel

TEXTS = st.lists(st.integers(1, 6), min_size=2, max_size=80).map(np.array)


def tables(ids: np.ndarray, longest: int, but: int | None = None) -> list[Counter]:
    """Counts of each length over tuples, without the longest n-gram that ends with the unit `but`. Before the text
    stands the token 0, and before that nothing, which is told apart from all tokens."""
    text = [*[-1] * longest, 0, *ids.tolist()]
    ends = [i for i in range(longest + 1, len(text)) if but is None or i != longest + 1 + but]
    found = [Counter(tuple(text[i - longest + 1 : i + 1]) for i in ends)]
    for _ in range(longest - 1):  # below the longest: how many different units stand before
        found.append(Counter(gram[1:] for gram in found[-1]))
    return found[::-1]


def plain(counts: list[Counter], model: NgramModel, context: list[int], unit: int) -> tuple[float, int]:
    """Kneser-Ney written out, with the model's own discounts: the probability, and how long the known context is."""
    before = [*[-1] * len(counts), 0, *context]
    found, reach = 1 / model.vocabulary, 0
    for n, (table, one) in enumerate(zip(counts, model.lengths, strict=True)):
        after = {gram[-1]: count for gram, count in table.items() if list(gram[:-1]) == before[len(before) - n :]}
        if after:
            own = after.get(unit, 0)
            left = sum(one.discounts[min(count, 3)] for count in after.values())
            found, reach = (own - one.discounts[min(own, 3)] + left * found) / sum(after.values()), n
    return float(found), reach


@settings(max_examples=40, deadline=None)
@given(ids=TEXTS, longest=st.integers(1, 4), context=st.lists(st.integers(1, 6), max_size=4))
def test_probabilities_are_those_of_the_formula(ids: np.ndarray, longest: int, context: list[int]) -> None:
    model = NgramModel.learn(ids, 6, longest)
    found, reach = model.after(np.array([[0, *context]]), np.arange(1, 7))
    expected = [plain(tables(ids, longest), model, context, unit) for unit in range(1, 7)]
    np.testing.assert_allclose(found[0], [one for one, _ in expected], rtol=1e-6, atol=1e-12)
    assert reach[0] == expected[0][1]


@settings(max_examples=60, deadline=None)
@given(ids=TEXTS, asked=TEXTS, longest=st.integers(1, 5))
def test_probabilities_sum_to_one_and_agree(ids: np.ndarray, asked: np.ndarray, longest: int) -> None:
    model = NgramModel.learn(ids, 6, longest)
    each, reach = [], []
    for at in range(len(asked)):
        found, known = model.after(np.array([[0, *asked[:at]]]), np.arange(1, 7))
        np.testing.assert_allclose(found.sum(), 1, rtol=1e-9)
        assert (found > 0).all()
        each.append(found[0, asked[at] - 1])
        reach.append(known[0])
    tokens = np.array([0, *asked[:-1]])
    chances, known = model.foreseen(tokens, asked)
    np.testing.assert_allclose(chances, each, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(known, reach)


@settings(max_examples=40, deadline=None)
@given(ids=TEXTS, longest=st.integers(1, 4), data=st.data())
def test_a_learned_unit_is_foreseen_as_if_it_had_never_been_counted(
    ids: np.ndarray, longest: int, data: st.DataObject
) -> None:
    model = NgramModel.learn(ids, 6, longest)
    found, reach = model.learned(ids)
    at = data.draw(st.integers(0, len(ids) - 1))
    expected, known = plain(tables(ids, longest, but=at), model, ids[:at].tolist(), int(ids[at]))
    np.testing.assert_allclose(found[at], expected, rtol=1e-5, atol=1e-7)
    assert reach[at] == known


def test_longer_counts_foresee_a_text_better_and_come_back_from_a_file(tmp_path: Path) -> None:
    ids = np.array([1, 2, 3, 4, 2, 5] * 50)
    models = [NgramModel.learn(ids[:200], 6, longest) for longest in (1, 2, 3)]
    nats = [model.nats(ids[200:]) for model in models]
    assert nats[0] > nats[1] > nats[2]
    models[2].save(tmp_path / "counts.safetensors")
    assert NgramModel.load(tmp_path / "counts.safetensors").nats(ids[200:]) == nats[2]


V = 8


@pytest.fixture
def counted() -> Counted:
    torch.manual_seed(0)
    network = CausalTransformer(CausalTransformerSettings(width=16, heads=2, layers=1, feedforward=16), V, "text")
    ids = np.random.default_rng(0).integers(1, V, 300)
    model = Counted(network, NgramModel.learn(ids, V - 1, 3))
    with torch.no_grad():
        model.reach.copy_(torch.tensor([-1.0, 0.5, 1.0]))
    return model.eval()


@torch.inference_mode()
def test_a_mixture_is_one_whichever_way_it_is_asked(counted: Counted) -> None:
    tokens = torch.cat((torch.zeros(2, 1, dtype=torch.long), torch.randint(1, V, (2, 9))), 1)
    answers = torch.randint(1, V, (2, 10))
    asked = counted.answered(tokens, answers)
    for at in range(1, 11):
        features, cache = counted.start(tokens[:, :at], room=12)
        logs = counted.following(features, cache)
        torch.testing.assert_close(logs.exp().sum(-1), torch.ones(2))
        torch.testing.assert_close(
            logs.gather(1, answers[:, at - 1 : at])[:, 0], asked[:, at - 1], rtol=1e-4, atol=1e-4
        )
    loss = counted.losses(tokens, answers)
    torch.testing.assert_close(loss["nats"], -asked.sum(), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(loss["network"], -counted.network.answered(tokens, answers).sum(), rtol=1e-4, atol=1e-3)


@torch.inference_mode()
def test_a_mixture_writes_as_it_scores(counted: Counted) -> None:
    writer = Writer(counted, torch.randint(1, V, (2, 3)), 0, 8, most=12)
    scores = []
    for _ in range(12):
        logs = writer.following()
        token = logs[:, 1:].argmax(-1) + 1
        scores.append(logs.gather(1, token[:, None])[:, 0])
        writer.write(token)
    text = writer.texts[:, :4]  # one window: the first five positions
    tokens = torch.nn.functional.pad(text[:, :-1], (1, 0))
    torch.testing.assert_close(counted.answered(tokens, text)[:, 3], scores[0], rtol=1e-4, atol=1e-4)


def test_the_network_learns_as_it_would_alone(counted: Counted) -> None:
    tokens, answers = torch.randint(1, V, (2, 6)), torch.randint(1, V, (2, 6))
    counted.losses(tokens, answers)["nats"].backward()
    assert all(parameter.grad is None for parameter in counted.network.parameters())
    assert counted.gate.weight.grad is not None
    with pytest.raises(ValueError, match="in the cache"):
        counted.following(torch.zeros(1, 16))
