"""Image recognition: which known thing is on a picture, or none. New things are added by pictures, without training.

Letters: B pictures, N all pictures, G known pictures, C channels, D description, H height,
W width, P patches, R reduced pictures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from attentionflow.attend import unheard
from attentionflow.datasets import module_for
from attentionflow.models.picture_classifiers import LABEL, Gated
from attentionflow.models.picture_matchers import (
    GALLERY,
    GatedMatcher,
    GatedMatcherSettings,
    PatchMatcher,
    PatchMatcherSettings,
    PictureMatcher,
)
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.galleries import (
    Gallery,
    Question,
    ask,
    check_questions,
    galleries_of,
    gallery_name,
    gallery_of,
    question,
    thing_of,
)
from attentionflow.readers.labelled_pictures import LabelledPicture, one_input, read_inputs, read_labelled_pictures
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._known import Columns, Known, column_means, first_of_each, taken_in
from attentionflow.tasks._patches import picture_axes, shown_patches
from attentionflow.tasks._picture_batches import SightSettings
from attentionflow.tasks._pixels import all_pixels
from attentionflow.tasks._recognised import gallery_axis, recognised
from attentionflow.tasks._recognition_batches import Items, Questions
from attentionflow.tasks._recognition_scores import (
    Judged,
    best_threshold,
    judged,
    margins,
    recognition_scores,
)
from attentionflow.tasks._simple_matchers import simple_scores

CANVAS, KNOWN, LEARNED = "canvas.json", "known.safetensors", "recognition.json"
WAYS = {"none": 1, "quarters": 4, "mirrored": 8}


class RecognitionSettings(SightSettings):
    label: str = Field("label", description="column of the things' names in a metadata table")
    turns: Literal["none", "quarters", "mirrored"] = Field(
        "none",
        description="each training thing turned by quarters, or also mirrored, counts as another thing; pictures are "
        "then brought to a square",
    )
    warp: float = Field(
        1.0, ge=0, le=3, description="how far training pictures are turned, stretched, leaned, moved and bent; 0: not"
    )
    erase: float = Field(0.1, ge=0, le=1, description="share of training pictures of which a part is erased")
    shots: int = Field(1, ge=1, description="pictures of each thing that val and test are answered from")
    remembered: int = Field(5, ge=0, description="pictures of each training thing that the model keeps and names it by")
    held_out: float = Field(
        0.2, gt=0, lt=0.5, description="of the things, held out for val, and for test, where a split is missing"
    )


class RecognitionOptions(Settings):
    threshold: float | None = Field(
        None, description="similarity below which a thing is unknown; by default the one that served best on val"
    )
    among: Literal["all", "enrolled", "training"] = Field(
        "all", description="which of the things that the model knows may be the answer"
    )
    k: int = Field(5, ge=1, description="names whose probability is told, the likeliest first")


Prepared = Items | Questions


class ImageRecognition(Task[LabelledPicture, Prepared]):
    name = "image-recognition"
    summary = "a picture to the name of a known thing, or none"
    files = "a folder or .zip of pictures in folders named after things, pictures with metadata.csv, or IDX files"
    settings_type = RecognitionSettings
    options_type = RecognitionOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "patch-matcher": Architecture(
            PatchMatcher,
            PatchMatcherSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "ema": 0.995},
            "residual convolutions and self-attention, compared with known pictures patch by patch",
        ),
        "classic": Architecture(
            GatedMatcher,
            GatedMatcherSettings,
            {"learning_rate": 3e-3, "weight_decay": 0.1, "ema": 0.995},
            "residual convolutions with channel and spatial attention, compared with the mean of each known thing",
        ),
    }
    embedded = "signs"
    deciding = "error"
    higher_is_better = False
    unit = "pictures"
    enrolled_file = "enrolled.safetensors"

    settings: RecognitionSettings
    canvas: Canvas
    trained: Known  # pictures of training things
    enrolled: Known  # pictures added since
    threshold = 0.0  # similarity from which something is known, learned after training
    by_thing = False  # of the network that was built
    gated: tuple[Gated, ...] = ()
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[LabelledPicture]], list[str]]:
        if module := module_for(data, self.name):
            splits, notes = module.read(seed)
            return splits, notes
        found = read_labelled_pictures(data, self.settings.label)
        splits, notes, faults = ask(found.splits, self.settings.shots, self.settings.held_out, seed)
        self.faults = [*found.faults, *faults]
        return splits, [*told(self.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[LabelledPicture]:
        return [question(one) for one in read_inputs(path)]

    def example(self, given: Any) -> LabelledPicture:
        return given if isinstance(given, Question) else question(one_input(given))

    def check(self, splits: Mapping[str, Sequence[LabelledPicture]]) -> list[Finding]:
        return check_questions(splits, self.faults)

    # Learning before training

    def learn(self, examples: Sequence[LabelledPicture]) -> None:
        canvas = Canvas.learn(examples, self.settings.size, self.settings.patch, grey=True)
        if self.settings.turns != "none":
            side = max(canvas.width, canvas.height)
            canvas = replace(canvas, width=side, height=side)
        self.canvas = canvas
        self.settings.sight(canvas)  # refuses a patch that no network can have
        self.trained = self.enrolled = self._nothing()
        kept = [examples[row] for row in first_of_each([thing_of(one) for one in examples], self.settings.remembered)]
        if kept:
            names, places = tuple(thing_of(one) for one in kept), tuple(one.where for one in kept)
            self.trained = Known(all_pixels(kept, canvas)[0], names, places)

    def calibrate(self, model: Any, predictions: Sequence[Prediction], examples: Sequence[LabelledPicture]) -> bool:
        """The similarity that best tells what is known from the same with its thing taken out."""
        self.threshold = best_threshold(*margins(self._judged(predictions, examples)))
        return True

    def save(self, folder: Path) -> list[str]:
        self.canvas.save(folder / CANVAS)
        self.trained.save(folder / KNOWN)
        (folder / LEARNED).write_text(json.dumps({"threshold": self.threshold}), encoding="utf-8")
        return [CANVAS, KNOWN, LEARNED]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.canvas = Canvas.load(folder / CANVAS)
        task.trained = Known.load(folder / KNOWN)
        added = folder / cls.enrolled_file
        task.enrolled = Known.load(added) if added.exists() else task._nothing()
        task.threshold = json.loads((folder / LEARNED).read_text(encoding="utf-8"))["threshold"]
        return task

    def _nothing(self) -> Known:
        return Known(np.zeros((0, self.canvas.height, self.canvas.width, len(self.canvas.mean)), np.uint8))

    # Batches

    def prepare(self, examples: Sequence[LabelledPicture], training: bool) -> tuple[Prepared, list[str]]:
        if training:
            return Items.of(examples, self.canvas, WAYS[self.settings.turns])
        return Questions.of(examples, self.canvas, self.known), []

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        size = self.settings.batch_pictures
        return prepared.batches(size, seed, epoch) if isinstance(prepared, Items) else prepared.batches(size)

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        """images (B), known (G): pictures, and those that they are compared with; pictures (G,): the column of each,
        one a picture or one a thing; allowed, same (B, columns): what each is compared with, and what is the same."""
        if isinstance(prepared, Items):
            given = self.settings
            tensors = prepared.tensors(self.canvas, indices, seed, epoch, given.warp, given.erase)
            return Batch(prepared.rows[indices], len(indices), tensors)
        return Batch(indices, len(indices), prepared.tensors(self.canvas, indices, self.by_thing))

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        model = self.architectures[architecture].build(settings, self.settings.sight(self.canvas))
        assert isinstance(model, PictureMatcher)
        self.gated, self.by_thing = model.gated, model.by_thing
        return model

    def losses(self, model: PictureMatcher, batch: Batch) -> dict[str, Loss]:
        """Nats of the true thing among all known ones: -log of what its pictures have in the softmax of similarities
        (Vinyals et al. 2016)."""
        logits = model.naming.logits(self._similarity(model, batch)).masked_fill(~batch["allowed"], -torch.inf)
        answerable = batch["same"].any(1)
        logits, same = logits[answerable], batch["same"][answerable]
        right = logits.masked_fill(~same, -torch.inf).logsumexp(1)
        return {"nats": Loss((logits.logsumexp(1) - right).sum(), len(right))}

    def _similarity(self, model: PictureMatcher, batch: Batch) -> Tensor:
        """(B, columns)"""
        images, known = batch["images"], batch["known"]
        seen, others = model.describe(torch.cat((images, known))).split((len(images), len(known)))
        return model.similarity(seen, column_means(others, batch["pictures"])[None])

    def predict(
        self, model: PictureMatcher, batch: Batch, examples: Sequence[LabelledPicture], options: RecognitionOptions
    ) -> list[Prediction]:
        similarity = self._similarity(model, batch).float()
        logits = model.naming.logits(similarity).cpu().numpy()
        found = galleries_of(examples)
        columns = Columns.of([self._names(gallery) for gallery in found], self.by_thing)
        own = {"all": self.known, "enrolled": self.enrolled, "training": self.trained}[options.among].counts
        threshold = self.threshold if options.threshold is None else options.threshold
        answers = []
        for row, one in enumerate(examples):
            gallery = gallery_of(one)
            there = np.flatnonzero(columns.gallery == found.index(gallery))
            at = there if gallery else np.array([i for i in there if columns.names[i] in own], int)
            names = [columns.names[i] for i in at]
            values = similarity[row].cpu().numpy()[at], logits[row, at]
            answers.append(recognised(one, names, at - there[:1].sum(), *values, threshold, options.k))
        return answers

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """Picture, answer, and the known thing that is nearest to it with how similar and how likely it is."""
        return {
            "picture": [one.input for one in predictions],
            "answer": [one.output for one in predictions],
            "nearest": [one.details["nearest"] for one in predictions],
            "similarity": [one.details["similarity"] for one in predictions],
            "probability": [float(np.exp(one.score)) for one in predictions],
        }

    # What is known

    @property
    def known(self) -> Known:
        return self.trained.joined(self.enrolled)

    @property
    def enrolled_counts(self) -> Mapping[str, int]:
        return self.enrolled.counts

    def enroll(self, name: str, examples: Sequence[LabelledPicture]) -> list[str]:
        """Refuses a picture that shows nothing, or that is known as something else."""
        drawn = [(self.canvas.draw(one), one.where or one.name) for one in examples]
        self.enrolled, notes = taken_in(self.trained, self.enrolled, name, drawn)
        return notes

    def forget(self, name: str) -> None:
        self.enrolled = self.enrolled.without(name)

    def save_enrolled(self, path: Path) -> None:
        self.enrolled.save(path)

    def _names(self, gallery: Gallery | None) -> tuple[str, ...]:
        return self.known.names if gallery is None else tuple(thing_of(one) for one in gallery.pictures)

    # Judging

    @property
    def validation_options(self) -> RecognitionOptions:
        return RecognitionOptions()

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[LabelledPicture], cheap: bool
    ) -> dict[str, Score]:
        return recognition_scores(self._judged(predictions, examples), self.threshold, cheap)

    def _judged(self, predictions: Sequence[Prediction], examples: Sequence[LabelledPicture]) -> list[Judged]:
        return [
            judged(gallery_name(example), thing_of(example), one.raw.names, one.raw.similarities, one.raw.chosen)
            for one, example in zip(predictions, examples, strict=True)
        ]

    def baselines(
        self, train: Sequence[LabelledPicture], test: Sequence[LabelledPicture]
    ) -> dict[str, dict[str, Score]]:
        return simple_scores(test)

    # Looking

    def replay(
        self,
        model: PictureMatcher,
        examples: Sequence[LabelledPicture],
        predictions: Sequence[Prediction],
        scored: bool,
    ) -> Tensor | None:
        """The picture compared with what is most like it; what else is known keeps the share that it had."""
        found = self._log_probability(model, torch.cat([self._image(one) for one in examples]), examples, predictions)
        return found[:, None] if scored else None

    def rescore(
        self, model: PictureMatcher, example: LabelledPicture, prediction: Prediction, kept: np.ndarray
    ) -> Tensor:
        """A patch is taken out by painting it in the mean colour of the training pictures."""
        images = shown_patches(self._image(example), kept, self.settings.patch)
        return self._log_probability(model, images, [example], [prediction])

    def _log_probability(
        self,
        model: PictureMatcher,
        images: Tensor,
        examples: Sequence[LabelledPicture],
        predictions: Sequence[Prediction],
    ) -> Tensor:
        """(B,), of the nearest name; one example for all images, or one each."""
        device = next(model.parameters()).device
        with torch.no_grad(), unheard():
            shown = [self._shown(model, *pair) for pair in zip(examples, predictions, strict=True)]
        raws = [one.raw for one in predictions]
        named = [torch.tensor([name == raw.chosen for _, name in raw.columns], device=device) for raw in raws]
        there = [torch.ones_like(one) for one in named]
        known, right, present = (pad_sequence(parts, batch_first=True) for parts in (shown, named, there))
        rest = torch.tensor([raw.rest for raw in raws], device=device)
        return model.log_probability(model.describe(images.to(device)), known, right, present, rest)

    def _shown(self, model: PictureMatcher, example: LabelledPicture, prediction: Prediction) -> Tensor:
        """(columns, D): descriptions of what is shown with an answer, in its order."""
        pixels, places = self._compared(example, prediction)
        device = next(model.parameters()).device
        described = model.describe(self.canvas.normalise(pixels).to(device))
        return column_means(described, torch.tensor(places, device=device))

    def _compared(self, example: LabelledPicture, prediction: Prediction) -> tuple[np.ndarray, list[int]]:
        """(G, H, W, C), the known pictures that are shown with an answer, and which of its columns each belongs to."""
        gallery = gallery_of(example)
        columns = Columns.of([self._names(gallery)], self.by_thing).pictures.tolist()
        place = {number: at for at, (number, _) in enumerate(prediction.raw.columns)}
        rows = [row for row, number in enumerate(columns) if number in place]
        if gallery is None:
            pixels = self.known.pixels[rows]
        else:
            pixels = np.stack([self.canvas.draw(gallery.pictures[row]) for row in rows])
        return pixels, [place[columns[row]] for row in rows]

    def _image(self, example: LabelledPicture) -> Tensor:
        """(1, C, H, W)"""
        return self.canvas.normalise(self.canvas.draw(example)[None])

    def rows(self, prediction: Prediction, target: int | None) -> int:
        """All is read from the one row of the answer."""
        return 0

    def axes(self, examples: Iterable[LabelledPicture], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Patches lie on the picture, and those of known pictures on a sheet of them; known things have names alone."""
        examples, predictions = list(examples), list(predictions)
        axes = picture_axes(self.canvas, examples, self.settings.patch, self.gated)
        axes[LABEL] = [Axis("label", (one.raw.chosen,)) for one in predictions]
        patch = self.settings.patch
        parts = None if self.by_thing else (self.canvas.height // patch, self.canvas.width // patch)
        axes[GALLERY] = []
        for example, one in zip(examples, predictions, strict=True):
            pixels, places = self._compared(example, one)
            axes[GALLERY].append(gallery_axis(one.raw.columns, parts, pixels[np.argsort(places)]))
        return axes
