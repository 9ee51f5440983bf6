"""Image segmentation: which class every pixel of a picture is of.

Letters: B pictures, N all pictures, K classes, H height, W width, T parts of an answer, R reduced pictures, P patches.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import unheard
from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.gated_unet import GatedUNet, GatedUNetSettings
from attentionflow.models.mask_transformer import MaskTransformer, MaskTransformerSettings
from attentionflow.models.segmenters import CLASSES, PATCH, PATCHES, PICTURE, Segmenter
from attentionflow.readers.batches import even_batches
from attentionflow.readers.box_inputs import fill_splits
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.masks import IGNORED, ClassList, counted
from attentionflow.readers.segmented_picture_checks import check_segmented_pictures
from attentionflow.readers.segmented_pictures import (
    SegmentedPicture,
    one_input,
    read_inputs,
    read_segmented_pictures,
)
from attentionflow.records import Axis
from attentionflow.settings import Settings, listed
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._augment_masks import all_masks, changed
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._class_maps import likeliest, mean_log, turned
from attentionflow.tasks._patches import patch_axis, shown_patches
from attentionflow.tasks._pixels import all_pixels, scaling_note
from attentionflow.tasks._segmentation import COLUMNS, Asked, Segmentation
from attentionflow.tasks._segmentation_picture import segmentation_picture
from attentionflow.tasks._segmentation_scores import class_weights, missed_overlap, nats, segmentation_scores
from attentionflow.tasks._simple_segmenters import same_everywhere, trees, usual_at_each_place

CANVAS, LEARNED = "canvas.json", "classes.json"


class SegmentationSettings(Settings):
    size: int = Field(256, ge=32, description="pixels of the longer side of the picture that the network sees")
    ignored: str = Field("", description="comma-separated classes that are neither learned nor scored")
    batch_pictures: int = Field(8, ge=2, description="pictures of a batch")
    flips: Literal["none", "horizontal", "vertical", "both"] = Field(
        "horizontal", description="ways in which a picture is turned round at random in training"
    )
    smallest: float = Field(0.75, gt=0, le=1, description="least factor by which training pictures are scaled")
    largest: float = Field(2.0, ge=1, description="largest factor by which training pictures are scaled")
    colour: float = Field(0.3, ge=0, description="strength of random changes of brightness, contrast and tint; 0: none")
    balance: float = Field(
        0.5, ge=0, le=1, description="pixels count by the share of their class to the power of -balance; 0: all alike"
    )
    overlap: float = Field(
        1.0, ge=0, description="weight of the loss of overlap (soft Jaccard) beside cross entropy; 0: without"
    )
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class SegmentationOptions(Settings):
    mirrored: bool = Field(False, description="whether the picture is also asked turned round, and the mean is taken")


@dataclass(frozen=True)
class Prepared:
    """Pixels (N, H, W, C) and masks (N, H, W) of all pictures in bytes, on the canvas."""

    pixels: np.ndarray
    masks: np.ndarray


class ImageSegmentation(Task[SegmentedPicture, Prepared]):
    name = "image-segmentation"
    summary = "the class of every pixel of a picture"
    files = "a folder or .zip with images/, masks/ of the same names, and classes.txt or classes.csv"
    settings_type = SegmentationSettings
    options_type = SegmentationOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "mask-transformer": Architecture(
            MaskTransformer,
            MaskTransformerSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.05},
            "convolutions and self-attention between patches; each class attends to the patches",
        ),
        "classic": Architecture(
            GatedUNet,
            GatedUNetSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.05},
            "U-Net with attention gates",
        ),
    }
    embedded = "digit_scenes"
    deciding = "miou"
    higher_is_better = True
    unit = "pictures"

    settings: SegmentationSettings
    canvas: Canvas
    classes: ClassList
    pixels: np.ndarray  # (K,) of each class in the training masks
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[SegmentedPicture]], list[str]]:
        ignored = listed(self.settings.ignored)
        module = module_for(data, self.name)
        found = module.read(seed, ignored) if module else read_segmented_pictures(data, ignored)
        self.faults = found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[SegmentedPicture]:
        return read_inputs(path)

    def example(self, given: Any) -> SegmentedPicture:
        return one_input(given)

    def check(self, splits: Mapping[str, Sequence[SegmentedPicture]]) -> list[Finding]:
        return check_segmented_pictures(splits, self.faults)

    # Learning before training

    def learn(self, examples: Sequence[SegmentedPicture]) -> None:
        self.classes = _classes(examples)
        self.pixels = counted((one.mask.numbers() for one in examples if one.mask), len(self.classes.names))
        if not self.pixels.any():
            raise UserError("no pixel of the training masks is of a class, so there is nothing to learn")
        self.canvas = self._canvas(examples)

    def _canvas(self, examples: Sequence[SegmentedPicture]) -> Canvas:
        """One with room for the middle picture, whose classes stand in the order of their list."""
        canvas = Canvas.learn(examples, self.settings.size, PATCH, room=True)
        return replace(canvas, classes=_classes(examples).names)

    def save(self, folder: Path) -> list[str]:
        self.canvas.save(folder / CANVAS)
        page = {**asdict(self.classes), "pixels": self.pixels.tolist()}
        (folder / LEARNED).write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
        return [CANVAS, LEARNED]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.canvas = Canvas.load(folder / CANVAS)
        page = json.loads((folder / LEARNED).read_text(encoding="utf-8"))
        codes, ignored = (tuple(map(tuple, page[name])) for name in ("codes", "ignored"))
        task.classes = ClassList(tuple(page["names"]), codes, ignored, page["place"])
        task.pixels = np.array(page["pixels"])
        return task

    # Batches

    def prepare(self, examples: Sequence[SegmentedPicture], training: bool) -> tuple[Prepared, list[str]]:
        pixels, scaled = all_pixels(examples, self.canvas)
        notes = scaling_note(scaled, len(examples), self.canvas) if training else []
        return Prepared(pixels, all_masks(examples, self.canvas)), notes

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        return even_batches(len(prepared.pixels), self.settings.batch_pictures, 1, seed, epoch)

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        images = self.canvas.normalise(prepared.pixels[indices])
        masks = torch.from_numpy(prepared.masks[indices]).long()
        if epoch is not None:
            given, keys = self.settings, [(seed, epoch, index) for index in indices.tolist()]
            ways = given.flips in ("horizontal", "both"), given.flips in ("vertical", "both")
            images, masks = changed(images, masks, keys, (given.smallest, given.largest), ways, given.colour)
        return Batch(indices, len(indices), {"images": images, "masks": masks})

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        model = self.architectures[architecture].build(settings, len(self.classes.names))
        assert isinstance(model, Segmenter)
        self.gated = model.gated
        return model

    def losses(self, model: Segmenter, batch: Batch) -> dict[str, Loss]:
        logits, masks = model(batch["images"]).float(), batch["masks"]
        there = masks != IGNORED
        weights = class_weights(self.pixels, self.settings.balance).to(logits.device)
        found = {"nats": Loss(nats(logits, masks, weights), int(there.sum()))}
        if self.settings.overlap:
            total = self.settings.overlap * missed_overlap(logits, masks)
            found["overlap"] = Loss(total, int(there.flatten(1).any(1).sum()))
        return found

    def predict(
        self, model: Segmenter, batch: Batch, examples: Sequence[SegmentedPicture], options: SegmentationOptions
    ) -> list[Prediction]:
        logits = model(batch["images"]).float()
        if options.mirrored:
            widths = [self.canvas.fitted(one.size)[0] for one in examples]
            with unheard():
                logits = (logits + turned(model(turned(batch["images"], widths)).float(), widths)) / 2
        found = []
        for own, example in zip(logits, examples, strict=True):
            width, height = self.canvas.fitted(example.size)
            own = own[:, :height, :width]
            regions = np.full(logits.shape[-2:], IGNORED, np.uint8)
            regions[:height, :width] = own.argmax(0).cpu().numpy()
            counts = np.bincount(regions[:height, :width].ravel())
            parts = tuple(int(at) for at in np.argsort(-counts, kind="stable") if counts[at])
            answer = Segmentation(likeliest(own, example.answered_size), self.classes)
            score = mean_log(own[None], torch.from_numpy(regions[None, :height, :width]))[0, list(parts)].mean()
            asked = Asked(regions, parts)
            found.append(Prediction(example.name, answer, float(score), example.where, raw=asked))
        return found

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """A row a picture and class that is there."""
        rows = [(p.input, *one) for p in predictions for one in p.output.rows()]
        return {name: [row[at] for row in rows] for at, name in enumerate(("input", *COLUMNS))}

    def answer_files(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """A mask a picture."""
        return ((str(Path(one.input).with_suffix(".png")), [one.output.mask()]) for one in predictions)

    # Judging

    @property
    def validation_options(self) -> SegmentationOptions:
        return SegmentationOptions()

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[SegmentedPicture], cheap: bool
    ) -> dict[str, Score]:
        pairs = zip(predictions, examples, strict=True)
        known = ((given.output.numbers, one.mask.in_terms_of(self.classes)) for given, one in pairs if one.mask)
        return segmentation_scores(known, self.classes.names)

    def baselines(
        self, train: Sequence[SegmentedPicture], test: Sequence[SegmentedPicture]
    ) -> dict[str, dict[str, Score]]:
        canvas = self._canvas(train)
        answers = {
            "the most frequent class everywhere": same_everywhere(train, test),
            "the most frequent class at each place": usual_at_each_place(train, test, canvas),
            "trees on the colours around each place": trees(train, test, canvas),
        }
        truth = [one.mask.numbers() for one in test if one.mask]
        return {
            name: segmentation_scores(zip(own, truth, strict=True), canvas.classes) for name, own in answers.items()
        }

    def pictures(self, predictions: Sequence[Prediction], examples: Sequence[SegmentedPicture]) -> dict[str, str]:
        """Some of the pictures, their masks and the answers."""
        return {"examples": segmentation_picture([one.output for one in predictions], examples, self.classes)}

    # Looking

    def replay(
        self,
        model: Segmenter,
        examples: Sequence[SegmentedPicture],
        predictions: Sequence[Prediction],
        scored: bool,
    ) -> Tensor | None:
        """A part of an answer is a class that is there, the largest first; its pixels count alike."""
        found = self._likely(model, torch.cat([self._image(one) for one in examples]), predictions)
        return found if scored else None

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...]:
        """A class has a row of its own; gates have one row for all."""
        if self.gated:
            return 0
        return prediction.raw.classes if target is None else prediction.raw.classes[target]

    def axes(self, examples: Iterable[SegmentedPicture], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Patches, and the places of finer levels, lie on the picture by their corners."""
        examples = list(examples)
        if not self.gated:
            patches = [patch_axis(self.canvas, one, PATCH) for one in examples]
            return {PATCHES: patches, CLASSES: [Axis("class", self.classes.names)] * len(examples)}
        axes = {level.places: [patch_axis(self.canvas, one, level.patch) for one in examples] for level in self.gated}
        return axes | {PICTURE: [Axis("picture", (one.name,), ((0.0, 0.0, 1.0, 1.0),)) for one in examples]}

    def rescore(self, model: Segmenter, example: SegmentedPicture, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A patch is taken out by painting it in the mean colour of the training pictures."""
        images = shown_patches(self._image(example), kept, model.patch)
        return self._likely(model, images, [prediction] * len(kept)).mean(1)

    def _image(self, example: SegmentedPicture) -> Tensor:
        """(1, C, H, W)"""
        return self.canvas.normalise(self.canvas.draw(example)[None])

    def _likely(self, model: Segmenter, images: Tensor, predictions: Sequence[Prediction]) -> Tensor:
        """(B, T) mean log-probability of the pixels that were given each class; 0 on padding."""
        device = next(model.parameters()).device
        asked = [prediction.raw for prediction in predictions]
        regions = torch.from_numpy(np.stack([one.regions for one in asked])).to(device)
        means = mean_log(model(images.to(device)).float(), regions)  # (B, K)
        most = max(len(one.classes) for one in asked)
        parts = torch.tensor([[*one.classes, *(-1,) * (most - len(one.classes))] for one in asked], device=device)
        return means.gather(1, parts.clamp_min(0)) * (parts >= 0)


def _classes(examples: Sequence[SegmentedPicture]) -> ClassList:
    """The list that all masks share."""
    return next(one.mask.classes for one in examples if one.mask)
