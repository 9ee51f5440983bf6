"""Video recognition: a clip in, what happens in it out.

Letters: B clips, N all clips, K labels, T frames, R reduced clips, P positions: tubes, or moments.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from attentionflow.datasets import checked_fold, module_for
from attentionflow.models.clip_classifiers import (
    LABEL,
    MOMENTS,
    TUBES,
    ClipClassifier,
    RecurrentMoments,
    RecurrentMomentsSettings,
    SpaceTimeTransformer,
    SpaceTimeTransformerSettings,
)
from attentionflow.readers.batches import even_batches
from attentionflow.readers.clip_checks import check_clips
from attentionflow.readers.clips import Clip, Clips, fill_splits, one_input, read_clips, read_inputs
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.motion import Motion
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score
from attentionflow.tasks._clip_views import ClipSettings, View
from attentionflow.tasks._film_view import FilmView
from attentionflow.tasks._labelling import LabelTask
from attentionflow.tasks._labels import OneLabel, label_names
from attentionflow.tasks._motion_view import MotionView
from attentionflow.tasks._simple_classifiers import most_frequent
from attentionflow.tasks._simple_clip_classifiers import support_vectors

VIEW = "view.json"
PREDICTION_CLIPS = 256  # of a batch at least, where nothing is learned
VIEWS: dict[str, type[View]] = {view.kind: view for view in (FilmView, MotionView)}


@dataclass(frozen=True)
class Prepared:
    """What is kept of all clips (N, moments, ...), targets (N, K), rows (N,): which example each is."""

    kept: np.ndarray
    targets: np.ndarray
    rows: np.ndarray


class VideoRecognition(LabelTask[Clip, Prepared]):
    name = "video-recognition"
    summary = "a clip, of pictures or of joints, to its label"
    files = (
        "films, folders of frames, or .npz, .npy, .csv of joints, in folders named after labels or with metadata.csv"
    )
    settings_type = ClipSettings
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "space-time": Architecture(
            SpaceTimeTransformer,
            SpaceTimeTransformerSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.1, "ema": 0.99, "epochs": 40},
            "divided attention over time and space between tubes, and attention pooling",
        ),
        "classic": Architecture(
            RecurrentMoments,
            RecurrentMomentsSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.1, "ema": 0.99, "epochs": 40},
            "convolutions a frame, a recurrent network over time, and attention over its moments",
        ),
    }
    embedded = "moving_digits"
    unit = "clips"
    column = "clip"

    settings: ClipSettings
    view: View
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Clip]], list[str]]:
        module = module_for(data, self.name)
        fold = checked_fold(module, self.settings.fold)
        found: Clips = module.read(seed, fold) if module else read_clips(data, self.settings.label)
        self.faults = found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[Clip]:
        return read_inputs(path)

    def example(self, given: Any) -> Clip:
        return one_input(given)

    def check(self, splits: Mapping[str, Sequence[Clip]]) -> list[Finding]:
        return check_clips(splits, self.faults)

    # Learning before training

    def learn(self, examples: Sequence[Clip]) -> None:
        self.labels = OneLabel(label_names(one.labels for one in examples))
        kind = MotionView if isinstance(examples[0].open(), Motion) else FilmView
        self.view = kind.learn(examples, self.settings)

    def save(self, folder: Path) -> list[str]:
        page = {"kind": self.view.kind, **self.view.page()}
        (folder / VIEW).write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
        return [VIEW, self.save_labels(folder)]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        page = json.loads((folder / VIEW).read_text(encoding="utf-8"))
        task.view = VIEWS[page.pop("kind")].of(page, task.settings)
        task.load_labels(folder, OneLabel)
        return task

    # Batches

    def prepare(self, examples: Sequence[Clip], training: bool) -> tuple[Prepared, list[str]]:
        targets = self.labels.targets(one.labels for one in examples)
        strange = np.isnan(targets).any(1)
        rows = np.flatnonzero(~strange) if training else np.arange(len(examples))
        kept, notes = self.view.kept([examples[row] for row in rows.tolist()])
        notes += self.strangers(examples, strange, training, "clips")
        if training:
            notes += self.view.training_notes
        return Prepared(kept, targets[rows], rows), notes

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        return even_batches(len(prepared.rows), self.settings.batch_clips, PREDICTION_CLIPS, seed, epoch)

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        kept, targets = prepared.kept[indices], torch.from_numpy(prepared.targets[indices])
        if epoch is None:
            clips = self.view.shown(kept)
        else:
            clips = self.view.changed(kept, [np.random.default_rng((seed, epoch, int(index))) for index in indices])
        return Batch(prepared.rows[indices], len(indices), {"clips": clips, "targets": targets})

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, self.view.sight, len(self.labels.names))

    def losses(self, model: ClipClassifier, batch: Batch) -> dict[str, Loss]:
        targets = batch["targets"]
        known = ~targets.isnan().any(1)
        smoothing = self.settings.label_smoothing if model.training else 0.0
        total = self.labels.loss(model(batch["clips"])[known].float(), targets[known], smoothing)
        return {"nats": Loss(total, int(known.sum()))}

    def logits(self, model: ClipClassifier, batch: Batch) -> Tensor:
        return model(batch["clips"])

    def shown(self, example: Clip) -> str:
        return example.name

    def truth(self, example: Clip) -> tuple[str, ...] | None:
        return example.labels

    # Judging

    def baselines(self, train: Sequence[Clip], test: Sequence[Clip]) -> dict[str, dict[str, Score]]:
        known = [one for one in train if one.labels]
        given = [one.labels or () for one in known]
        labels, usual = OneLabel(label_names(given)), most_frequent(given)
        guess = labels.certain(usual, given.count(usual) / len(given))
        found, told = support_vectors(known, test, self.settings)
        truth = [one.labels or () for one in test]
        return {
            "the most frequent label": labels.scores([guess] * len(test), truth, cheap=True),
            f"support vector machine on {told}": labels.scores(
                [labels.certain((one,)) for one in found], truth, cheap=True
            ),
        }

    # Looking

    def replay(
        self, model: ClipClassifier, examples: Sequence[Clip], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        logits = self._logits(model, self.view.shown(self.view.kept(examples)[0]))
        return self.labels.log_probability(logits, [one.raw.chosen for one in predictions]) if scored else None

    def axes(self, examples: Iterable[Clip], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Tubes and moments lie on a strip of frames, one a moment."""
        strips = [self.view.strip(one) for one in examples]
        tubes, moments = [tubes for tubes, _ in strips], [moments for _, moments in strips]
        return {TUBES: tubes, MOMENTS: moments, LABEL: [Axis("label", (one.output,)) for one in predictions]}

    def rescore(self, model: ClipClassifier, example: Clip, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """Of a tube that is taken out nothing is seen; of a moment, nothing of any of its tubes."""
        if model.stream == MOMENTS:
            kept = kept.repeat(self.view.sight.places, axis=1)
        clip = self.view.shown(self.view.kept([example])[0])
        logits = self._logits(model, self.view.without(clip, kept))
        return self.labels.log_probability(logits, [prediction.raw.chosen] * len(kept)).mean(1)

    def _logits(self, model: ClipClassifier, clips: Tensor) -> Tensor:
        return model(clips.to(next(model.parameters()).device)) / self.temperature
