"""Audio processing, the job of tagging: a sound in, what is heard in it and when out.

Letters: B sounds, V windows of all sounds of a batch, W frames of a window, F bands, N moments of a window, C labels,
R reduced inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import checked_fold, module_for
from attentionflow.errors import UserError
from attentionflow.models.sound_taggers import (
    FINEST,
    LABELS,
    MOMENTS,
    Hearing,
    RecurrentTagger,
    RecurrentTaggerSettings,
    SoundTagger,
    SpectrogramTransformer,
    SpectrogramTransformerSettings,
)
from attentionflow.readers.batches import even_batches
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.labelled_sound_checks import check_labelled_sounds
from attentionflow.readers.labelled_sounds import (
    Event,
    LabelledSound,
    fill_splits,
    one_input,
    read_inputs,
    read_labelled_sounds,
)
from attentionflow.readers.labelled_texts import one_label, several_labels
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score
from attentionflow.tasks._augment_pictures import shares
from attentionflow.tasks._augment_sounds import CROP, PARTNER, SoundAugmentation, drawn
from attentionflow.tasks._heard import Tagging, segment_f1, stretches
from attentionflow.tasks._labelling import LabelOptions, LabelTask
from attentionflow.tasks._labels import AnyLabels, Labels, OneLabel, label_names
from attentionflow.tasks._simple_classifiers import most_frequent
from attentionflow.tasks._simple_taggers import support_vectors
from attentionflow.tasks._sound_windows import SoundWindows

WINDOWS = "windows.json"
TOGETHER = 64  # windows that the network hears at once, so that a long sound needs no more memory
PREDICTION_SOUNDS = 64  # of a batch at least, where nothing is learned
KINDS: Mapping[str, type[Labels]] = {"one": OneLabel, "several": AnyLabels}


class TaggingSettings(Settings):
    label: str = Field("label", description="column of the labels in a metadata table")
    labels: Literal["one", "several"] = Field(
        "one", description="of a sound; several are separated by | in the table, and may be none"
    )
    sample_rate: int | None = Field(
        None,
        ge=1000,
        description="samples a second that every sound is brought to; the commonest in training, at most 32000",
    )
    bands: int = Field(64, ge=8, description="mel bands of the spectrogram")
    frame_rate: int = Field(50, ge=10, le=1000, description="frames of the spectrogram a second")
    step: int = Field(8, ge=4, description="frames of a moment, to which attention is paid; a multiple of 4")
    seconds: float = Field(5.0, gt=0, description="of a window; longer sounds are heard in several")
    batch_sounds: int = Field(16, ge=2, description="sounds of a batch")
    mixup: float = Field(
        0.4, ge=0, description="parameter of the beta distribution by which training sounds are mixed in pairs; 0: no"
    )
    turned: bool = Field(True, description="training sounds begin anywhere, and what is before follows their end")
    shifted_bands: int = Field(2, ge=0, description="bands by which training sounds become higher or lower, at most")
    masks: float = Field(
        0.15, ge=0, lt=1, description="share of bands, and of frames, that each of two masks covers at most in training"
    )
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the true label that goes to the others")
    fold: int = Field(1, ge=1, description="which official split, of a named data set that has several")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


@dataclass(frozen=True)
class Prepared:
    """Spectrograms (T, F) float16 as they are, targets (B, C), rows (B,): which example each is."""

    frames: list[np.ndarray]
    targets: np.ndarray
    rows: np.ndarray


class AudioTagging(LabelTask[LabelledSound, Prepared]):
    name = "audio-processing/tagging"
    summary = "a sound to what is heard in it, and when"
    files = "a folder of WAV, FLAC, Ogg or MP3 in folders named after labels, or with metadata.csv (file_name, label)"
    settings_type = TaggingSettings
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "spectrogram-transformer": Architecture(
            SpectrogramTransformer,
            SpectrogramTransformerSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.1, "ema": 0.995, "epochs": 60},
            "convolutions, self-attention between overlapping patches of the spectrogram, and attention of each label",
        ),
        "classic": Architecture(
            RecurrentTagger,
            RecurrentTaggerSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.1, "ema": 0.995, "epochs": 60},
            "convolutions, a bidirectional GRU, and attention of each label",
        ),
    }
    embedded = "signals"
    unit = "sounds"
    column = "sound"

    settings: TaggingSettings
    windows: SoundWindows
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[LabelledSound]], list[str]]:
        module = module_for(data, self.name)
        fold = checked_fold(module, self.settings.fold)
        if module:
            splits, notes = module.read(seed, fold)
            return dict(splits), notes
        cells = one_label if self.settings.labels == "one" else several_labels
        found = read_labelled_sounds(data, self.settings.label, cells)
        self.faults = found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[LabelledSound]:
        return read_inputs(path)

    def example(self, given: Any) -> LabelledSound:
        """The path of a sound, samples (N,) at the model's rate, or samples and their rate."""
        return one_input(given, self.windows.rate)

    def check(self, splits: Mapping[str, Sequence[LabelledSound]]) -> list[Finding]:
        return check_labelled_sounds(splits, self.faults, several=self.settings.labels == "several")

    # Learning before training

    def learn(self, examples: Sequence[LabelledSound]) -> None:
        given, examples = self.settings, list(examples)
        if given.step % FINEST:
            raise UserError(f"step={given.step} is no multiple of {FINEST}")
        self.labels = KINDS[given.labels](label_names(one.labels for one in examples))
        self.windows = self._windows(examples)

    def save(self, folder: Path) -> list[str]:
        self.windows.save(folder / WINDOWS)
        return [WINDOWS, self.save_labels(folder)]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.windows = SoundWindows.load(folder / WINDOWS)
        task.load_labels(folder, KINDS[task.settings.labels])
        return task

    # Batches

    def prepare(self, examples: Sequence[LabelledSound], training: bool) -> tuple[Prepared, list[str]]:
        examples = list(examples)
        targets = self.labels.targets(one.labels for one in examples)
        strange = np.isnan(targets).any(1)
        notes = self.strangers(examples, strange, training, "sounds")
        rows = np.flatnonzero(~strange) if training else np.arange(len(examples))
        return Prepared([self.windows.log_mel(examples[row]) for row in rows], targets[rows], rows), notes

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        return even_batches(len(prepared.rows), self.settings.batch_sounds, PREDICTION_SOUNDS, seed, epoch)

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        targets = torch.from_numpy(prepared.targets[indices])
        if epoch is None:
            windows = [self.windows.windows(prepared.frames[i]) for i in indices]
            counts = torch.tensor([len(one) for one in windows])
            frames = self.windows.normalised(torch.cat(windows))
        else:
            counts = torch.ones(len(indices), dtype=torch.long)
            frames = self._heard_in_training(prepared, indices, seed, epoch)
            if self.settings.mixup:
                count = len(prepared.rows)
                partners = np.minimum((drawn(seed, epoch, count)[indices, PARTNER] * count).astype(int), count - 1)
                share = torch.from_numpy(shares(seed, epoch, count, self.settings.mixup)[indices])
                others = self._heard_in_training(prepared, partners, seed, epoch)
                frames = torch.lerp(others, frames, share[:, None, None])
                targets = torch.lerp(torch.from_numpy(prepared.targets[partners]), targets, share[:, None])
        lengths = torch.tensor([len(prepared.frames[i]) for i in indices])
        tensors = {"frames": frames, "counts": counts, "lengths": lengths, "targets": targets}
        return Batch(prepared.rows[indices], len(indices), tensors)

    def _heard_in_training(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int) -> Tensor:
        """(B, W, F): a window of each, anywhere in it, changed at random."""
        given, draws = self.settings, drawn(seed, epoch, len(prepared.rows))[indices]
        windows = []
        for i, draw in zip(indices, draws[:, CROP], strict=True):
            spare = max(0, len(prepared.frames[i]) - self.windows.frames)
            windows.append(self.windows.window(prepared.frames[i], int(draw * (spare + 1))))
        augmentation = SoundAugmentation(given.turned, given.shifted_bands, given.masks)
        return augmentation.changed(self.windows.normalised(torch.from_numpy(np.stack(windows))), draws)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        hearing = Hearing(self.windows.bands, self.windows.step)
        return self.architectures[architecture].build(settings, hearing, len(self.labels.names))

    def losses(self, model: SoundTagger, batch: Batch) -> dict[str, Loss]:
        targets = batch["targets"]
        known = ~targets.isnan().any(1)
        smoothing = self.settings.label_smoothing if model.training else 0.0
        total = self.labels.loss(self.logits(model, batch)[known].float(), targets[known], smoothing)
        return {"nats": Loss(total, int(known.sum()))}

    def logits(self, model: SoundTagger, batch: Batch) -> Tensor:
        return self._told(model, batch["frames"], batch["counts"].tolist())[0]

    def predict(
        self, model: SoundTagger, batch: Batch, examples: Sequence[LabelledSound], options: LabelOptions
    ) -> list[Prediction]:
        counts = batch["counts"].tolist()
        logits, parts = self._told(model, batch["frames"], counts)
        found = self.answers(logits / self.temperature, examples, options)
        by_sound = [part.float().cpu().numpy() for part in parts.split(counts)]
        lengths = batch["lengths"].tolist()
        return [self._with_times(*one) for one in zip(found, by_sound, lengths, strict=True)]

    def _with_times(self, prediction: Prediction, parts: np.ndarray, length: int) -> Prediction:
        """The answer with the seconds at which its labels are heard; parts (windows, N, C)."""
        raw = prediction.raw
        if not self.labels.several:
            parts = parts - parts.mean(-1, keepdims=True)  # softmax does not see what all logits share
        names, lasts = self.labels.names, length / self.windows.frame_rate
        heard = stretches(parts, raw.chosen, names, self.windows.spans(length), lasts)
        told = [{"label": one.label, "from": round(one.start, 3), "to": round(one.stop, 3)} for one in heard]
        made = Tagging(raw.chosen, raw.probabilities, raw.logits, len(parts), heard)
        return replace(prediction, details={**prediction.details, "heard": told}, raw=made)

    def shown(self, example: LabelledSound) -> str:
        return example.name

    def truth(self, example: LabelledSound) -> tuple[str, ...] | None:
        return example.labels

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """As for any labels, and when each is heard: "rain 0.00-3.20|dog 1.12-1.60"."""
        heard = ["|".join(f"{one.label} {one.start:.2f}-{one.stop:.2f}" for one in p.raw.heard) for p in predictions]
        return {**super().table(predictions), "heard": heard}

    # Judging

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[LabelledSound], cheap: bool
    ) -> dict[str, Score]:
        """Where it is known when labels are heard, also how well that is told."""
        scores = super().metrics(predictions, examples, cheap)
        truth = [one.events for one in examples]
        if all(events is not None for events in truth):
            scores["segment_f1"] = segment_f1([p.raw.heard for p in predictions], [events or () for events in truth])
        return scores

    def baselines(self, train: Sequence[LabelledSound], test: Sequence[LabelledSound]) -> dict[str, dict[str, Score]]:
        """They know no times, and take a label to be heard all the time."""
        known = [one for one in train if one.labels or (self.settings.labels == "several" and one.labels is not None)]
        given = [one.labels or () for one in known]
        labels, usual = KINDS[self.settings.labels](label_names(given)), most_frequent(given)
        heard = self._windows(train)
        frames = [[heard.log_mel(one) for one in some] for some in (known, test)]
        profiles, asked = ([heard.profile(one) for one in some] for some in frames)
        learned = support_vectors(profiles, asked, given, labels.several)
        lasts = [len(one) / heard.frame_rate for one in frames[1]]

        def scored(answers: Sequence[tuple[str, ...]], probability: float = 1.0) -> dict[str, Score]:
            certain = []
            for names, seconds in zip(answers, lasts, strict=True):
                one = labels.certain(names, probability)
                events = tuple(Event(name, 0.0, seconds) for name in names)
                made = Tagging(one.raw.chosen, one.raw.probabilities, one.raw.logits, 1, events)
                certain.append(replace(one, raw=made))
            scores = labels.scores(certain, [one.labels or () for one in test], cheap=True)
            if all(one.events is not None for one in test):
                scores["segment_f1"] = segment_f1(
                    [one.raw.heard for one in certain], [one.events or () for one in test]
                )
            return scores

        what = "label" if not labels.several else "set of labels"
        return {
            f"the most frequent {what}": scored([usual] * len(test), given.count(usual) / len(given)),
            "support vector machine on mean and deviation of each band": scored(learned),
        }

    # Looking

    def replay(
        self, model: SoundTagger, examples: Sequence[LabelledSound], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        windows = [self.windows.windows(self.windows.log_mel(one)) for one in examples]
        frames = self.windows.normalised(torch.cat(windows)).to(next(model.parameters()).device)
        logits, _ = self._told(model, frames, [len(one) for one in windows], folded=True)
        chosen = [one.raw.chosen for one in predictions]
        return self.labels.log_probability(logits / self.temperature, chosen) if scored else None

    def rows(self, prediction: Prediction, target: int | None) -> tuple[int, ...]:
        """Each label looks for itself, in each window; of several labels, the decision on each is a part."""
        chosen = prediction.raw.chosen if target is None or not self.labels.several else (target,)
        count = len(self.labels.names)
        wanted = chosen or tuple(range(count))
        return tuple(window * count + label for window in range(prediction.raw.windows) for label in wanted)

    def axes(self, examples: Iterable[LabelledSound], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Moments lie on the seconds of the spectrogram; of a sound of several windows, each has all labels."""
        moments, labels = [], []
        for one in examples:
            frames = self.windows.log_mel(one)
            starts = self.windows.starts(len(frames))
            told = ["" if len(starts) == 1 else f", from {at / self.windows.frame_rate:.1f} s" for at in starts]
            moments.append(self.windows.axis(frames))
            labels.append(Axis("label", tuple(f"{name}{when}" for when in told for name in self.labels.names)))
        return {MOMENTS: moments, LABELS: labels}

    def rescore(self, model: SoundTagger, example: LabelledSound, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A moment is taken out by setting its frames to the mean of training."""
        windows = self.windows.normalised(self.windows.windows(self.windows.log_mel(example)))  # (V, W, F)
        seen = torch.from_numpy(kept).view(len(kept), len(windows), -1).repeat_interleave(self.windows.step, 2)
        frames = (windows * seen[..., None]).flatten(0, 1).to(next(model.parameters()).device)
        logits, _ = self._told(model, frames, [len(windows)] * len(kept))
        chosen = [prediction.raw.chosen] * len(kept)
        return self.labels.log_probability(logits / self.temperature, chosen).mean(1)

    def _windows(self, examples: Sequence[LabelledSound]) -> SoundWindows:
        given = self.settings
        return SoundWindows.learn(examples, given.sample_rate, given.bands, given.frame_rate, given.seconds, given.step)

    def _told(
        self, model: SoundTagger, frames: Tensor, counts: Sequence[int], folded: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, C) of sounds of `counts` windows, and what each moment adds to those of its window (V, N, C).

        A label is said of a sound as the mean of its windows says it, or, where a sound may have several, as the window
        that says it most. folded: in one pass, with the map back to the sounds, for recording.
        """
        if model.training or folded:
            logits, parts = model(frames, counts if folded and max(counts) > 1 else None)
        else:
            heard = [model(some) for some in frames.split(TOGETHER)]
            logits, parts = (torch.cat(some) for some in zip(*heard, strict=True))
        if max(counts) > 1:
            by_sound = logits.split(list(counts))
            logits = torch.stack([some.amax(0) if self.labels.several else some.mean(0) for some in by_sound])
        return logits, parts
