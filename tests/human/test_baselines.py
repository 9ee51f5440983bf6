"""Word features and their regression on other texts."""

from __future__ import annotations

import numpy as np
import pytest

from attentionflow.errors import UserError
from attentionflow.human.baselines import FEATURES, chance, features, regression

pytest.importorskip("wordfreq", reason="word frequencies need the extra human")


def test_features_of_english_and_chinese_words() -> None:
    length, rarity, position = features(["the", "people", "discombobulated"], "en")
    assert length.tolist() == [3, 6, 15]
    assert rarity[0] < rarity[1] < rarity[2]
    assert position.tolist() == [3, 2, 1]
    assert features(["的", "犹豫"], "zh")[1].argmax() == 1
    assert len(FEATURES) == len(features(["a"], "en"))


def test_the_regression_finds_what_texts_share_and_never_sees_its_own() -> None:
    draw = np.random.default_rng(0)
    texts = [np.stack([draw.integers(1, 12, 9).astype(float), draw.random(9), np.arange(9.0)]) for _ in range(20)]
    people = [one[0] / one[0].sum() for one in texts]
    found = regression(texts, people)
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(found, people, strict=True)]) > 0.99
    changed = regression(texts, [people[0][::-1].copy(), *people[1:]])
    assert changed[0].tolist() == found[0].tolist()  # text 0 is predicted from other folds
    assert changed[1].tolist() != found[1].tolist()


def test_words_not_known_are_not_learned_from() -> None:
    texts = [np.ones((3, 4)) * i for i in range(1, 5)]
    people = [np.array([0.25, 0.25, 0.25, np.nan])] * 4
    assert all(np.isfinite(one).all() for one in regression(texts, people))


def test_one_text_alone_cannot_be_regressed() -> None:
    with pytest.raises(UserError, match="two texts"):
        regression([np.ones((3, 4))], [np.ones(4)])


def test_chance_depends_on_its_seed_alone() -> None:
    assert chance(5, (0, 3)).tolist() == chance(5, (0, 3)).tolist()
    assert chance(5, (0, 3)).tolist() != chance(5, (0, 4)).tolist()
