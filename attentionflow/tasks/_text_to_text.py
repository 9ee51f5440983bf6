"""What tasks share that turn a text into a text with an encoder-decoder: reading, batches, search, looking.

Letters: B batch, S source tokens, T target tokens.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.models.decoding import Hypothesis, beam_search, sample
from attentionflow.models.seq2seq import Seq2Seq
from attentionflow.readers.batches import token_batches
from attentionflow.readers.pairs import COLUMNS, Pair, fill_splits, read_inputs, read_pairs
from attentionflow.readers.vocabulary import END, START, Vocabulary
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Batch, Loss, Prediction, Task
from attentionflow.tasks._padding import pad

PREDICTION_TOKENS = 2048  # of a batch at least, where nothing is learned
PLACES = 5  # named in a note


class TextSettings(Settings):
    source: str | None = Field(None, description="source language (train.en: en), or the table's source column")
    target: str | None = Field(None, description="target language, or the table's target column")
    vocabulary: int = Field(6000, ge=128, description="most sub-words, shared by both sides")
    batch_tokens: int = Field(2048, ge=16, description="sentences of a batch times its longest side, at most")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the target that is spread evenly")
    held_out: float = Field(0.05, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class TextOptions(Settings):
    beams: int = Field(5, ge=1, description="hypotheses kept open by beam search; 1 is greedy")
    length_penalty: float = Field(1.0, ge=0, description="hypotheses compare by log-probability / length to this power")
    threshold: float = Field(3.0, gt=0, description="hypotheses so many nats behind the best are given up; inf: none")
    temperature: float | None = Field(None, gt=0, description="draw each token instead, at this temperature")
    seed: int = Field(0, description="of the draws")
    limit_ratio: float = Field(2.0, gt=0, description="a hypothesis has at most this times the source's tokens, + 16")
    shortest: int = Field(0, ge=0, description="a hypothesis has at least so many tokens")
    no_repeat: int = Field(0, ge=0, description="no so many tokens in a row come twice in a hypothesis; 0: they may")


@dataclass(frozen=True)
class Encoded:
    """Token ids of each pair, source with its end token; rows: which example each is."""

    sources: list[list[int]]
    targets: list[list[int]]
    rows: np.ndarray


class TextToText(Task[Pair, Encoded]):
    """Everything but what a task says of itself, how a text becomes tokens, and how an answer is judged."""

    columns: ClassVar[Sequence[tuple[str, str]]] = COLUMNS  # usual names of a table's two columns
    higher_is_better = True
    unit = "tokens"

    settings: Any  # a TextSettings
    vocabulary: Vocabulary

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Pair]], list[str]]:
        chosen = self.settings.source, self.settings.target
        module = module_for(data, self.name)
        splits = module.read(*chosen, seed) if module else read_pairs(data, *chosen, self.columns)
        filled, notes = fill_splits(splits, self.settings.held_out, seed)
        return filled, [*getattr(module, "NOTES", ()), *notes]

    def read_inputs(self, path: Path) -> Sequence[Pair]:
        return read_inputs(path, self.settings.source, self.columns)

    # Learning before training

    def save(self, folder: Path) -> list[str]:
        self.vocabulary.save(folder / "vocabulary.json")
        return ["vocabulary.json"]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.vocabulary = Vocabulary.load(folder / "vocabulary.json")
        return task

    # Batches

    def encode(self, pairs: Sequence[Pair]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of all sources and of all targets, without start and end."""
        sources = self.vocabulary.encode(pair.source for pair in pairs)
        return sources, self.vocabulary.encode(pair.target or "" for pair in pairs)

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        sides = [(len(s), len(t) + 1) for s, t in zip(prepared.sources, prepared.targets, strict=True)]
        lengths = np.array(sides).reshape(-1, 2)
        # Without a backward pass there is room for more at a time.
        least = PREDICTION_TOKENS if epoch is None else 0
        return token_batches(lengths, max(self.settings.batch_tokens, least), seed, epoch)

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        sources = [prepared.sources[i] for i in indices]
        targets = [prepared.targets[i] for i in indices]
        source, mask = pad(sources)
        inputs, _ = pad([[START, *target] for target in targets])
        answers, present = pad([[*target, END] for target in targets])
        tensors = {"source": source, "mask": mask, "inputs": inputs, "answers": answers, "present": present}
        return Batch(prepared.rows[indices], sum(len(t) + 1 for t in targets), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, len(self.vocabulary), "source", "target")

    def losses(self, model: Seq2Seq, batch: Batch) -> dict[str, Loss]:
        smoothing = self.settings.label_smoothing if model.training else 0.0
        answers, present = batch["answers"], batch.get("present")
        count = answers.numel() if present is None else int(present.sum())
        found = model.losses(batch["source"], batch.get("mask"), batch["inputs"], answers, present, smoothing)
        return {name: Loss(total, count) for name, total in found.items()}

    def predict(self, model: Seq2Seq, batch: Batch, examples: Sequence[Pair], options: TextOptions) -> list[Prediction]:
        found = self._search(model, batch, options)
        # Nothing in, nothing out: no model was trained on that.
        nothing = Hypothesis((), 0.0, True)
        found = [h if pair.source else nothing for h, pair in zip(found, examples, strict=True)]
        texts = self.vocabulary.decode(h.tokens for h in found)
        return [
            Prediction(
                pair.source,
                self.finished(text, pair),
                h.score,
                pair.where,
                {} if h.ended else {"cut_off": True},
                raw=h.tokens,
            )
            for pair, text, h in zip(examples, texts, found, strict=True)
        ]

    def finished(self, text: str, pair: Pair) -> str:
        """The answer as it is given, from what its tokens read."""
        return text

    def limits(self, lengths: Tensor, options: TextOptions) -> Tensor:
        """Most tokens (B,) of an answer to sources of so many tokens (B,)."""
        return (lengths * options.limit_ratio + 16).long()

    def _search(self, model: Seq2Seq, batch: Batch, options: TextOptions) -> list[Hypothesis]:
        source, mask = batch["source"], batch.get("mask")
        lengths = torch.full((len(source),), source.shape[1]) if mask is None else mask.sum(1).cpu()
        bounds: dict[str, Any] = {
            "start": START,
            "end": END,
            "limits": self.limits(lengths, options),
            "least": options.shortest,
            "no_repeat": options.no_repeat,
        }
        if options.temperature is None:
            return beam_search(
                model,
                source,
                mask,
                **bounds,
                beams=options.beams,
                length_penalty=options.length_penalty,
                threshold=options.threshold,
            )
        seeds = (options.seed * 1_000_003 + int(row) for row in batch.indices)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return sample(model, source, mask, **bounds, temperature=options.temperature, generators=generators)

    # Looking

    def replay(
        self, model: Seq2Seq, examples: Sequence[Pair], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        sources = self.prepare(examples, training=False)[0].sources
        batch = self._batch(model, sources, [list(p.raw) for p in predictions])
        if scored:
            return _scores(model, batch)
        model(batch["source"], batch.get("mask"), batch["inputs"])
        return None

    def axes(self, examples: Iterable[Pair], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """A position of the target is a decoder step, labelled with the token that it writes."""
        return {
            "source": self.vocabulary.axes((pair.source for pair in examples), self.most_source),
            "target": self.vocabulary.axes_of(prediction.raw for prediction in predictions),
        }

    @property
    @abstractmethod
    def most_source(self) -> int:
        """Tokens of a source that are read, its end token not counted."""

    def rescore(self, model: Seq2Seq, example: Pair, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A token is taken out by leaving it away; the end token stays."""
        source = np.array(self.prepare([example], training=False)[0].sources[0])
        sources = [[*source[:-1][row].tolist(), END] for row in kept[:, :-1]]
        return _scores(model, self._batch(model, sources, [list(prediction.raw)] * len(sources))).mean(1)

    def _batch(self, model: Seq2Seq, sources: list[list[int]], targets: list[list[int]]) -> Batch:
        written = Encoded(sources, targets, np.arange(len(sources)))
        return self.collate(written, written.rows, 0, None).to(model.output.device)


def places(pairs: Sequence[Pair], hit: Sequence[bool]) -> str:
    """How many pairs a note is about, and where the first of them stand is said after it."""
    found = [pair.where or repr(pair.source[:40]) for pair, at in zip(pairs, hit, strict=True) if at]
    return ", ".join(found[:PLACES])


def _scores(model: Seq2Seq, batch: Batch) -> Tensor:
    """Log-probability of each token of each target, its end token included, (B, T), 0 on padding."""
    scores = model.answered(batch["source"], batch.get("mask"), batch["inputs"], batch["answers"])
    present = batch.get("present")
    return scores if present is None else scores * present
