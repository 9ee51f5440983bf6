"""Networks that read a text: padding, windows and empty texts change nothing; the line is where they begin.

Letters: B texts, n words, F features, C labels.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

import attentionflow as af
from attentionflow.models.text_encoder import (
    LABEL,
    WORDS,
    Line,
    NgramVectors,
    TextClassifier,
    TextRecurrent,
    TextRecurrentSettings,
    TextTransformer,
    TextTransformerSettings,
    Words,
)
from attentionflow.readers.ngrams import Ngrams, word_spans
from attentionflow.tasks._units import WordUnits

TEXTS = ["a good film", "a dull film with a good end", "not good", "好电影", ""]
LABELS = 3
UNITS = WordUnits(Ngrams.learn([*TEXTS, *TEXTS], 2, (2, 3), 1000), 100)
FEATURES = len(UNITS.ngrams)
NETWORKS = ["transformer", "windows", "recurrent"]


def tensors(texts: list[str]) -> dict[str, Tensor | None]:
    return {**UNITS.tensors(UNITS.encode(texts)[0]), "unseen": None}


def line() -> Line:
    draw = torch.Generator().manual_seed(1)
    return Line(torch.randn(FEATURES, LABELS, generator=draw), torch.randn(LABELS, generator=draw))


def network(name: str) -> TextClassifier:
    torch.manual_seed(0)
    if name == "recurrent":
        recurrent = TextRecurrentSettings(embedding=16, hidden=8, attention=8)
        return TextRecurrent(recurrent, FEATURES, FEATURES, LABELS, None).eval()
    settings = TextTransformerSettings(width=16, heads=2, feedforward=32, window=3 if name == "windows" else 100)
    made = TextTransformer(settings, FEATURES, FEATURES, LABELS, line()).eval()
    torch.nn.init.normal_(made.out.weight)
    torch.nn.init.normal_(made.pool.query)
    return made


def test_a_word_is_the_sum_of_its_features() -> None:
    torch.manual_seed(0)
    module = NgramVectors(FEATURES - 5, 4, 0.3, 0.3).eval()  # the rarest have no vector
    bags = UNITS.encode(TEXTS)[0]
    found = module(Words.of(tensors(TEXTS)))
    ends = [0, *bags.ends]
    vectors = []
    for a, b in pairwise(ends):
        known = [i for i in bags.ids[a:b] if i < FEATURES - 5]
        vectors.append(sum(module.weight[i] for i in known) / np.sqrt(max(1, len(known))) + torch.zeros(4))
    at = 0
    for row, text in enumerate(TEXTS):
        count = len(word_spans(text))
        torch.testing.assert_close(found[row, :count], torch.stack([*vectors[at : at + count], torch.zeros(4)])[:count])
        assert (found[row, count:] == 0).all()
        at += count


def test_words_and_features_are_left_away_in_training_alone() -> None:
    module, words = NgramVectors(FEATURES, 4, 0.5, 0.5), Words.of(tensors(TEXTS * 20))
    dropped = (module(words)[words.grid < len(words.starts)] == 0).all(1).float().mean()
    assert 0.4 < dropped < 0.75
    assert torch.equal(module.eval()(words), module(words))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_text_does_not_depend_on_its_neighbours(name: str) -> None:
    model = network(name)
    together = model(tensors(TEXTS))
    assert together.isfinite().all()
    alone = torch.cat([model(tensors([text])) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_leaves_its_sites_on_whole_texts(name: str) -> None:
    model, texts = network(name), TEXTS[:3]
    with af.recording(model) as heard:
        model(tensors(texts))
    sites = {site.role: site for site in heard.record().unfolded().sites}
    assert (sites["pool"].queries, sites["pool"].keys) == (LABEL, WORDS)
    assert sites["pool"].weights.shape[2:] == (1, 7)
    np.testing.assert_allclose(sites["pool"].weights.sum(-1), 1, atol=1e-5)
    if name != "recurrent":
        assert sites["self"].weights.shape[2:] == (7, 7)
    if name == "windows":  # the second word sees the first, the fourth does not
        seen = sites["self"].weights[1].sum(0) > 0
        assert seen.tolist() == [[i // 3 == j // 3 for j in range(7)] for i in range(7)]


def test_windows_do_not_touch_short_texts() -> None:
    whole, cut = network("transformer"), network("windows")
    short, long = tensors(["a good film"]), tensors(["a dull film with a good end"])
    assert torch.equal(whole(short), cut(short))
    assert not torch.allclose(whole(long), cut(long))


def test_training_begins_with_the_line() -> None:
    settings = TextTransformerSettings(width=16, heads=2, feedforward=32)
    model = TextTransformer(settings, FEATURES, FEATURES, LABELS, line()).eval()
    bags, given = UNITS.encode(TEXTS)[0], line()
    expected = []
    stops = [0, *np.append(0, bags.ends)[bags.texts]]
    for a, b in pairwise(stops):
        values = torch.from_numpy(bags.values[a:b])
        expected.append(values @ given.weights[bags.ids[a:b].tolist()] + given.bias)
    torch.testing.assert_close(model(tensors(TEXTS)), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_in_training_lines_speak_that_did_not_see_the_text_or_keep_silent() -> None:
    settings = TextTransformerSettings(width=16, heads=2, feedforward=32, line_dropout=0.5)
    model = TextTransformer(settings, FEATURES, FEATURES, LABELS, line()).train()
    texts = TEXTS[:1] * 400
    logits = model({**tensors(texts), "unseen": torch.tensor([[1.0, 2.0, 3.0]]).expand(400, -1)})
    spoken = (logits == torch.tensor([1.0, 2.0, 3.0])).all(1)
    assert ((logits == 0).all(1) | spoken).all()
    assert 0.4 < spoken.float().mean() < 0.6


def test_the_line_is_not_trained() -> None:
    model = network("transformer").train()
    names = {name for name, _ in model.named_parameters()}
    assert "line" not in names
    assert {"scale", "out.weight", "vectors.weight"} <= names
    model(tensors(TEXTS)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


def test_without_a_line_there_is_none() -> None:
    settings = TextTransformerSettings(width=16, heads=2, feedforward=32, line=False)
    model = TextTransformer(settings, FEATURES, FEATURES, LABELS, None)
    assert "line" not in model.state_dict()
    assert model(tensors(TEXTS)).shape == (len(TEXTS), LABELS)
