"""What all tasks share that put labels on texts.

Letters: B batch, C labels, R reduced inputs, n words.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.text_encoder import LABEL, WORDS, TextClassifier, TextTransformer
from attentionflow.readers.batches import token_batches
from attentionflow.readers.finding import Finding
from attentionflow.readers.label_checks import check_texts
from attentionflow.readers.labelled_texts import LabelledText, ReadLabels, fill_splits, read_inputs, read_texts
from attentionflow.readers.ngrams import Ngrams
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Batch, Loss, Prediction, Score
from attentionflow.tasks._labelling import LabelTask
from attentionflow.tasks._labels import Labels, label_names
from attentionflow.tasks._simple_classifiers import most_frequent, support_vectors
from attentionflow.tasks._text_line import FittedLines, fit_lines, fold_of
from attentionflow.tasks._units import TokenUnits, Units, WordUnits

PREDICTION_WORDS = 8192  # of a batch at least, where nothing is learned


class LabellingSettings(Settings):
    text: str = Field("text", description="column of the texts")
    label: str = Field("label", description="column of the labels")
    word_ngrams: int = Field(3, ge=1, le=5, description="words of the longest n-gram of words")
    shortest_ngram: int = Field(2, ge=1, description="characters of the shortest n-gram inside a word")
    longest_ngram: int = Field(5, ge=1, description="characters of the longest n-gram inside a word")
    features: int = Field(300_000, ge=1, description="most n-grams that are known: those that stand in most texts")
    pretrained: str = Field(
        "", description="folder or name on the Hub of a Hugging Face encoder to begin with; it reads tokens"
    )
    max_words: int = Field(
        4096, ge=3, description="words or tokens of a text that are read; what comes after is cut, and said"
    )
    batch_words: int = Field(
        1024, ge=1, description="texts of a batch times the words or tokens of its longest, at most"
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the true label that goes to the others")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


@dataclass(frozen=True)
class Encoded:
    """Units of each text, targets (N, C), fold (N,) without which a line is fitted, and rows: which example each is."""

    units: Any
    targets: np.ndarray
    fold: np.ndarray
    rows: np.ndarray


class TextLabelling(LabelTask[LabelledText, Encoded]):
    files = "a CSV, TSV, JSONL or Parquet table with text and label, or a folder of text files a label"
    settings_type: ClassVar[type[Settings]] = LabellingSettings
    unit = "words"
    column = "text"

    settings: LabellingSettings
    units: Units
    lines: FittedLines | None = None  # what the network begins with; the whole of it is saved as its part
    _training: Encoded | None = None
    _refit = False

    @property
    @abstractmethod
    def read_labels(self) -> ReadLabels:
        """What a cell of the label column says."""

    @abstractmethod
    def labels_of(self, names: Sequence[str]) -> Labels:
        """Of these names."""

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[LabelledText]], list[str]]:
        module = module_for(data, self.name)
        splits, notes = module.read(seed) if module else (self.read_files(Path(data)), [])
        filled, held = fill_splits(splits, self.settings.held_out, seed)
        return filled, [*notes, *held]

    def read_files(self, path: Path) -> Mapping[str, Sequence[LabelledText]]:
        return read_texts(path, self.settings.text, self.settings.label, self.read_labels)

    def read_inputs(self, path: Path) -> Sequence[LabelledText]:
        return read_inputs(path, self.settings.text)

    def example(self, given: Any) -> LabelledText:
        if not isinstance(given, str):
            raise TypeError(f"a text to label must be a string, got {type(given).__name__}")
        return LabelledText(given.strip(), None, "")

    def check(self, splits: Mapping[str, Sequence[LabelledText]]) -> list[Finding]:
        return check_texts(splits)

    # Learning before training, and after it

    def learn(self, examples: Sequence[LabelledText]) -> None:
        settings = self.settings
        self.labels = self.labels_of(label_names(one.labels for one in examples))
        if settings.pretrained:
            self.units = TokenUnits.of_pretrained(settings.pretrained, settings.max_words)
            return
        if settings.shortest_ngram > settings.longest_ngram:
            raise UserError(f"shortest_ngram={settings.shortest_ngram} is over longest_ngram={settings.longest_ngram}")
        sizes = settings.shortest_ngram, settings.longest_ngram
        texts = [one.text for one in examples if one.labels]
        self.units = WordUnits(Ngrams.learn(texts, settings.word_ngrams, sizes, settings.features), settings.max_words)

    def conclude(self, model: TextClassifier, examples: Sequence[LabelledText]) -> list[str]:
        """The line of the chosen strength is fitted to training and validation texts together."""
        if self.lines is None or not self._refit or self._training is None:
            return []
        assert isinstance(self.units, WordUnits)
        assert isinstance(model, TextTransformer)
        more, _ = self.prepare(examples, training=False)
        known = np.flatnonzero(~np.isnan(more.targets).any(1))
        units, targets = more.units[known], more.targets[known]
        both = self._training.units + units, np.append(self._training.targets, targets, axis=0)
        model.set_line(self.lines.with_more(both[0], self.units.ngrams, both[1]))
        return [f"the line was fitted to the {len(known):,} validation texts too, once they were scored"]

    def save(self, folder: Path) -> list[str]:
        return [self.save_labels(folder), *self.units.save(folder)]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.load_labels(folder, task.labels_of)
        kind = TokenUnits if task.settings.pretrained else WordUnits
        task.units = kind.load(folder, task.settings.max_words)
        return task

    # Batches

    def prepare(self, examples: Sequence[LabelledText], training: bool) -> tuple[Encoded, list[str]]:
        examples = list(examples)
        units, counts = self.units.encode([one.text for one in examples])
        targets = self.labels.targets(one.labels for one in examples)
        notes = []
        empty = np.array([not one.text.strip() for one in examples], bool) | (counts == 0)
        long, strange = counts > self.units.most, np.isnan(targets).any(1)
        given = np.array([one.labels is not None for one in examples], bool)
        out = empty | strange if training else np.zeros(len(examples), bool)
        fate = "left out of training" if training else "always counted as wrong"
        for fault, hit, then in (
            ("without a word", empty, "left out of training" if training else "judged by nothing"),
            (f"longer than {self.units.most} {self.units.name}", long, "cut"),
            ("without a known label", strange & given, fate),
        ):
            if hit.any():
                places = [one.where or repr(one.text[:40]) for one, at in zip(examples, hit, strict=True) if at]
                notes.append(f"{hit.sum():,} texts {fault} are {then}: {', '.join(places[:5])}")
        rows = np.flatnonzero(~out)
        fold = fold_of([examples[row].text for row in rows]) if training else np.zeros(len(rows), int)
        encoded = Encoded(units[rows], targets[rows], fold, rows)
        if training:
            self._training = encoded
        return encoded, notes

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        least = PREDICTION_WORDS if epoch is None else 0
        lengths = np.maximum(prepared.units.lengths, 1)[:, None]
        return token_batches(lengths, max(self.settings.batch_words, least), seed, epoch)

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        units = prepared.units[indices]
        unseen = self.lines.unseen(units, prepared.fold[indices]) if self.lines and epoch is not None else None
        targets = torch.from_numpy(prepared.targets[indices])
        tensors = {**self.units.tensors(units), "unseen": unseen, "targets": targets}
        return Batch(prepared.rows[indices], int(units.lengths.sum()), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        """Where training texts were prepared, with a line fitted to them, or with weights of a pretrained encoder."""
        build, outputs, training = self.architectures[architecture].build, len(self.labels.names), self._training
        if isinstance(self.units, TokenUnits):
            return build(settings, self.units.config, self.units.source, outputs)
        assert isinstance(self.units, WordUnits)
        features, repeated = len(self.units.ngrams), self.units.ngrams.repeated
        if getattr(settings, "line", False) and training is not None:

            def loss(logits: Tensor, targets: Tensor) -> Tensor:
                return self.labels.loss(logits, targets, 0.0)

            self._refit = getattr(settings, "refit", False)
            self.lines = fit_lines(training.units, self.units.ngrams, training.targets, training.fold, loss)
        return build(settings, features, repeated, outputs, self.lines.whole if self.lines else None)

    def losses(self, model: TextClassifier, batch: Batch) -> dict[str, Loss]:
        targets = batch["targets"]
        known = ~targets.isnan().any(1)
        smoothing = self.settings.label_smoothing if model.training else 0.0
        total = self.labels.loss(model(batch.tensors)[known], targets[known], smoothing)
        return {"nats": Loss(total, int(known.sum()))}

    def logits(self, model: TextClassifier, batch: Batch) -> Tensor:
        return model(batch.tensors)

    def shown(self, example: LabelledText) -> str:
        return example.text

    def truth(self, example: LabelledText) -> tuple[str, ...] | None:
        return example.labels

    # Judging

    def baselines(self, train: Sequence[LabelledText], test: Sequence[LabelledText]) -> dict[str, dict[str, Score]]:
        labels = self.labels_of(label_names(one.labels for one in train))
        known = [one for one in train if one.labels or (labels.several and one.labels is not None)]
        texts, given, truth = [o.text for o in known], [o.labels or () for o in known], [o.labels or () for o in test]
        usual = most_frequent(given)
        guess = labels.certain(usual, given.count(usual) / len(given))
        found, _ = support_vectors(texts, given, [one.text for one in test], labels.several)
        answers = [labels.certain(one) for one in found]
        return {
            "the most frequent label": labels.scores([guess] * len(test), truth, cheap=True),
            "linear support vector machine on TF-IDF": labels.scores(answers, truth, cheap=True),
        }

    # Looking

    def replay(
        self, model: TextClassifier, examples: Sequence[LabelledText], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        units, _ = self.units.encode([one.text for one in examples])
        logits = self._logits(model, units)
        return self.labels.log_probability(logits, [one.raw.chosen for one in predictions]) if scored else None

    def axes(self, examples: Iterable[LabelledText], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        outputs = [one.output if isinstance(one.output, str) else " | ".join(one.output) or "-" for one in predictions]
        return {
            WORDS: [self.units.axis(one.text) for one in examples],
            LABEL: [Axis("label", (output,)) for output in outputs],
        }

    def rescore(self, model: TextClassifier, example: LabelledText, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """What is taken out: see `Units.reduced`."""
        logits = self._logits(model, self.units.reduced(example.text, kept))
        return self.labels.log_probability(logits, [prediction.raw.chosen] * len(kept)).mean(1)

    def _logits(self, model: TextClassifier, units: Any) -> Tensor:
        device = next(model.parameters()).device
        tensors = {**self.units.tensors(units), "unseen": None}
        moved = {name: None if tensor is None else tensor.to(device) for name, tensor in tensors.items()}
        return model(moved) / self.temperature
