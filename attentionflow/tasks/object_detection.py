"""Object detection: which objects are in a picture, and the box around each.

Letters: B pictures, A cells, Q chosen cells, C classes, T parts of an answer, R reduced pictures, P patches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.attended_convolutions import AttendedConvolutions, AttendedConvolutionsSettings
from attentionflow.models.detector import PATCH, Detector, pick
from attentionflow.models.proposal_transformer import ProposalTransformer, ProposalTransformerSettings
from attentionflow.readers.box_checks import check_pictures
from attentionflow.readers.box_formats import read_pictures
from attentionflow.readers.box_inputs import fill_splits, given_picture, pictures_to_answer
from attentionflow.readers.boxes import Picture
from attentionflow.readers.finding import Finding, told
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._augment_boxes import Drawn, affine, colours, inside, mosaic, moved, warp
from attentionflow.tasks._boxes import suppress
from attentionflow.tasks._canvas import Canvas, Prepared, padded
from attentionflow.tasks._detection_axes import detection_axes
from attentionflow.tasks._detection_losses import choose, detection_losses
from attentionflow.tasks._detection_scores import detection_scores
from attentionflow.tasks._detections import COLUMNS, Asked, Detection, Detections
from attentionflow.tasks._patches import shown_patches
from attentionflow.tasks._simple_detectors import nearest_picture, other_picture, windows

CANVAS = "canvas.json"
LEAST = 0.01  # surest class of a candidate that is kept for scoring
MOST = 100


class DetectionSettings(Settings):
    size: int = Field(320, ge=32, description="pixels of the longer side of the picture that the network sees")
    batch_pictures: int = Field(8, ge=1, description="pictures of a batch")
    flips: Literal["none", "horizontal", "vertical", "both"] = Field(
        "horizontal", description="ways in which a picture is turned round at random in training"
    )
    zoom: float = Field(
        1.5, ge=1, description="in training, pictures are scaled by a factor from 1/zoom to zoom; 1: not"
    )
    mosaic: float = Field(0.5, ge=0, le=1, description="share of training pictures that are put together from four")
    colour: float = Field(0.3, ge=0, description="strength of random changes of brightness, contrast and tint; 0: none")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class DetectionOptions(Settings):
    threshold: float = Field(0.4, ge=0, le=1, description="objects that are less sure are not shown, but scored")
    overlap: float = Field(
        0.5, gt=0, le=1, description="of two boxes of a class that overlap more, the surer one stays"
    )


class ObjectDetection(Task[Picture, Prepared]):
    name = "object-detection"
    summary = "the objects in a picture, with a box around each"
    files = "a folder or .zip of pictures with COCO JSON, VOC XML or YOLO text"
    settings_type = DetectionSettings
    options_type = DetectionOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "proposal-transformer": Architecture(
            ProposalTransformer,
            ProposalTransformerSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.02, "clip": 10.0},
            "convolutions and self-attention between patches; each proposal attends to the picture",
        ),
        "classic": Architecture(
            AttendedConvolutions,
            AttendedConvolutionsSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.02, "clip": 10.0},
            "convolutions with channel and spatial attention, and a dense head",
        ),
    }
    embedded = "shapes"
    deciding = "map50"
    higher_is_better = True
    unit = "pictures"

    settings: DetectionSettings
    canvas: Canvas | None = None
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Picture]], list[str]]:
        module = module_for(data, self.name)
        found = module.read(seed) if module else read_pictures(data)
        self.faults = found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[Picture]:
        return pictures_to_answer(path)

    def example(self, given: Any) -> Picture:
        return given_picture(given)

    def check(self, splits: Mapping[str, Sequence[Picture]]) -> list[Finding]:
        return check_pictures(splits, self.faults)

    # Learning before training

    def learn(self, examples: Sequence[Picture]) -> None:
        self.canvas = Canvas.learn(examples, self.settings.size, PATCH)
        if not self.canvas.classes:
            raise UserError("the training pictures have no boxes, so there is nothing to learn")

    def save(self, folder: Path) -> list[str]:
        self._canvas.save(folder / CANVAS)
        return [CANVAS]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.canvas = Canvas.load(folder / CANVAS)
        return task

    # Batches

    def prepare(self, examples: Sequence[Picture], training: bool) -> tuple[Prepared, list[str]]:
        return Prepared(examples, self._canvas), []

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        count, size = len(prepared.pictures), self.settings.batch_pictures
        order = np.arange(count) if epoch is None else np.random.default_rng((seed, epoch)).permutation(count)
        return [order[at : at + size] for at in range(0, count, size)]

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        if epoch is None:
            drawn = [prepared.drawn(int(index)) for index in indices]
            images = self._canvas.normalise(np.stack([one.pixels for one in drawn]))
        else:
            drawn, images = self._augmented(prepared, indices, seed, epoch)
        return Batch(indices, len(indices), {"images": images, **padded(drawn)})

    def _augmented(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int) -> tuple[list[Drawn], Tensor]:
        given, (width, height) = self.settings, (self._canvas.width, self._canvas.height)
        turned = (given.flips in ("horizontal", "both"), given.flips in ("vertical", "both"))
        drawn, changes, gains, offsets = [], [], [], []
        for index in indices.tolist():
            draw = np.random.default_rng((seed, epoch, index))
            one = prepared.drawn(index)
            if draw.random() < given.mosaic:
                others = draw.integers(len(prepared.pictures), size=3)
                one = mosaic([one, *(prepared.drawn(int(other)) for other in others)], draw)
            change = affine(draw, width, height, (1 / given.zoom, given.zoom), *turned)
            boxes, there = inside(moved(one.boxes, change), width, height)
            drawn.append(Drawn(one.pixels, boxes[there], one.labels[there]))
            changes.append(change)
            gain, offset = colours(draw, given.colour)
            gains.append(gain)
            offsets.append(offset)
        images = self._canvas.normalise(np.stack([one.pixels for one in drawn]))
        gained, shifted = (torch.from_numpy(np.stack(values))[:, :, None, None] for values in (gains, offsets))
        return drawn, warp(images * gained + shifted, np.array(changes))

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, len(self._canvas.classes))

    def losses(self, model: Detector, batch: Batch) -> dict[str, Loss]:
        labels = batch["labels"]
        count = int((labels >= 0).sum())
        found = detection_losses(model, batch["images"], batch["objects"], labels)
        return {name: Loss(total, count) for name, total in found.items()}

    def predict(
        self, model: Detector, batch: Batch, examples: Sequence[Picture], options: DetectionOptions
    ) -> list[Prediction]:
        proposals = model(batch["images"])
        at = choose(proposals)
        scores = model.answer(proposals, at).sigmoid().cpu().numpy()
        corners = pick(proposals.boxes, at).cpu().numpy()
        found = []
        for row, picture in enumerate(examples):
            query, kind = np.nonzero(scores[row] >= min(LEAST, options.threshold, scores[row].max()))
            order = suppress(corners[row][query], scores[row][query, kind], kind, options.overlap, MOST)
            query, kind = query[order], kind[order]
            sizes = np.array([*picture.size] * 2)
            placed = (corners[row][query] / self._canvas.scale(picture.size)).clip(0, sizes)
            candidates = tuple(
                Detection(self._canvas.classes[k], float(scores[row][q, k]), *map(float, box))
                for q, k, box in zip(query, kind, placed, strict=True)
            )
            answer = Detections(picture.size, candidates, options.threshold)
            count = max(1, len(answer.shown))
            cells = at[row].cpu().numpy()[query[:count]]
            asked = Asked(
                tuple(cells.tolist()), tuple(kind[:count].tolist()), candidates[:count], not answer.shown, model.gates
            )
            sure = [np.log1p(-one.score) if asked.empty else np.log(one.score) for one in asked.boxes]
            found.append(Prediction(picture.name, answer, float(np.mean(sure)), picture.where, raw=asked))
        return found

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """A row an object."""
        rows = [(p.input, *one) for p in predictions for one in p.output.shown]
        return {name: [row[at] for row in rows] for at, name in enumerate(("input", *COLUMNS))}

    # Judging

    @property
    def validation_options(self) -> DetectionOptions:
        return DetectionOptions()

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[Picture], cheap: bool) -> dict[str, Score]:
        return detection_scores([p.output for p in predictions], examples)

    def baselines(self, train: Sequence[Picture], test: Sequence[Picture]) -> dict[str, dict[str, Score]]:
        canvas = self.canvas or Canvas.learn(train, self.settings.size, PATCH)
        return {
            "boxes of a training picture drawn at random": detection_scores(other_picture(train, test), test),
            "boxes of the most similar training picture": detection_scores(nearest_picture(train, test, canvas), test),
            "windows weighed by their colours": detection_scores(windows(train, test, canvas), test),
        }

    # Looking

    def replay(
        self, model: Detector, examples: Sequence[Picture], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """Every shown object is asked for again, and nothing else: what is said of one depends on no other."""
        prepared, _ = self.prepare(examples, training=False)
        images = self.collate(prepared, np.arange(len(examples)), 0, None)["images"]
        found = self._likely(model, images.to(_device(model)), predictions)
        return found if scored else None

    def axes(self, examples: Iterable[Picture], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Patches lie on the picture by their corners, and so do the boxes."""
        return detection_axes(self._canvas, list(examples), list(predictions))

    def rescore(self, model: Detector, example: Picture, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A patch is taken out by painting it in the mean colour of the training pictures."""
        prepared, _ = self.prepare([example], training=False)
        image = self.collate(prepared, np.zeros(1, int), 0, None)["images"]
        images = shown_patches(image, kept, PATCH).to(_device(model))
        return self._likely(model, images, [prediction] * len(kept)).mean(1)

    def _likely(self, model: Detector, images: Tensor, predictions: Sequence[Prediction]) -> Tensor:
        """(B, T) log-probability of each object shown, or that the surest candidate is none; 0 on padding."""
        asked = [prediction.raw for prediction in predictions]
        most = max(len(one.cells) for one in asked)
        padded = [[*one, *(0,) * (most - len(one))] for raw in asked for one in (raw.cells, raw.classes)]
        at, kinds = torch.tensor(padded, device=images.device).view(len(asked), 2, most).unbind(1)
        logits = model.answer(model(images), at)
        logits = logits.gather(-1, kinds[..., None])[..., 0]
        signs = torch.tensor([-1.0 if one.empty else 1.0 for one in asked], device=images.device)
        there = torch.tensor([[k < len(one.cells) for k in range(most)] for one in asked], device=images.device)
        return nn.functional.logsigmoid(logits * signs[:, None]) * there

    @property
    def _canvas(self) -> Canvas:
        assert self.canvas is not None, "learn or load comes first"
        return self.canvas


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
