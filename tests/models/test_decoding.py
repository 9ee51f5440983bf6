"""Beam search and sampling against slow searches written out one sentence and one hypothesis at a time.

Letters: V vocabulary.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from toy_models import END, LIMIT, MODELS, START, Table, logs_of, padded, some_sources, toy_model

from attentionflow.models.decoding import Hypothesis, beam_search, sample
from attentionflow.models.seq2seq import Seq2Seq, topk
from attentionflow.recorder import Recorder, recording

LENGTHS = [5, 2, 7, 3]
LIMITS = [6, 9, 3, 8]

models = pytest.mark.parametrize("name", MODELS)


def searched(
    model: Seq2Seq, sources: list[Tensor], limits: Sequence[int], extra: int = 0, **options: Any
) -> list[Hypothesis]:
    source, mask = padded(sources, extra)
    return beam_search(model, source, mask, start=START, end=END, limits=torch.tensor(limits), **options)


def sampled(
    model: Seq2Seq, sources: list[Tensor], limits: Sequence[int], seeds: Sequence[int], temperature: float = 1.0
) -> list[Hypothesis]:
    return sample(
        model,
        *padded(sources),
        start=START,
        end=END,
        limits=torch.tensor(limits),
        temperature=temperature,
        generators=[torch.Generator().manual_seed(seed) for seed in seeds],
    )


@torch.no_grad()
def next_logs(model: Seq2Seq, source: Tensor, tokens: tuple[int, ...]) -> list[float]:
    """Log-probability of every token after these, by a whole teacher-forced pass over one sentence."""
    return logs_of(model, source[None], None, torch.tensor([[START, *tokens]]))[0, -1].tolist()


def log_probability(model: Seq2Seq, source: Tensor, hypothesis: Hypothesis) -> float:
    written = (*hypothesis.tokens, END) if hypothesis.ended else hypothesis.tokens
    return sum(next_logs(model, source, written[:i])[token] for i, token in enumerate(written))


def reference_beam_search(
    model: Seq2Seq,
    source: Tensor,
    limit: int,
    beams: int,
    length_penalty: float,
    threshold: float,
    least: int = 0,
    no_repeat: int = 0,
) -> Hypothesis:
    """The rules of `beam_search`, in the plainest way."""
    alive: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    ended: list[tuple[float, float, tuple[int, ...]]] = []  # normalised score, score, tokens

    def normalised(score: float, tokens: int) -> float:
        return score / tokens**length_penalty

    for length in range(limit + 1):
        candidates = [
            (score + log, tokens, token)
            for score, tokens in alive
            for token, log in enumerate(next_logs(model, source, tokens))
            if not barred(tokens, token, least, no_repeat)
        ]
        candidates = sorted(candidates, key=lambda candidate: -candidate[0])
        ended += [
            (normalised(score, length + 1), score, tokens)
            for score, tokens, token in candidates[:beams]
            if token == END
        ]
        before = alive
        alive = [(score, (*tokens, token)) for score, tokens, token in candidates if token != END][:beams]
        alive = [(score, tokens) for score, tokens in alive if score > alive[0][0] - threshold]
        if ended:
            reached = max(ended)[0] if beams > 1 else math.inf
            alive = [(score, tokens) for score, tokens in alive if normalised(score, length + 2) > reached]
        if not alive:
            break
    if not ended:
        return Hypothesis(before[0][1], before[0][0], False)
    _, score, tokens = max(ended)
    return Hypothesis(tokens, score, True)


def barred(tokens: tuple[int, ...], token: int, least: int, no_repeat: int) -> bool:
    """Whether it would end too early, or say the same so many tokens twice."""
    if token == END:
        return len(tokens) < least
    longer = (*tokens, token)
    rows = [longer[i : i + no_repeat] for i in range(len(longer) - no_repeat + 1)]
    return no_repeat > 0 and rows[-1:] != [] and rows[-1] in rows[:-1]


def assert_same(found: Hypothesis, expected: Hypothesis) -> None:
    assert found.tokens == expected.tokens
    assert found.ended == expected.ended
    assert found.score == pytest.approx(expected.score, abs=1e-4)


# Beam search


sizes = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 7)), min_size=1, max_size=3)
drawn = given(
    vocabulary=st.integers(4, 12),
    seed=st.integers(0, 10_000),
    sizes=sizes,
    beams=st.integers(1, 5),
    length_penalty=st.sampled_from([0.0, 0.6, 1.0]),
    threshold=st.sampled_from([math.inf, 0.5, 2.0]),
    least=st.sampled_from([0, 0, 2, 5]),
    no_repeat=st.sampled_from([0, 0, 1, 2, 3]),
)


def check_against_reference(
    model: Seq2Seq,
    vocabulary: int,
    seed: int,
    sizes: list[tuple[int, int]],
    **how: Any,
) -> None:
    sources, limits = some_sources([length for length, _ in sizes], vocabulary, seed), [limit for _, limit in sizes]
    found = searched(model, sources, limits, **how)
    for hypothesis, source, limit in zip(found, sources, limits, strict=True):
        assert_same(hypothesis, reference_beam_search(model, source, limit, **how))


@models
@settings(max_examples=12, derandomize=True)
@drawn
def test_beam_search_is_the_reference(name: str, vocabulary: int, seed: int, **how: Any) -> None:
    check_against_reference(toy_model(name, vocabulary, seed), vocabulary, seed, **how)


@settings(max_examples=400, derandomize=True)
@drawn
def test_beam_search_is_the_reference_where_ends_are_frequent(vocabulary: int, seed: int, **how: Any) -> None:
    check_against_reference(Table(vocabulary, seed), vocabulary, seed, **how)


@models
@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_one_beam_is_greedy(name: str, length_penalty: float) -> None:
    for seed in range(5):
        model, sources = toy_model(name, seed=seed), some_sources(LENGTHS, seed=seed)
        found = searched(model, sources, LIMITS, beams=1, length_penalty=length_penalty)
        for hypothesis, source, limit in zip(found, sources, LIMITS, strict=True):
            tokens: list[int] = []
            while True:
                logs = next_logs(model, source, tuple(tokens))
                token = logs.index(max(logs))
                if token == END or len(tokens) == limit:
                    break
                tokens.append(token)
            assert hypothesis.tokens == tuple(tokens)
            assert hypothesis.ended == (token == END)


@torch.no_grad()
def all_scores(model: Seq2Seq, source: Tensor, vocabulary: int, limit: int) -> dict[tuple[int, ...], float]:
    """Log-probability, with its end, of everything that the model can write within a limit."""
    texts = list(product([token for token in range(vocabulary) if token != END], repeat=limit))
    target = torch.tensor([(START, *text) for text in texts])
    logs = logs_of(model, source.expand(len(texts), -1), None, target).tolist()
    return {
        text[:n]: sum(log[i][text[i]] for i in range(n)) + log[n][END]
        for text, log in zip(texts, logs, strict=True)
        for n in range(limit + 1)
    }


@models
def test_a_wide_beam_finds_the_true_best(name: str) -> None:
    vocabulary, limit, lengths = 4, 3, set()
    for seed in range(8):
        model, (source,) = toy_model(name, vocabulary, seed), some_sources([4], vocabulary, seed)
        scores = all_scores(model, source, vocabulary, limit)
        assert len(scores) == 1 + 3 + 9 + 27
        for length_penalty in (0.0, 0.6, 1.0):
            best = max(scores, key=lambda tokens: scores[tokens] / (len(tokens) + 1) ** length_penalty)
            (found,) = searched(model, [source], [limit], beams=128, length_penalty=length_penalty)
            assert_same(found, Hypothesis(best, scores[best], True))
            lengths.add(len(best))
    assert len(lengths) > 1


@models
@pytest.mark.parametrize("beams", [1, 3])
def test_the_answer_does_not_depend_on_the_batch_or_its_padding(name: str, beams: int) -> None:
    answers = set()
    for seed in range(4):
        model, sources = toy_model(name, seed=seed), some_sources(LENGTHS, seed=seed)
        together = searched(model, sources, LIMITS, beams=beams)
        turned = searched(model, sources[::-1], LIMITS[::-1], extra=3, beams=beams)[::-1]
        for row, source in enumerate(sources):
            (alone,) = searched(model, [source], LIMITS[row : row + 1], beams=beams)
            assert_same(together[row], alone)
            assert_same(turned[row], alone)
            answers.add(alone.tokens)
    assert len(answers) > 5


@models
@pytest.mark.parametrize("beams", [1, 4])
def test_limits_are_kept_and_a_cut_is_said(name: str, beams: int) -> None:
    """Each sentence has its own limit; the score is of the tokens returned, and of the end where it was reached."""
    model, sources, limits = toy_model(name, seed=1), some_sources([4] * 6), [0, 1, 2, 5, 9, 12]
    with torch.no_grad():
        model.output[END] = model.output.mean(0) - model.output[END]  # an end that comes seldom
    found = searched(model, sources, limits, beams=beams)
    for hypothesis, source, limit in zip(found, sources, limits, strict=True):
        assert END not in hypothesis.tokens
        assert len(hypothesis.tokens) == limit if not hypothesis.ended else len(hypothesis.tokens) <= limit
        assert hypothesis.score == pytest.approx(log_probability(model, source, hypothesis), abs=1e-4)
    assert not all(hypothesis.ended for hypothesis in found)


def only(token: int, name: str = "rotary") -> Seq2Seq:
    """A transformer that writes one token, whatever comes in."""
    model = toy_model(name)
    with torch.no_grad():
        model.decoder_norm.weight.zero_()
        model.decoder_norm.bias.copy_(model.output[token] * 5000)
    return model


@pytest.mark.parametrize("beams", [1, 3])
def test_an_end_at_the_limit_is_an_end_and_one_past_it_is_a_cut(beams: int) -> None:
    sources = some_sources([3, 3])
    assert searched(only(END), sources, [0, 4], beams=beams) == [Hypothesis((), pytest.approx(0), True)] * 2
    cut = searched(only(5), sources, [0, 2], beams=beams)
    assert [(h.tokens, h.ended) for h in cut] == [((), False), ((5, 5), False)]
    assert [h.score for h in cut] == pytest.approx([0, 0], abs=1e-4)


def test_learned_positions_suffice_up_to_their_limit() -> None:
    (found,) = searched(only(5, "learned"), some_sources([3]), [LIMIT - 1], beams=2)
    assert found.tokens == (5,) * (LIMIT - 1)


# Sampling


@models
def test_draws_follow_their_generator_and_nothing_else_in_the_batch(name: str) -> None:
    model, sources, seeds = toy_model(name), some_sources(LENGTHS), [11, 12, 13, 14]
    together = sampled(model, sources, LIMITS, seeds)
    assert together == sampled(model, sources, LIMITS, seeds)
    for row, source in enumerate(sources):
        (alone,) = sampled(model, [source], [LIMITS[row]], [seeds[row]])
        assert_same(together[row], alone)
    others = sampled(model, sources, LIMITS, [seed + 100 for seed in seeds])
    assert [h.tokens for h in others] != [h.tokens for h in together]


@models
def test_draws_keep_their_limits_and_score_what_they_return(name: str) -> None:
    model, limits = toy_model(name), [0, 1, 2, 9]
    found = [h for seed in range(8) for h in sampled(model, some_sources([4] * 4), limits, [seed] * 4)]
    sources = some_sources([4] * 4)
    for i, hypothesis in enumerate(found):
        assert END not in hypothesis.tokens
        assert hypothesis.ended or len(hypothesis.tokens) == limits[i % 4]
        assert len(hypothesis.tokens) <= limits[i % 4]
        assert hypothesis.score == pytest.approx(log_probability(model, sources[i % 4], hypothesis), abs=1e-4)
    full = [h.ended for i, h in enumerate(found) if len(h.tokens) == limits[i % 4]]
    assert True in full  # ended just at the limit
    assert False in full


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_draws_are_as_frequent_as_the_model_says(temperature: float) -> None:
    count = 3000
    model, (source,) = toy_model("rotary"), some_sources([4])
    found = sampled(model, [source] * count, [0] * count, range(count), temperature)
    ends = sum(hypothesis.ended for hypothesis in found)
    found = sampled(model, [source] * count, [1] * count, range(count), temperature)
    firsts = Counter(hypothesis.tokens[0] for hypothesis in found if hypothesis.tokens)
    chances = (torch.tensor(next_logs(model, source, ())) / temperature).softmax(-1).tolist()
    assert sum(chance > 0.02 for chance in chances) > 3
    for token, chance in enumerate(chances):
        drawn = ends if token == END else firsts[token]
        assert abs(drawn - count * chance) <= 5 * math.sqrt(count * chance * (1 - chance)) + 1


@settings(max_examples=40, derandomize=True)
@given(st.integers(0, 10_000), st.integers(0, 6), st.integers(1, 3))
def test_draws_are_never_what_is_barred(seed: int, least: int, no_repeat: int) -> None:
    model, sources = Table(12, seed), some_sources([3, 5], 12, seed)
    generators = [torch.Generator().manual_seed(seed + row) for row in range(2)]
    rules = {"least": least, "no_repeat": no_repeat}
    how = {"start": START, "end": END, "limits": torch.tensor([8, 8]), "generators": generators}
    for hypothesis in sample(model, *padded(sources), **how, **rules):
        tokens = hypothesis.tokens
        assert len(tokens) >= least or not hypothesis.ended
        assert not any(barred(tokens[:i], token, least, no_repeat) for i, token in enumerate(tokens))


@models
def test_draws_at_a_low_temperature_are_greedy(name: str) -> None:
    model, sources = toy_model(name), some_sources(LENGTHS)
    greedy = searched(model, sources, LIMITS, beams=1)
    for drawn, expected in zip(sampled(model, sources, LIMITS, [0] * 4, 1e-5), greedy, strict=True):
        assert_same(drawn, expected)


def test_an_end_drawn_at_the_limit_is_an_end() -> None:
    assert sampled(only(END), some_sources([3]), [0], [0]) == [Hypothesis((), pytest.approx(0), True)]
    (cut,) = sampled(only(5), some_sources([3]), [2], [0])
    assert (cut.tokens, cut.ended) == ((5, 5), False)


# Recording what was decoded


def check_recorded(
    model: Seq2Seq, sources: list[Tensor], found: list[Hypothesis], heard: Recorder, rows: list[int] | None = None
) -> None:
    """The sites of a search are those of scoring its answers once more."""
    target, _ = padded([torch.tensor([START, *hypothesis.tokens]) for hypothesis in found])
    with torch.no_grad(), recording(model, rows=rows, heads=heard.heads) as again:
        model(*padded(sources), target)
    assert [site.name for site in heard.sites] == [site.name for site in again.sites]
    for site, expected in zip(heard.sites, again.sites, strict=True):
        assert site.weights.shape == expected.weights.shape
        assert (site.role, site.layer, site.rows, site.heads) == (
            expected.role,
            expected.layer,
            expected.rows,
            expected.heads,
        )
        for b, hypothesis in enumerate(found):
            length = len(sources[b]) if site.queries == "source" else len(hypothesis.tokens) + 1
            kept = [i for i, row in enumerate(rows or range(length)) if row < length]
            np.testing.assert_allclose(site.weights[b][:, kept], expected.weights[b][:, kept], atol=1e-4)
            if site.queries == "target":
                assert (site.weights[b][:, len(kept) :] == 0).all()


@models
@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("copies", [1, 10])  # with ten, the compiled kernel
@pytest.mark.parametrize("choices", [{}, {"heads": "mean"}, {"rows": [0, 2]}], ids=str)
def test_a_recorded_search_holds_the_weights_of_its_answers(
    name: str, beams: int, copies: int, choices: dict[str, Any]
) -> None:
    for seed in range(2):
        model, sources = toy_model(name, seed=seed), some_sources(LENGTHS * copies, seed=seed)
        plain = searched(model, sources, LIMITS * copies, beams=beams)
        with recording(model, **choices) as heard:
            found = searched(model, sources, LIMITS * copies, beams=beams)
        assert found == plain, "recording changed an answer"
        check_recorded(model, sources, found, heard, choices.get("rows"))


@models
def test_recorded_draws_hold_the_weights_of_what_was_drawn(name: str) -> None:
    model, sources = toy_model(name), some_sources(LENGTHS)
    with recording(model) as heard:
        found = sampled(model, sources, LIMITS, [1, 2, 3, 4])
    check_recorded(model, sources, found, heard)


# ---- the largest of a long row ---------------------------------------------------------------------------------------


@given(st.integers(1, 2000), st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_largest_by_blocks_are_the_largest(columns: int, count: int, seed: int) -> None:
    count = min(count, columns)
    x = torch.randn(2, 3, columns, generator=torch.Generator().manual_seed(seed))
    values, at = topk(x, count)
    torch.testing.assert_close(values, x.topk(count).values, rtol=0, atol=0)
    torch.testing.assert_close(x.gather(-1, at), values, rtol=0, atol=0)
