"""Text generation: running text in, what comes next out, written unit by unit.

A model reads at most `context` positions at once. Every unit of a text is scored once, from at least half a context
before it where the text has as much; what is written is written just so.

Letters: B batch, W windows, L positions of a window, R reduced inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import listener
from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.causal_transformer import CausalTransformer, CausalTransformerSettings
from attentionflow.models.counted import Counted
from attentionflow.models.language_model import LanguageModel
from attentionflow.models.ngrams import NgramModel
from attentionflow.models.recurrent_language_model import RecurrentLanguageModel, RecurrentLanguageModelSettings
from attentionflow.readers.finding import Finding
from attentionflow.readers.passage_checks import check_passages
from attentionflow.readers.passages import Cut, Passage, blocks, hold_out_end, read_passages, read_prompts
from attentionflow.readers.units import KINDS, SPECIAL, Kind, Units, load_units
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._generation_scores import foresight, simple_foresight
from attentionflow.tasks._text_encoding import Encoded, one_by_one, running, side_by_side
from attentionflow.tasks._text_windows import Windows, cut_windows, training_tensors
from attentionflow.tasks._writing import Piece, write

STREAM = "text"
UNITS, COUNTS = "units.json", "counts.safetensors"
SCORED_UNITS = 8192  # of a batch at least, where nothing is learned
BYTES = {"characters": 1, "bytes": 1, "bpe": 3, "words": 5}  # of a unit, about


class TextGenerationSettings(Settings):
    units: Kind = Field("characters", description="what text is written in: characters, bytes, bpe (byte pairs), words")
    vocabulary: int = Field(4096, ge=2, description="most different units; bytes are always 256")
    context: int = Field(256, ge=4, description="positions that are looked at, at most")
    column: str = Field("text", description="of a table, the column that holds the texts")
    batch_units: int = Field(4096, ge=4, description="units of a batch, about")
    ngrams: int = Field(0, ge=0, le=16, description="length up to which n-gram counts are mixed in; 0: none")
    masked: float = Field(
        0.01, ge=0, lt=1, description="share of the units that are hidden in training, so that unknown ones are met"
    )
    held_out: float = Field(
        0.1, gt=0, lt=0.5, description="share of the text cut off its end for test, and for val, where they are missing"
    )


class TextGenerationOptions(Settings):
    length: int = Field(200, ge=1, description="most units that are written")
    temperature: float = Field(0.8, ge=0, description="below 1 the likely is preferred; 0 writes the likeliest alone")
    top_k: int | None = Field(None, ge=1, description="draw among so many of the likeliest units")
    top_p: float = Field(
        0.95, gt=0, le=1, description="draw among the fewest units that are together as likely as this"
    )
    stop: str = Field("", description=r"texts that end the writing and are left out, with | between; \n ends a line")
    seed: int = Field(0, description="of the draws")

    @property
    def stops(self) -> list[str]:
        return [stop.replace(r"\n", "\n").replace(r"\t", "\t") for stop in self.stop.split("|") if stop]


@dataclass(frozen=True)
class Answer:
    """The units of an answer, and how many stand before it that are looked at."""

    units: np.ndarray
    behind: int


class TextGeneration(Task[Passage, Encoded]):
    name = "text-generation"
    summary = "text to what comes next"
    files = "a text file (.txt, .txt.gz), a folder of them (train.txt val.txt test.txt), or a table with a column text"
    settings_type = TextGenerationSettings
    options_type = TextGenerationOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "transformer": Architecture(
            partial(CausalTransformer, stream=STREAM),
            CausalTransformerSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "precision": "bf16", "ngrams": 6},
            "decoder-only transformer with rotary positions, beside n-gram counts",
        ),
        "classic": Architecture(
            partial(RecurrentLanguageModel, stream=STREAM),
            RecurrentLanguageModelSettings,
            {"learning_rate": 4e-3},
            "LSTM with causal attention over its own past",
        ),
    }
    embedded = "python_topics"
    deciding = "bits_per_character"
    higher_is_better = False
    unit = "units"

    settings: TextGenerationSettings
    units: Units
    counts: NgramModel | None = None  # of the training text, where they are mixed in

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Passage]], list[str]]:
        """Passages of about half a context, so that one window holds a passage and what stands before it."""
        words = self.settings.units in ("bpe", "words")
        cut = Cut(self.settings.context // 2 * BYTES[self.settings.units], words, 2 if words else 1)
        module = module_for(data, self.name)
        splits = module.read(cut) if module else read_passages(data, self.settings.column, cut)
        filled, notes = hold_out_end(splits, self.settings.held_out, seed)
        return dict(filled), notes

    def read_inputs(self, path: Path) -> Sequence[Passage]:
        return read_prompts(path, self.settings.column)

    def example(self, given: Any) -> Passage:
        if not isinstance(given, str):
            raise TypeError(f"a text to write on from must be a string, got {type(given).__name__}")
        return Passage(given, None, "")

    def reading(self, text: str) -> Passage:
        """Every unit of it is foreseen from those before, and then the end of the line; see `axes`."""
        return Passage("", f"{text}\n", "")

    def check(self, splits: Mapping[str, Sequence[Passage]]) -> list[Finding]:
        return check_passages(splits, KINDS[self.settings.units], self.settings.vocabulary)

    # Learning before training

    def learn(self, examples: Sequence[Passage]) -> None:
        self.units = KINDS[self.settings.units].learn(blocks(examples), self.settings.vocabulary)
        if self.settings.ngrams:
            self.counts = NgramModel.learn(running(examples, self.units), len(self.units) - 1, self.settings.ngrams)

    def save(self, folder: Path) -> list[str]:
        self.units.save(folder / UNITS)
        if self.counts is None:
            return [UNITS]
        self.counts.save(folder / COUNTS)
        return [UNITS, COUNTS]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.units = load_units(folder / UNITS)
        if task.settings.ngrams:
            task.counts = NgramModel.load(folder / COUNTS)
        return task

    # Batches

    def prepare(self, examples: Sequence[Passage], training: bool) -> tuple[Encoded, list[str]]:
        """In training, windows side by side over all of the text; otherwise one text an example."""
        context, notes = self.settings.context, list[str]()
        if training:
            prepared = side_by_side(examples, self.units, context, self.counts)
        else:
            prepared, notes = one_by_one(examples, self.units, context)
        if prepared.unknown:
            notes.append(
                f"{prepared.unknown:,} of {len(prepared.ids):,} {self.units.singular}s are none of the "
                f"{len(self.units) - SPECIAL:,} that the model has; it sees that one is there, not which"
            )
        return prepared, notes

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        """What is to be written on comes with others of its length alone, so that nothing is padding."""
        units = self.settings.batch_units if epoch is not None else max(self.settings.batch_units, SCORED_UNITS)
        size = max(1, units // self.settings.context)
        rows = np.flatnonzero(prepared.given)
        if epoch is not None:
            rows = np.random.default_rng((seed, epoch)).permutation(rows)
        found = [rows[at : at + size] for at in range(0, len(rows), size)]
        for length in np.unique(prepared.behind[~prepared.given]):
            alike = np.flatnonzero(~prepared.given & (prepared.behind == length))
            found += [alike[at : at + size] for at in range(0, len(alike), size)]
        return found

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        context, rows = self.settings.context, prepared.rows[indices]
        if epoch is not None:
            return Batch(rows, *training_tensors(prepared, indices, context, self.settings.masked, seed, epoch))
        behind, texts = prepared.behind[indices], [prepared.text(i) for i in indices]
        if not prepared.given[indices].any():  # to be written on
            return Batch(rows, len(rows), {"prompts": torch.from_numpy(np.stack(texts))})
        windows = cut_windows(texts, behind, context)
        told = {name: torch.from_numpy(array) for name, array in (("texts", windows.texts), ("behind", behind))}
        scored = {"tokens": windows.tokens, "answers": windows.answers, "present": windows.present}
        return Batch(rows, int(windows.present.sum()), {**scored, **told, "prompts": None, "chances": None})

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        network = self.architectures[architecture].build(settings, len(self.units))
        return network if self.counts is None else Counted(cast(LanguageModel, network), self.counts)

    def losses(self, model: LanguageModel, batch: Batch) -> dict[str, Loss]:
        told = batch["tokens"], batch["answers"], batch.get("present")
        if batch.get("chances") is None:
            found = model.losses(*told)
        else:
            found = cast(Counted, model).losses(*told, (batch["chances"], batch["reach"]))
        return {name: Loss(total, batch.size) for name, total in found.items()}

    def predict(
        self, model: LanguageModel, batch: Batch, examples: Sequence[Passage], options: TextGenerationOptions
    ) -> list[Prediction]:
        """A text that is there is scored; one that is not is written."""
        if batch.get("prompts") is None:
            return self._scored(model, batch, examples)
        prompts = list(batch["prompts"].cpu().numpy())
        written: list[list[Piece]] = [[] for _ in examples]
        for piece in self._write(model, prompts, options, batch.indices):
            written[piece.row].append(piece)
        found = []
        for one, prompt, pieces in zip(examples, prompts, written, strict=True):
            raw = Answer(np.array([piece.unit for piece in pieces], np.int64), len(prompt))
            text, score = "".join(piece.text for piece in pieces), sum(piece.score for piece in pieces)
            found.append(Prediction(one.before, text, score, one.where, raw=raw))
        if listener.get() is not None:  # what was written went unheard
            self.replay(model, examples, found, scored=False)
        return found

    def stream(self, model: LanguageModel, example: Passage, options: TextGenerationOptions) -> Iterator[str]:
        prepared, _ = self.prepare([example], training=False)
        for piece in self._write(model, [prepared.text(0)], options, np.zeros(1, int)):
            yield piece.text

    def _write(
        self, model: LanguageModel, prompts: Sequence[np.ndarray], options: TextGenerationOptions, rows: np.ndarray
    ) -> Iterator[Piece]:
        return write(
            model,
            self.units,
            prompts,
            context=self.settings.context,
            most=options.length,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            stops=options.stops,
            seeds=[options.seed * 1_000_003 + int(row) for row in rows],
        )

    def _scored(self, model: LanguageModel, batch: Batch, examples: Sequence[Passage]) -> list[Prediction]:
        answers, present, texts = batch["answers"], batch["present"], batch["texts"]
        logs = model.answered(batch["tokens"], answers, present).double().sum(1)
        scores = torch.zeros(len(examples), dtype=logs.dtype, device=logs.device).index_add(0, texts, logs)
        counts = np.bincount(texts.cpu(), present.sum(1).cpu(), minlength=len(examples)).astype(int)
        units = np.split(answers[present].cpu().numpy(), np.cumsum(counts)[:-1])
        return [
            Prediction(one.before, one.text, score, one.where, raw=Answer(ids, behind))
            for one, score, ids, behind in zip(examples, scores.tolist(), units, batch["behind"].tolist(), strict=True)
        ]

    # Judging

    @property
    def validation_options(self) -> TextGenerationOptions:
        return TextGenerationOptions()

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[Passage], cheap: bool) -> dict[str, Score]:
        return foresight(
            -math.fsum(one.score for one in predictions),
            sum(len(one.raw.units) for one in predictions),
            sum(len(one.output) for one in predictions),
            self.units.singular,
        )

    def baselines(self, train: Sequence[Passage], test: Sequence[Passage]) -> dict[str, dict[str, Score]]:
        """In the units of `train`, whatever this task learned before."""
        units = KINDS[self.settings.units].learn(blocks(train), self.settings.vocabulary)
        return simple_foresight(running(train, units), running(test, units), sum(map(len, blocks(test))), units)

    # Looking

    def replay(
        self, model: LanguageModel, examples: Sequence[Passage], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        windows = self._windows(examples, predictions)
        logs = windows.answered(model)
        if not scored:
            return None
        flat = logs[windows.present.to(logs.device)].split([len(one.raw.units) for one in predictions])
        return nn.utils.rnn.pad_sequence(list(flat), batch_first=True)

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...]:
        """The position before a unit foresees it; the first of all has FIRST before it."""
        behind = prediction.raw.behind
        return tuple(range(behind, behind + len(prediction.raw.units))) if target is None else behind + target

    def axes(self, examples: Iterable[Passage], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """All units but the last, which nothing looks at any more."""
        texts = self._texts(list(examples), list(predictions))
        return {STREAM: [self.units.axis(text[:-1].tolist()) for text in texts]}

    def rescore(self, model: LanguageModel, example: Passage, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A unit is taken out by hiding which one it is; what comes after it is still to be foreseen."""
        return self._windows([example], [prediction]).reduced(model, kept) / len(prediction.raw.units)

    def _texts(self, examples: Sequence[Passage], predictions: Sequence[Prediction]) -> list[np.ndarray]:
        """What was looked at, and the answer, as ids."""
        prepared, _ = one_by_one(examples, self.units, self.settings.context)
        if not all(len(one.raw.units) for one in predictions):
            raise UserError("there is nothing to look at in an answer without text")
        return [
            np.concatenate([prepared.text(i)[: one.raw.behind], one.raw.units]) for i, one in enumerate(predictions)
        ]

    def _windows(self, examples: Sequence[Passage], predictions: Sequence[Prediction]) -> Windows:
        behind = [one.raw.behind for one in predictions]
        return cut_windows(self._texts(examples, predictions), behind, self.settings.context)
