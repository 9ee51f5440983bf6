"""The networks of dialogue: attention over turns and words, the hierarchical network step by step, and the match."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from attentionflow.attend import Place
from attentionflow.models.causal_transformer import CausalTransformer, CausalTransformerSettings
from attentionflow.models.hierarchical import Hierarchical, HierarchicalSettings, Layout
from attentionflow.models.language_model import LanguageModel
from attentionflow.models.replier import Replier, among, mismatch, others
from attentionflow.nn.hierarchical import HierarchicalAttention
from attentionflow.recorder import recording

END, VOCABULARY = 3, 20
# <s>, two turns of three and two words, and the beginning of a third; then the same in other lengths.
TOKENS = torch.tensor([[2, 18, 5, 6, 7, END, 19, 8, 9, END, 18, 10], [2, 18, 5, END, 19, 6, 7, 8, 9, 10, END, 18]])


def hierarchical() -> Hierarchical:
    torch.manual_seed(0)
    return Hierarchical(HierarchicalSettings(embedding=16, hidden=16, attention=8), VOCABULARY, "dialogue", END).eval()


def transformer() -> CausalTransformer:
    torch.manual_seed(0)
    settings = CausalTransformerSettings(width=16, heads=2, layers=2, feedforward=32)
    return CausalTransformer(settings, VOCABULARY, "dialogue").eval()


# Attention over groups


def test_a_weight_is_that_of_the_group_times_the_share_within_it() -> None:
    torch.manual_seed(0)
    module = HierarchicalAttention(6, 5, 4, 7, Place("cross", "x", "memory", residual=False))
    query, memory, contexts = torch.randn(2, 3, 6), torch.randn(2, 8, 5), torch.randn(2, 3, 4)
    group = torch.tensor([[0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 1, 1, 1, 1, 2, 2]])
    with recording(module) as heard:
        found = module(query, memory, module.remember(memory, contexts), group)
    one, other = module.query(query).chunk(2, -1)
    for b in range(2):
        for q in range(3):
            words = module.key_score(torch.tanh(one[b, q] + module.key(memory[b])))[:, 0]
            turns = module.group_score(torch.tanh(other[b, q] + module.group(contexts[b])))[:, 0].softmax(0)
            weights = torch.cat([turns[m] * words[group[b] == m].softmax(0) for m in range(3)])
            torch.testing.assert_close(found[b, q], weights @ memory[b], atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(
                torch.from_numpy(heard.sites[0].weights[b, 0, q]), weights.detach(), atol=1e-6, rtol=1e-5
            )


def test_extreme_scores_stay_finite() -> None:
    module = HierarchicalAttention(2, 2, 2, 2, Place("cross", "x", "memory", residual=False))
    with torch.no_grad():
        module.key_score.weight.fill_(300.0)
        module.group_score.weight.fill_(300.0)
    memory = torch.tensor([[[9.0, 9.0], [-9.0, -9.0], [9.0, -9.0], [-9.0, -9.0]]]).requires_grad_()
    group = torch.tensor([[0, 0, 1, 1]])
    found = module(torch.ones(1, 1, 2), memory, module.remember(memory, memory[:, :2]), group)
    found.sum().backward()
    assert found.isfinite().all()
    assert memory.grad is not None
    assert memory.grad.isfinite().all()


# The hierarchical network


def test_the_layout_of_turns() -> None:
    layout = Layout.of(TOKENS, END)
    assert layout.turn.tolist() == [[0] + [1] * 5 + [2] * 4 + [3] * 2, [0] + [1] * 3 + [2] * 7 + [3]]
    assert layout.lengths.tolist() == [1, 5, 4, 2, 1, 3, 7, 1]
    assert layout.dialogue.tolist() == [0] * 4 + [1] * 4
    assert layout.number.tolist() == [0, 1, 2, 3] * 2
    x = torch.randn(2, 12, 3)
    assert torch.equal(layout.together(layout.apart(x)), x)
    assert torch.equal(layout.apart(x)[1, :5], x[0, 1:6])
    assert (layout.apart(x)[1, 5:] == 0).all()


@pytest.mark.parametrize("build", [hierarchical, transformer])
@torch.no_grad()
def test_nothing_looks_ahead_and_padding_changes_nothing(build: type[LanguageModel]) -> None:
    model = build()
    whole = model(TOKENS)
    for cut in (2, 4, 6, 9, 11):
        torch.testing.assert_close(model(TOKENS[:, :cut]), whole[:, :cut], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(model(TOKENS[1:]), whole[1:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(model(F.pad(TOKENS, (0, 4), value=7))[:, :12], whole, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_turn_written_step_by_step_is_that_of_one_pass() -> None:
    model = hierarchical()
    longer = torch.cat((TOKENS[:, :11], torch.tensor([[11, 12, 13, 14], [5, 6, 7, 8]])), 1)
    longer[1, 10] = END
    longer[:, 11] = 18
    begin = 12
    whole = model(longer)
    features, cache = model.start(longer[:, :begin], 20)
    torch.testing.assert_close(features, whole[:, begin - 1], atol=1e-5, rtol=1e-4)
    for at in range(begin, longer.shape[1]):
        features = model.step(longer[:, at], cache)
        torch.testing.assert_close(features, whole[:, at], atol=1e-5, rtol=1e-4)
    kept = cache.keep(torch.tensor([1]))
    assert kept.filled == longer.shape[1]
    torch.testing.assert_close(
        model.step(torch.tensor([9]), kept), model.step(torch.tensor([9, 9]), cache)[1:], atol=1e-5, rtol=1e-4
    )


def test_a_dialogue_is_never_folded() -> None:
    with pytest.raises(ValueError, match="nothing is folded"):
        hierarchical()(TOKENS, fold=object())


# The match


def replier() -> Replier:
    torch.manual_seed(0)
    return Replier(transformer(), 12, 0.0).eval()


def test_at_first_words_in_common_fit_best() -> None:
    model = replier()
    replies = torch.tensor([[5, 6, 7], [13, 14, 15], [16, 17, 4]])
    features = torch.randn(2, 12, 16)
    scores = model.scores(TOKENS, features, torch.tensor([5]), replies, torch.ones(3, 3, dtype=torch.bool))
    assert scores.argmax().item() == 0


@torch.no_grad()
def test_a_reply_is_what_is_present_in_it() -> None:
    model = replier()
    for parameter in model.reply.parameters():
        torch.nn.init.normal_(parameter)
    features, ends = torch.randn(2, 12, 16), torch.tensor([5, 9, 15])
    short = model.scores(TOKENS, features, ends, torch.tensor([[5, 6], [7, 8]]), torch.ones(2, 2, dtype=torch.bool))
    there = torch.tensor([[True, True, False]] * 2)
    padded = model.scores(TOKENS, features, ends, torch.tensor([[5, 6, 0], [7, 8, 9]]), there)
    torch.testing.assert_close(short, padded)


def test_a_reply_is_told_from_those_of_other_dialogues() -> None:
    scores = torch.randn(4, 4)
    replies = torch.tensor([[5, 6], [5, 7], [5, 6], [8, 9]])
    present = torch.tensor([[True, True], [True, True], [True, True], [True, False]])
    found = others(scores, replies, present, torch.tensor([0, 0, 1, 1]))
    expected = {0: [3], 1: [2, 3], 2: [1], 3: [0, 1]}  # equal replies and those of the same dialogue are none
    for row, columns in expected.items():
        logits = torch.cat((scores[row, row][None], scores[row, columns]))
        theirs = F.cross_entropy(logits[None], torch.tensor([0]))
        torch.testing.assert_close(mismatch(found[row : row + 1]), theirs)


def test_candidates_may_be_fewer() -> None:
    scores = torch.tensor([[1.0, 2.0, 3.0]])
    found = among(scores, torch.tensor([[2, 0, -1]]))
    assert found.tolist() == [[3.0, 1.0, -torch.inf]]
    torch.testing.assert_close(mismatch(found), F.cross_entropy(torch.tensor([[3.0, 1.0]]), torch.tensor([0])))
