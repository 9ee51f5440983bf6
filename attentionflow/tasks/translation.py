"""Machine translation: pairs of texts in, translated text out.

Letters: B batch, S source tokens, T target tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.models.decoding import Hypothesis, beam_search, sample
from attentionflow.models.recurrent import Recurrent, RecurrentSettings
from attentionflow.models.seq2seq import Seq2Seq
from attentionflow.models.transformer import Transformer, TransformerSettings
from attentionflow.nn.loss import linear_cross_entropy
from attentionflow.readers.batches import token_batches
from attentionflow.readers.finding import Finding
from attentionflow.readers.pairs import Pair, check_pairs, fill_splits, read_inputs, read_pairs
from attentionflow.readers.vocabulary import END, PAD, START, Vocabulary
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._nearest import NearestTarget
from attentionflow.tasks._text_scores import translation_scores

PREDICTION_TOKENS = 2048  # of a batch at least, where nothing is learned


class TranslationSettings(Settings):
    source: str | None = Field(None, description="source language (train.en: en), or the table's source column")
    target: str | None = Field(None, description="target language, or the table's target column")
    vocabulary: int = Field(6000, ge=128, description="most sub-words, shared by both sides")
    batch_tokens: int = Field(2048, ge=16, description="sentences of a batch times its longest side, at most")
    max_length: int = Field(256, ge=4, description="most tokens of a side; longer pairs are not trained on, and said")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target that is spread evenly")
    held_out: float = Field(0.05, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class TranslationOptions(Settings):
    beams: int = Field(5, ge=1, description="hypotheses kept open by beam search; 1 is greedy")
    length_penalty: float = Field(1.0, ge=0, description="hypotheses compare by log-probability / length to this power")
    threshold: float = Field(3.0, gt=0, description="hypotheses so many nats behind the best are given up; inf: none")
    temperature: float | None = Field(None, gt=0, description="draw each token instead, at this temperature")
    seed: int = Field(0, description="of the draws")
    limit_ratio: float = Field(2.0, gt=0, description="a hypothesis has at most this times the source's tokens, + 16")


@dataclass(frozen=True)
class Encoded:
    """Token ids of each pair, source with its end token; rows: which example each is."""

    sources: list[list[int]]
    targets: list[list[int]]
    rows: np.ndarray


class Translation(Task[Pair, Encoded]):
    name = "translation"
    summary = "text in one language to text in another"
    files = "a folder with train.en train.de val.en ..., or a CSV, TSV, JSONL or Parquet table with source and target"
    settings_type = TranslationSettings
    options_type = TranslationOptions
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
    higher_is_better = True
    unit = "tokens"

    settings: TranslationSettings
    vocabulary: Vocabulary

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Pair]], list[str]]:
        chosen = self.settings.source, self.settings.target
        module = module_for(data, self.name)
        splits = module.read(*chosen, seed) if module else read_pairs(data, *chosen)
        return fill_splits(splits, self.settings.held_out, seed)

    def read_inputs(self, path: Path) -> Sequence[Pair]:
        return read_inputs(path, self.settings.source)

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

    def save(self, folder: Path) -> list[str]:
        self.vocabulary.save(folder / "vocabulary.json")
        return ["vocabulary.json"]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.vocabulary = Vocabulary.load(folder / "vocabulary.json")
        return task

    # Batches

    def prepare(self, examples: Sequence[Pair], training: bool) -> tuple[Encoded, list[str]]:
        most = self.settings.max_length - 1
        pairs = list(examples)
        sources = self.vocabulary.encode(pair.source for pair in pairs)
        targets = self.vocabulary.encode(pair.target or "" for pair in pairs)
        longer = [max(len(s), len(t)) > most for s, t in zip(sources, targets, strict=True)]
        empty = [training and not (s and t) for s, t in zip(sources, targets, strict=True)]
        notes = []
        for fault, hit in (("with an empty side", empty), (f"longer than max_length={most + 1} tokens", longer)):
            if any(hit):
                places = [pair.where or repr(pair.source[:40]) for pair, at in zip(pairs, hit, strict=True) if at]
                fate = "left out of training" if training else "cut"
                notes.append(f"{sum(hit)} pairs {fault} are {fate}: {', '.join(places[:5])}")
        keep = ~(np.array(longer, bool) | np.array(empty, bool)) if training else np.ones(len(pairs), bool)
        rows = np.flatnonzero(keep)
        cut = [([*sources[row][:most], END], targets[row][:most]) for row in rows]
        return Encoded([s for s, _ in cut], [t for _, t in cut], rows), notes

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        sides = [(len(s), len(t) + 1) for s, t in zip(prepared.sources, prepared.targets, strict=True)]
        lengths = np.array(sides).reshape(-1, 2)
        # Without a backward pass there is room for more at a time.
        least = PREDICTION_TOKENS if epoch is None else 0
        return token_batches(lengths, max(self.settings.batch_tokens, least), seed, epoch)

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        sources = [prepared.sources[i] for i in indices]
        targets = [prepared.targets[i] for i in indices]
        source, mask = _pad(sources)
        inputs, _ = _pad([[START, *target] for target in targets])
        answers, present = _pad([[*target, END] for target in targets])
        tensors = {"source": source, "mask": mask, "inputs": inputs, "answers": answers, "present": present}
        return Batch(prepared.rows[indices], sum(len(t) + 1 for t in targets), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, len(self.vocabulary), "source", "target")

    def losses(self, model: Seq2Seq, batch: Batch) -> dict[str, Loss]:
        features = model(batch["source"], batch.get("mask"), batch["inputs"]).flatten(0, 1)
        answers, present = batch["answers"].flatten(), batch.get("present")
        if present is not None:
            at = present.flatten().nonzero()[:, 0]
            features, answers = features[at], answers[at]
        smoothing = self.settings.label_smoothing if model.training else 0.0
        return {"nats": Loss(linear_cross_entropy(features, model.output, answers, smoothing), len(answers))}

    def predict(
        self, model: Seq2Seq, batch: Batch, examples: Sequence[Pair], options: TranslationOptions
    ) -> list[Prediction]:
        source, mask = batch["source"], batch.get("mask")
        lengths = torch.full((len(source),), source.shape[1]) if mask is None else mask.sum(1).cpu()
        limits = (lengths * options.limit_ratio + 16).long()
        if options.temperature is None:
            found = beam_search(
                model,
                source,
                mask,
                start=START,
                end=END,
                limits=limits,
                beams=options.beams,
                length_penalty=options.length_penalty,
                threshold=options.threshold,
            )
        else:
            seeds = (options.seed * 1_000_003 + int(row) for row in batch.indices)
            found = sample(
                model,
                source,
                mask,
                start=START,
                end=END,
                limits=limits,
                temperature=options.temperature,
                generators=[torch.Generator().manual_seed(seed) for seed in seeds],
            )
        # Nothing in, nothing out: no model was trained on that.
        nothing = Hypothesis((), 0.0, True)
        found = [h if pair.source else nothing for h, pair in zip(found, examples, strict=True)]
        texts = self.vocabulary.decode(h.tokens for h in found)
        return [
            Prediction(pair.source, text, h.score, pair.where, {} if h.ended else {"cut_off": True}, raw=h.tokens)
            for pair, text, h in zip(examples, texts, found, strict=True)
        ]

    # Judging

    @property
    def validation_options(self) -> TranslationOptions:
        return TranslationOptions(beams=1)

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

    # Looking

    def replay(
        self, model: Seq2Seq, examples: Sequence[Pair], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        sources = self.prepare(examples, training=False)[0].sources
        features, batch = self._pass(model, sources, [list(p.raw) for p in predictions])
        return self._scores(model, features, batch) if scored else None

    def axes(self, examples: Iterable[Pair], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """A position of the target is a decoder step, labelled with the token that it writes."""
        most = self.settings.max_length - 1
        return {
            "source": self.vocabulary.axes((pair.source for pair in examples), most),
            "target": self.vocabulary.axes_of(prediction.raw for prediction in predictions),
        }

    def rescore(self, model: Seq2Seq, example: Pair, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A token is taken out by leaving it away; the end token stays."""
        source = np.array(self.prepare([example], training=False)[0].sources[0])
        sources = [[*source[:-1][row].tolist(), END] for row in kept[:, :-1]]
        written = list(prediction.raw)
        return self._scores(model, *self._pass(model, sources, [written] * len(sources))).mean(1)

    def _pass(self, model: Seq2Seq, sources: list[list[int]], targets: list[list[int]]) -> tuple[Tensor, Batch]:
        """Features (B, T, D) of each target, teacher-forced."""
        written = Encoded(sources, targets, np.arange(len(sources)))
        batch = self.collate(written, written.rows, 0, None).to(model.output.device)
        return model(batch["source"], batch.get("mask"), batch["inputs"]), batch

    def _scores(self, model: Seq2Seq, features: Tensor, batch: Batch) -> Tensor:
        """Log-probability of each token of each target, its end token included, (B, T)."""
        scores = (features @ model.output.T).log_softmax(-1).gather(-1, batch["answers"][..., None])[..., 0]
        present = batch.get("present")
        return scores if present is None else scores * present


def _pad(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor | None]:
    """Ids (B, longest), padded on the right, and where there are any (B, longest); None where there is no padding."""
    longest = max(map(len, rows))
    lengths = np.fromiter(map(len, rows), int, len(rows))
    ids = np.full((len(rows), longest), PAD)
    mask = np.arange(longest) < lengths[:, None]
    ids[mask] = np.concatenate([np.asarray(row, int) for row in rows])
    return torch.from_numpy(ids), None if (lengths == longest).all() else torch.from_numpy(mask)
