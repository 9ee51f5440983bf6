"""Multi-task learning: one picture, several answers, each of a kind of its own.

Letters: B pictures, N all pictures, T tasks, K outputs of all tasks, R reduced pictures, H height, W width, C channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.errors import UserError, nearest
from attentionflow.models.picture_classifiers import Gated, GatedConvolutionsSettings, PatchTransformerSettings
from attentionflow.models.picture_tasks import TASKS, GatedTasks, PictureTasks, TaskTokens
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.labelled_pictures import LabelledPicture, one_input, read_inputs
from attentionflow.readers.labelled_tree import COLUMN
from attentionflow.readers.tabled_picture_checks import check_tabled_pictures
from attentionflow.readers.tabled_pictures import KINDS, Kind, column_kinds, fill_splits, read_tabled_pictures
from attentionflow.records import Axis
from attentionflow.settings import Settings, listed
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._patches import picture_axes, shown_patches
from attentionflow.tasks._picture_batches import PictureSettings, Prepared, images_of, picture_batches
from attentionflow.tasks._pixels import all_pixels, scaling_note
from attentionflow.tasks._several_heads import Heads, cells_of
from attentionflow.tasks._simple_picture_tasks import MOST, kernel_ridge

CANVAS, HEADS = "canvas.json", "heads.json"
COLUMNS = "Name those to learn: --set columns=ONE,TWO"


class MultiTaskSettings(PictureSettings):
    columns: str = Field("", description="columns to learn, comma-separated; all unless given")
    kinds: str = Field(
        "",
        description="what columns hold, as name=class, name=labels or name=number, comma-separated; told by their "
        "cells unless given",
    )
    weighting: Literal["fixed", "uncertainty"] = Field(
        "fixed", description="how losses are weighed: fixed, or learned from the uncertainty of each"
    )
    weights: str = Field("", description="fixed weights of losses, as name=number, comma-separated; 1 unless given")
    flips: Literal["none", "horizontal", "vertical", "both"] = Field(
        "none", description="ways in which a picture is turned round at random in training; no answer may change by it"
    )
    erase: float = Field(0.0, ge=0, le=1, description="share of training pictures of which a part is erased")


class MultiTaskOptions(Settings):
    k: int = Field(3, ge=1, description="labels of a column whose probability is told, the likeliest first")


class MultiTask(Task[LabelledPicture, Prepared]):
    name = "multi-task"
    summary = "a picture to several answers: classes, sets of labels, numbers"
    files = "a folder of pictures with a metadata.csv, whose columns are file_name and one for each answer"
    settings_type = MultiTaskSettings
    options_type = MultiTaskOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "task-tokens": Architecture(
            TaskTokens,
            PatchTransformerSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "ema": 0.995},
            "residual convolutions and self-attention between patches for all, to which a token a task attends",
        ),
        "classic": Architecture(
            GatedTasks,
            GatedConvolutionsSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "ema": 0.995},
            "residual convolutions with channel and spatial attention for all, and spatial attention a task",
        ),
    }
    embedded = "digit_pairs"
    deciding = "quality"
    higher_is_better = True
    unit = "pictures"

    settings: MultiTaskSettings
    canvas: Canvas
    columns: tuple[str, ...] = ()  # that the examples at hand have
    heads = Heads()
    gated: tuple[Gated, ...] = ()  # of the network that was built
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[LabelledPicture]], list[str]]:
        module = module_for(data, self.name)
        found = module.read(seed) if module else read_tabled_pictures(data)
        found = found.only(self.heads.columns or listed(self.settings.columns), COLUMNS)
        self.columns, self.faults = found.columns, found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[LabelledPicture]:
        return read_inputs(path)

    def example(self, given: Any) -> LabelledPicture:
        return one_input(given)

    def check(self, splits: Mapping[str, Sequence[LabelledPicture]]) -> list[Finding]:
        return check_tabled_pictures(splits, self._kinds(splits["train"]), self.faults)

    # Learning before training

    def learn(self, examples: Sequence[LabelledPicture]) -> None:
        examples = list(examples)
        self.heads = Heads.learn(self._kinds(examples), examples)
        self._weights()  # refused before training begins
        self.canvas = Canvas.learn(examples, self.settings.size, self.settings.patch, grey=True)
        self.settings.sight(self.canvas)

    def calibrate(self, model: Any, predictions: Sequence[Prediction], examples: Sequence[LabelledPicture]) -> bool:
        """Probabilities that can be trusted, and how far numbers are off; no answer changes by it."""
        self.heads = self.heads.calibrated([one.raw for one in predictions], examples)
        return True

    def save(self, folder: Path) -> list[str]:
        self.canvas.save(folder / CANVAS)
        self.heads.save(folder / HEADS)
        return [CANVAS, HEADS]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.canvas = Canvas.load(folder / CANVAS)
        task.heads = Heads.load(folder / HEADS)
        return task

    # Batches

    def prepare(self, examples: Sequence[LabelledPicture], training: bool) -> tuple[Prepared, list[str]]:
        pixels, scaled = all_pixels(examples, self.canvas)
        targets = self.heads.targets(examples)
        notes = [f"{head.column} is {head.told()}" for head in self.heads] if training else []
        if training:
            notes += scaling_note(scaled, len(examples), self.canvas)
        if any(one.labels is not None for one in examples):
            notes += self.heads.gaps(examples, targets)
        rows = np.arange(len(examples))
        bare = np.stack([np.isnan(own).any(1) for own in targets]).all(0)
        if training and bare.any():
            rows = np.flatnonzero(~bare)
            notes.append(f"{bare.sum():,} training pictures without any answer are left out")
            pixels = pixels[rows]
        return Prepared(pixels, np.concatenate(targets, 1)[rows], rows), notes

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        return picture_batches(prepared, self.settings.batch_pictures, seed, epoch)

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        images = images_of(prepared, self.canvas, self.settings, indices, seed, epoch)
        targets = torch.from_numpy(prepared.targets[indices])
        return Batch(prepared.rows[indices], len(indices), {"images": images, "targets": targets})

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        sight, weighted = self.settings.sight(self.canvas), self.settings.weighting == "uncertainty"
        model = self.architectures[architecture].build(settings, sight, self.heads.outputs, weighted)
        assert isinstance(model, PictureTasks)
        self.gated = model.gated
        return model

    def losses(self, model: PictureTasks, batch: Batch) -> dict[str, Loss]:
        """Of each task, over the pictures whose answer is known. In training they are weighed: w L with fixed weights,
        or L / σ² + log σ with log σ² learned (Kendall et al. 2018, eq. 7 and 10; L of a number is half the square)."""
        targets = batch["targets"].split(self.heads.outputs, 1)
        smoothing, weights = self.settings.label_smoothing if model.training else 0.0, self._weights()
        found = {}
        for at, (head, outputs, own) in enumerate(zip(self.heads, model(batch["images"]), targets, strict=True)):
            known = ~own.isnan().any(1)
            count = int(known.sum())
            total = head.loss(outputs[known].float(), own[known], smoothing)
            if model.training and model.log_variances is not None:
                log_variance = model.log_variances[at]
                total = total * torch.exp(-log_variance) + 0.5 * count * log_variance
            elif model.training:
                total = total * weights[at]
            found[f"nats of {head.column}"] = Loss(total, count)
        return found

    def predict(
        self, model: PictureTasks, batch: Batch, examples: Sequence[LabelledPicture], options: MultiTaskOptions
    ) -> list[Prediction]:
        outputs = model(batch["images"])
        answers = self.heads.answers(outputs)
        scores = self.heads.log_probabilities(outputs, answers).mean(1).tolist()
        found = []
        for example, given, score in zip(examples, answers, scores, strict=True):
            output, sureness = self.heads.told(given, options.k)
            found.append(Prediction(example.name, output, score, example.where, sureness, raw=given))
        return found

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        return {COLUMN: [one.input for one in predictions], **self.heads.table([one.raw for one in predictions])}

    # Judging

    @property
    def validation_options(self) -> MultiTaskOptions:
        return MultiTaskOptions()

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[LabelledPicture], cheap: bool
    ) -> dict[str, Score]:
        return self.heads.scores([one.raw for one in predictions], examples, cheap)

    def baselines(
        self, train: Sequence[LabelledPicture], test: Sequence[LabelledPicture]
    ) -> dict[str, dict[str, Score]]:
        train, test = list(train), list(test)
        heads = self.heads if len(self.heads) else Heads.learn(self._kinds(train), train)
        fitted = kernel_ridge(train, heads.targets(train), test)
        simple = f"kernel ridge regression on the pixels of at most {MOST:,} training pictures"
        return {
            "the most frequent label, or the mean": heads.scores([heads.guess(train)] * len(test), test, cheap=True),
            simple: heads.scores(heads.nearest(fitted), test, cheap=True),
        }

    # Looking

    def replay(
        self,
        model: PictureTasks,
        examples: Sequence[LabelledPicture],
        predictions: Sequence[Prediction],
        scored: bool,
    ) -> Tensor | None:
        """A part of an answer is that of a task."""
        outputs = self._outputs(model, torch.cat([self._image(one) for one in examples]))
        return self.heads.log_probabilities(outputs, [one.raw for one in predictions]) if scored else None

    def axes(self, examples: Iterable[LabelledPicture], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Patches on the picture, and the tasks by column, each with its answer."""
        axes = picture_axes(self.canvas, list(examples), self.settings.patch, self.gated)
        return axes | {TASKS: [Axis("task", one.output.lines()) for one in predictions]}

    def rescore(
        self, model: PictureTasks, example: LabelledPicture, prediction: Prediction, kept: np.ndarray
    ) -> Tensor:
        """A patch is taken out by painting it in the mean colour of the training pictures."""
        outputs = self._outputs(model, shown_patches(self._image(example), kept, self.settings.patch))
        return self.heads.log_probabilities(outputs, [prediction.raw] * len(kept)).mean(1)

    # Parts

    def _image(self, example: LabelledPicture) -> Tensor:
        """(1, C, H, W)"""
        return self.canvas.normalise(self.canvas.draw(example)[None])

    def _outputs(self, model: PictureTasks, images: Tensor) -> list[Tensor]:
        return model(images.to(next(model.parameters()).device))

    def _kinds(self, examples: Sequence[LabelledPicture]) -> dict[str, Kind]:
        given = _assigned("kinds", self.settings.kinds)
        for name, kind in given.items():
            if kind not in KINDS:
                raise UserError(f"kinds={self.settings.kinds}: {name} cannot be {kind!r}: {nearest(kind, KINDS)}")
        cells = {column: cells_of(examples, at) for at, column in enumerate(self.columns)}
        return column_kinds(cells, cast("Mapping[str, Kind]", given))

    def _weights(self) -> list[float]:
        """Of the loss of each task."""
        given, names = _assigned("weights", self.settings.weights), self.heads.columns
        if given and self.settings.weighting != "fixed":
            raise UserError(
                f"weights={self.settings.weights} is of no effect with weighting=uncertainty; leave one out"
            )
        for name, weight in given.items():
            if name not in names:
                raise UserError(f"weights={self.settings.weights}: {name!r} is no column: {nearest(name, names)}")
            try:
                fine = 0 <= float(weight) < float("inf")
            except ValueError:
                fine = False
            if not fine:
                raise UserError(f"weights={self.settings.weights}: {weight!r} of {name} is no number from 0 up")
        return [float(given.get(name, 1.0)) for name in names]


def _assigned(setting: str, text: str) -> dict[str, str]:
    """Of "one=a, two=b"."""
    found = {}
    for part in listed(text):
        name, sign, value = (piece.strip() for piece in part.rpartition("="))
        if not sign or not name:
            raise UserError(f"{setting}={text}: {part!r} is not of the form name=value")
        found[name] = value
    return found
