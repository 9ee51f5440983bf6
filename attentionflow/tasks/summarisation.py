"""Summarisation: a document or a dialogue in, a short text that says what matters in it out.

Letters: B batch, S source tokens, T target tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from attentionflow.models.pointer_recurrent import PointerRecurrent, PointerRecurrentSettings
from attentionflow.models.pointer_transformer import PointerTransformer, PointerTransformerSettings
from attentionflow.readers.finding import Finding
from attentionflow.readers.pairs import COLUMNS, Pair
from attentionflow.readers.summary_checks import check_summaries
from attentionflow.readers.table import table_kind
from attentionflow.readers.text import read_text
from attentionflow.readers.vocabulary import END, Vocabulary
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Prediction, Score
from attentionflow.tasks._letter_case import LetterCase
from attentionflow.tasks._nearest import NearestTarget
from attentionflow.tasks._rouge import rouge_scores
from attentionflow.tasks._simple_summaries import first, longest
from attentionflow.tasks._text_to_text import Encoded, TextOptions, TextSettings, TextToText, places

UTTERANCES = 3  # of the simple summaries


class SummarisationSettings(TextSettings):
    source: str | None = Field(None, description="the table's column of texts, or the extension of their files")
    target: str | None = Field(None, description="the table's column of summaries, or the extension of their files")
    batch_tokens: int = Field(2048, ge=16, description="texts of a batch times the longest of them, at most")
    max_source: int = Field(400, ge=4, description="most tokens of a text; what comes after them is cut off, and said")
    max_target: int = Field(100, ge=4, description="most tokens of a summary; longer ones are not trained on, and said")
    lowercase: bool = Field(True, description="read and write in lower case; the summary gets its case back at the end")


class SummarisationOptions(TextOptions):
    limit_ratio: float = Field(1.0, gt=0, description="a hypothesis has at most this times the source's tokens, + 16")
    no_repeat: int = Field(3, ge=0, description="no so many tokens in a row come twice in a hypothesis; 0: they may")


class Summarisation(TextToText):
    name = "summarisation"
    summary = "a document or a dialogue to a short summary"
    files = "a CSV, TSV, JSONL or Parquet table with source and target (or document, dialogue, article ... and summary)"
    settings_type = SummarisationSettings
    options_type = SummarisationOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "transformer": Architecture(
            PointerTransformer,
            PointerTransformerSettings,
            {"learning_rate": 2e-3},
            "norm-first transformer encoder-decoder with a pointer that copies",
        ),
        "classic": Architecture(
            PointerRecurrent,
            PointerRecurrentSettings,
            {"learning_rate": 2e-3},
            "pointer-generator: LSTM with additive attention, copying and coverage",
        ),
    }
    embedded = "arrangements"
    one_a_line = False
    deciding = "rougeL"
    columns = (
        *COLUMNS,
        ("document", "summary"),
        ("dialogue", "highlights"),
        ("article", "abstract"),
        ("text", "title"),
    )

    settings: SummarisationSettings
    letter_case: LetterCase | None = None

    # Reading

    def read_inputs(self, path: Path) -> Sequence[Pair]:
        """A table's column, or a text file, which is one text."""
        return super().read_inputs(path) if table_kind(path) else [Pair(read_text(path).strip(), None, path.name)]

    def example(self, given: Any) -> Pair:
        if not isinstance(given, str):
            raise TypeError(f"a text to summarise must be a string, got {type(given).__name__}")
        return Pair(given.strip(), None, "")

    def check(self, splits: Mapping[str, Sequence[Pair]]) -> list[Finding]:
        return check_summaries(splits, self.settings.max_source, self.settings.max_target)

    # Learning before training

    def learn(self, examples: Sequence[Pair]) -> None:
        texts = [text for pair in examples for text in (pair.source, pair.target or "")]
        lowercase = self.settings.lowercase
        self.vocabulary = Vocabulary.learn(texts, self.settings.vocabulary, lowercase=lowercase, loose=True)
        self.letter_case = LetterCase.learn(pair.target or "" for pair in examples) if lowercase else None

    def save(self, folder: Path) -> list[str]:
        files = super().save(folder)
        if self.letter_case is not None:
            self.letter_case.save(folder / "letter_case.json")
            files.append("letter_case.json")
        return files

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = super().load(settings, folder)
        if task.settings.lowercase:
            task.letter_case = LetterCase.load(folder / "letter_case.json")
        return task

    # Batches

    def prepare(self, examples: Sequence[Pair], training: bool) -> tuple[Encoded, list[str]]:
        pairs, most = list(examples), self.settings.max_target - 1
        sources, targets = self.encode(pairs)
        empty = [training and not (s and t) for s, t in zip(sources, targets, strict=True)]
        longer = [training and len(t) > most for t in targets]
        cut = [len(s) > self.most_source for s in sources]
        notes = []
        for fault, hit in (
            ("with an empty side are left out of training", empty),
            (f"with a summary of more than max_target={most + 1} tokens are left out of training", longer),
            (f"with a text of more than max_source={self.most_source + 1} tokens have its end cut off", cut),
        ):
            if any(hit):
                notes.append(f"{sum(hit)} pairs {fault}: {places(pairs, hit)}")
        rows = np.flatnonzero(~(np.array(empty, bool) | np.array(longer, bool)))
        read = [[*sources[row][: self.most_source], END] for row in rows]
        return Encoded(read, [targets[row][:most] for row in rows], rows), notes

    @property
    def most_source(self) -> int:
        return self.settings.max_source - 1

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        sizes = len(self.vocabulary), "source", "target", self.vocabulary.line_end
        return self.architectures[architecture].build(settings, *sizes)

    def limits(self, lengths: Tensor, options: TextOptions) -> Tensor:
        return super().limits(lengths, options).clamp_max(self.settings.max_target - 1)

    def finished(self, text: str, pair: Pair) -> str:
        text = re.sub(r" ?\n ?", "\n", text).strip()
        return text if self.letter_case is None else self.letter_case(text, pair.source)

    # Judging

    @property
    def validation_options(self) -> SummarisationOptions:
        return SummarisationOptions(beams=1)

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[Pair], cheap: bool) -> dict[str, Score]:
        references = [pair.target or "" for pair in examples]
        return rouge_scores([p.output for p in predictions], references, intervals=not cheap)

    def baselines(self, train: Sequence[Pair], test: Sequence[Pair]) -> dict[str, dict[str, Score]]:
        memory = NearestTarget(train)
        simple: dict[str, Callable[[str], str]] = {
            f"the first {UTTERANCES} sentences or turns (LEAD-{UTTERANCES})": lambda text: first(text, UTTERANCES),
            f"the {UTTERANCES} longest (LONGEST-{UTTERANCES})": lambda text: longest(text, UTTERANCES),
            "summary of the most similar training text": memory,
        }
        return {
            name: self.metrics([Prediction(pair.source, write(pair.source)) for pair in test], test, cheap=True)
            for name, write in simple.items()
        }
