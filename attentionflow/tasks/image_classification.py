"""Image classification: a picture in, one label out.

Letters: B pictures, N all pictures, C channels, K labels, R reduced pictures, P patches, H height, W width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.models.picture_classifiers import (
    LABEL,
    ConvolutionsAndPatches,
    Gated,
    GatedConvolutions,
    GatedConvolutionsSettings,
    PatchTransformerSettings,
    PictureClassifier,
)
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.labelled_picture_checks import check_labelled_pictures
from attentionflow.readers.labelled_pictures import (
    LabelledPicture,
    fill_splits,
    one_input,
    read_inputs,
    read_labelled_pictures,
)
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score
from attentionflow.tasks._augment_pictures import PARTNER, drawn, shares
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._labelling import LabelTask
from attentionflow.tasks._labels import OneLabel, label_names
from attentionflow.tasks._patches import picture_axes, shown_patches
from attentionflow.tasks._picture_batches import PictureSettings, Prepared, images_of, picture_batches
from attentionflow.tasks._pixels import all_pixels, scaling_note
from attentionflow.tasks._simple_classifiers import most_frequent
from attentionflow.tasks._simple_picture_classifiers import MOST, support_vectors

CANVAS = "canvas.json"


class ImageSettings(PictureSettings):
    label: str = Field("label", description="column of the labels in a metadata table")
    mixup: float = Field(
        0.0, ge=0, description="parameter of the beta distribution by which training pictures are mixed in pairs; 0: no"
    )


class ImageClassification(LabelTask[LabelledPicture, Prepared]):
    name = "image-classification"
    summary = "a picture to its label"
    files = "a folder or .zip of pictures in folders named after labels, pictures with metadata.csv, or IDX files"
    settings_type = ImageSettings
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "patch-transformer": Architecture(
            ConvolutionsAndPatches,
            PatchTransformerSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "ema": 0.995},
            "residual convolutions, self-attention between patches, and attention pooling",
        ),
        "classic": Architecture(
            GatedConvolutions,
            GatedConvolutionsSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "ema": 0.995},
            "residual convolutions with channel and spatial attention",
        ),
    }
    embedded = "digits"
    unit = "pictures"
    column = "picture"

    settings: ImageSettings
    canvas: Canvas
    gated: tuple[Gated, ...] = ()  # of the network that was built
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[LabelledPicture]], list[str]]:
        module = module_for(data, self.name)
        found = module.read(seed) if module else read_labelled_pictures(data, self.settings.label)
        self.faults = found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[LabelledPicture]:
        return read_inputs(path)

    def example(self, given: Any) -> LabelledPicture:
        return one_input(given)

    def check(self, splits: Mapping[str, Sequence[LabelledPicture]]) -> list[Finding]:
        return check_labelled_pictures(splits, self.faults)

    # Learning before training

    def learn(self, examples: Sequence[LabelledPicture]) -> None:
        examples = list(examples)
        self.labels = OneLabel(label_names(one.labels for one in examples))
        self.canvas = Canvas.learn(examples, self.settings.size, self.settings.patch, grey=True)
        self.settings.sight(self.canvas)

    def save(self, folder: Path) -> list[str]:
        self.canvas.save(folder / CANVAS)
        return [CANVAS, self.save_labels(folder)]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.canvas = Canvas.load(folder / CANVAS)
        task.load_labels(folder, OneLabel)
        return task

    # Batches

    def prepare(self, examples: Sequence[LabelledPicture], training: bool) -> tuple[Prepared, list[str]]:
        pixels, scaled = all_pixels(examples, self.canvas)
        notes = scaling_note(scaled, len(examples), self.canvas) if training else []
        given = [one.labels for one in examples]
        targets = self.labels.targets(given)
        strange = np.isnan(targets).any(1)
        notes += self.strangers(examples, strange, training, "pictures")
        rows = np.flatnonzero(~strange) if training else np.arange(len(examples))
        if len(rows) < len(examples):
            pixels, targets = pixels[rows], targets[rows]
        return Prepared(pixels, targets, rows), notes

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        return picture_batches(prepared, self.settings.batch_pictures, seed, epoch)

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        images = images_of(prepared, self.canvas, self.settings, indices, seed, epoch)
        targets = torch.from_numpy(prepared.targets[indices])
        if epoch is not None and self.settings.mixup:
            images, targets = self._mixed(images, targets, prepared, indices, seed, epoch)
        return Batch(prepared.rows[indices], len(indices), {"images": images, "targets": targets})

    def _mixed(
        self, images: Tensor, targets: Tensor, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int
    ) -> tuple[Tensor, Tensor]:
        """Mix-up (Zhang et al. 2018), the partner out of all pictures, as it is seen in the same epoch."""
        count = len(prepared.rows)
        partners = np.minimum((drawn(seed, epoch, count)[indices, PARTNER] * count).astype(int), count - 1)
        share = torch.from_numpy(shares(seed, epoch, count, self.settings.mixup)[indices])
        others = images_of(prepared, self.canvas, self.settings, partners, seed, epoch)
        mixed = torch.from_numpy(prepared.targets[partners])
        return torch.lerp(others, images, share[:, None, None, None]), torch.lerp(mixed, targets, share[:, None])

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        sight = self.settings.sight(self.canvas)
        model = self.architectures[architecture].build(settings, sight, len(self.labels.names))
        assert isinstance(model, PictureClassifier)
        self.gated = model.gated
        return model

    def losses(self, model: PictureClassifier, batch: Batch) -> dict[str, Loss]:
        targets = batch["targets"]
        known = ~targets.isnan().any(1)
        smoothing = self.settings.label_smoothing if model.training else 0.0
        total = self.labels.loss(model(batch["images"])[known].float(), targets[known], smoothing)
        return {"nats": Loss(total, int(known.sum()))}

    def logits(self, model: PictureClassifier, batch: Batch) -> Tensor:
        return model(batch["images"])

    def shown(self, example: LabelledPicture) -> str:
        return example.name

    def truth(self, example: LabelledPicture) -> tuple[str, ...] | None:
        return example.labels

    # Judging

    def baselines(
        self, train: Sequence[LabelledPicture], test: Sequence[LabelledPicture]
    ) -> dict[str, dict[str, Score]]:
        given = [one.labels for one in train if one.labels]
        labels, usual = OneLabel(label_names(given)), most_frequent(given)
        guess = labels.certain(usual, given.count(usual) / len(given))
        answers = [labels.certain((one,)) for one in support_vectors(train, test)]
        truth = [one.labels or () for one in test]
        return {
            "the most frequent label": labels.scores([guess] * len(test), truth, cheap=True),
            f"support vector machine on the pixels of at most {MOST:,} training pictures": labels.scores(
                answers, truth, cheap=True
            ),
        }

    # Looking

    def replay(
        self,
        model: PictureClassifier,
        examples: Sequence[LabelledPicture],
        predictions: Sequence[Prediction],
        scored: bool,
    ) -> Tensor | None:
        logits = self._logits(model, torch.cat([self._image(one) for one in examples]))
        return self.labels.log_probability(logits, [one.raw.chosen for one in predictions]) if scored else None

    def axes(self, examples: Iterable[LabelledPicture], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Patches, and the places of finer levels, lie on the picture by their corners."""
        axes = picture_axes(self.canvas, list(examples), self.settings.patch, self.gated)
        return axes if self.gated else axes | {LABEL: [Axis("label", (one.output,)) for one in predictions]}

    def rescore(
        self, model: PictureClassifier, example: LabelledPicture, prediction: Prediction, kept: np.ndarray
    ) -> Tensor:
        """A patch is taken out by painting it in the mean colour of the training pictures."""
        logits = self._logits(model, shown_patches(self._image(example), kept, self.settings.patch))
        return self.labels.log_probability(logits, [prediction.raw.chosen] * len(kept)).mean(1)

    def _image(self, example: LabelledPicture) -> Tensor:
        """(1, C, H, W)"""
        return self.canvas.normalise(self.canvas.draw(example)[None])

    def _logits(self, model: PictureClassifier, images: Tensor) -> Tensor:
        return model(images.to(next(model.parameters()).device)) / self.temperature
