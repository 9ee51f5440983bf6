"""How well text is foreseen: bits per character, nats and perplexity per unit; and what simple methods reach."""

from __future__ import annotations

import math

import numpy as np

from attentionflow.models.ngrams import NgramModel
from attentionflow.readers.units import Units
from attentionflow.task import Score

LONGEST = {"characters": 7, "bytes": 7, "bpe": 4, "words": 5}  # n-grams; longer ones were no better


def foresight(nats: float, units: int, characters: int, unit: str) -> dict[str, Score]:
    """Of a text with so many units and characters, foreseen at a total cost of so many nats."""
    each = nats / max(1, units)
    return {
        "bits_per_character": Score(nats / math.log(2) / max(1, characters)),
        "nats": Score(each, signature=f"per {unit}"),
        "perplexity": Score(math.exp(min(each, 700)), signature=f"per {unit}"),
    }


def simple_foresight(train: np.ndarray, test: np.ndarray, characters: int, units: Units) -> dict[str, dict[str, Score]]:
    """What guessing, the frequency of units and smoothed n-grams reach; train and test are ids in a row."""
    count = len(units) - 1  # the first stands for no unit
    longest = LONGEST[units.kind]
    methods = {
        "every unit alike": len(test) * math.log(count),
        "frequency of the units": NgramModel.learn(train, count, 1).nats(test),
        f"n-grams up to {longest} (Kneser-Ney)": NgramModel.learn(train, count, longest).nats(test),
    }
    return {name: foresight(nats, len(test), characters, units.singular) for name, nats in methods.items()}
