"""Machine translation: pairs of texts in, translated text out.

Letters: B batch, S source tokens, T target tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from attentionflow.models.recurrent import Recurrent, RecurrentSettings
from attentionflow.models.transformer import Transformer, TransformerSettings
from attentionflow.readers.finding import Finding
from attentionflow.readers.pairs import Pair, check_pairs
from attentionflow.readers.vocabulary import END, Vocabulary
from attentionflow.task import Architecture, Prediction, Score
from attentionflow.tasks._nearest import NearestTarget
from attentionflow.tasks._text_scores import translation_scores
from attentionflow.tasks._text_to_text import Encoded, TextOptions, TextSettings, TextToText, places


class TranslationSettings(TextSettings):
    max_length: int = Field(256, ge=4, description="most tokens of a side; longer pairs are not trained on, and said")


class Translation(TextToText):
    name = "translation"
    summary = "text in one language to text in another"
    files = "a folder with train.en train.de val.en ..., or a CSV, TSV, JSONL or Parquet table with source and target"
    settings_type = TranslationSettings
    options_type = TextOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "transformer": Architecture(
            Transformer, TransformerSettings, {"learning_rate": 3e-3}, "norm-first transformer encoder-decoder"
        ),
        "classic": Architecture(
            Recurrent, RecurrentSettings, {"learning_rate": 2e-3}, "LSTM encoder and decoder with additive attention"
        ),
    }
    embedded = "cldr"
    deciding = "bleu"

    settings: TranslationSettings

    # Reading

    def example(self, given: Any) -> Pair:
        if not isinstance(given, str):
            raise TypeError(f"a text to translate must be a string, got {type(given).__name__}")
        return Pair(given.strip(), None, "")

    def check(self, splits: Mapping[str, Sequence[Pair]]) -> list[Finding]:
        return check_pairs(splits)

    # Learning before training

    def learn(self, examples: Sequence[Pair]) -> None:
        texts = [text for pair in examples for text in (pair.source, pair.target or "")]
        self.vocabulary = Vocabulary.learn(texts, self.settings.vocabulary)

    # Batches

    def prepare(self, examples: Sequence[Pair], training: bool) -> tuple[Encoded, list[str]]:
        most = self.most_source
        pairs = list(examples)
        sources, targets = self.encode(pairs)
        longer = [max(len(s), len(t)) > most for s, t in zip(sources, targets, strict=True)]
        empty = [training and not (s and t) for s, t in zip(sources, targets, strict=True)]
        notes = []
        for fault, hit in (("with an empty side", empty), (f"longer than max_length={most + 1} tokens", longer)):
            if any(hit):
                fate = "left out of training" if training else "cut"
                notes.append(f"{sum(hit)} pairs {fault} are {fate}: {places(pairs, hit)}")
        keep = ~(np.array(longer, bool) | np.array(empty, bool)) if training else np.ones(len(pairs), bool)
        rows = np.flatnonzero(keep)
        cut = [([*sources[row][:most], END], targets[row][:most]) for row in rows]
        return Encoded([s for s, _ in cut], [t for _, t in cut], rows), notes

    @property
    def most_source(self) -> int:
        return self.settings.max_length - 1

    # Judging

    @property
    def validation_options(self) -> TextOptions:
        return TextOptions(beams=1)

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[Pair], cheap: bool) -> dict[str, Score]:
        references = [pair.target or "" for pair in examples]
        return translation_scores([p.output for p in predictions], references, bootstrap=0 if cheap else 1000)

    def baselines(self, train: Sequence[Pair], test: Sequence[Pair]) -> dict[str, dict[str, Score]]:
        memory = NearestTarget(train)
        copied = [Prediction(pair.source, pair.source) for pair in test]
        recalled = [Prediction(pair.source, memory(pair.source)) for pair in test]
        return {
            "copy of the source": self.metrics(copied, test, cheap=True),
            "target of the most similar training source": self.metrics(recalled, test, cheap=True),
        }
