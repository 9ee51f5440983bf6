"""Video processing: a film in, how much each moment matters out, with its events, key frames and a cut-down film.

Letters: F films, N moments of a film, V windows of all films of a batch, W moments of the longest of them, R raters,
Q reduced inputs, P moments of all windows of a film.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import checked_fold, module_for
from attentionflow.errors import DataError, UserError
from attentionflow.models.clip_classifiers import MOMENTS, FilmSight
from attentionflow.models.moment_scorers import (
    LocalGlobalTransformer,
    LocalGlobalTransformerSettings,
    MomentScorer,
    SoftAttention,
    SoftAttentionSettings,
    window_fold,
)
from attentionflow.readers.clips import film_of
from attentionflow.readers.finding import Finding, told
from attentionflow.readers.moment_checks import check_known_films
from attentionflow.readers.moments import KnownFilm, KnownFilms, fill_splits, one_input, read_inputs, read_known_films
from attentionflow.records import Axis
from attentionflow.settings import Settings, listed
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._canvas import Canvas
from attentionflow.tasks._film_frames import Frames, Prepared, Windows, padded
from attentionflow.tasks._film_view import Still
from attentionflow.tasks._moment_scores import by_raters, event_scores, rank_scores
from attentionflow.tasks._moment_strip import moment_axis
from attentionflow.tasks._moments import MomentOptions, Moments, pick
from attentionflow.tasks._simple_moments import best_threshold, simple_scores

LEARNED = "moments.json"
LONG = 2000  # moments of a film of which nothing is known, above which it is read window by window
PREDICTION_FILMS = 8  # of a batch, where nothing is learned
TOGETHER = 32  # reduced windows that the network sees at once


class MomentSettings(Settings):
    events: str = Field("", description="labels of the events that matter, comma-separated; all unless given")
    fold: int = Field(1, ge=1, description="which of the official splits of a named data set that has several")
    rate: float = Field(2.0, gt=0, description="frames a second that the network sees; of a folder it sees all")
    window: int = Field(240, ge=8, description="frames between which there is attention; longer films are cut")
    size: int = Field(64, ge=8, description="pixels of the longer side that the network sees")
    patch: Literal[4, 8, 16, 32] = Field(16, description="pixels of a side, to which convolutions halve it down to one")
    batch_films: int = Field(8, ge=1, description="films of a batch, a window of each")
    flips: Literal["none", "horizontal"] = Field("horizontal", description="whether training films are mirrored")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class VideoProcessing(Task[KnownFilm, Prepared]):
    name = "video-processing"
    summary = "a film to its moments that matter, key frames and a cut-down film"
    files = "films or folders of frames with metadata.csv: events (start, end), or scores by second or frame and rater"
    settings_type = MomentSettings
    options_type = MomentOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "local-global": Architecture(
            LocalGlobalTransformer,
            LocalGlobalTransformerSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.05, "ema": 0.99},
            "convolutions a frame, and a transformer over frames with local and global heads",
        ),
        "classic": Architecture(
            SoftAttention,
            SoftAttentionSettings,
            {"learning_rate": 2e-3, "weight_decay": 0.05, "ema": 0.99},
            "convolutions a frame, one soft self-attention over frames, and a regressor (VASNet)",
        ),
    }
    embedded = "passing_shapes"
    deciding = "spearman_rho"
    higher_is_better = True
    unit = "frames"

    settings: MomentSettings
    canvas: Canvas
    scale: tuple[float, float] | None  # least and most of the raters' mean score in training; None of events
    threshold = 0.5  # from which a moment belongs to an event, chosen after training
    shortest = 1.0  # moments of an event, at least: half of the shortest in training, as fewer could be none of them
    faults: Sequence[Finding] = ()

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[KnownFilm]], list[str]]:
        module = module_for(data, self.name)
        fold = checked_fold(module, self.settings.fold)
        labels = listed(self.settings.events)
        if module and labels:
            raise UserError(f"events={self.settings.events}: the events of {data} have no labels; leave it out")
        found: KnownFilms = module.read(seed, fold) if module else read_known_films(data, labels)
        self.faults = found.faults
        splits, notes = fill_splits(found.splits, self.settings.held_out, seed)
        return splits, [*found.notes, *told(found.faults), *notes]

    def read_inputs(self, path: Path) -> Sequence[KnownFilm]:
        return read_inputs(path)

    def example(self, given: Any) -> KnownFilm:
        """The path of a film or of a folder of frames, or bytes (T, H, W) or (T, H, W, 3)."""
        return one_input(given)

    def check(self, splits: Mapping[str, Sequence[KnownFilm]]) -> list[Finding]:
        return check_known_films(splits, self.faults)

    # Learning before training

    def learn(self, examples: Sequence[KnownFilm]) -> None:
        some = [Still(examples[i].clip) for i in np.unique(np.linspace(0, len(examples) - 1, 50).astype(int))]
        self.canvas = Canvas.learn(some, self.settings.size, self.settings.patch, grey=True)
        means = [one.mean_rating() for one in examples if one.ratings]
        self.scale = None
        unit = self.settings.rate if film_of(examples[0].clip).unit == "s" else 1.0
        self.shortest = unit / 2 * min((end - start for one in examples for start, end in one.spans), default=0.0)
        if means:
            scores = np.concatenate(means)
            self.scale = float(scores.min()), float(scores.max())
            if self.scale[0] == self.scale[1]:
                raise UserError(f"all scores of the training films are {self.scale[0]:g}, so there is nothing to learn")

    def save(self, folder: Path) -> list[str]:
        learned = {"scale": self.scale, "threshold": self.threshold, "shortest": self.shortest}
        (folder / LEARNED).write_text(json.dumps({"canvas": asdict(self.canvas), **learned}), encoding="utf-8")
        return [LEARNED]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        page = json.loads((folder / LEARNED).read_text(encoding="utf-8"))
        task.canvas = Canvas.of(page["canvas"])
        task.threshold, task.shortest = page["threshold"], page["shortest"]
        task.scale = None if page["scale"] is None else (page["scale"][0], page["scale"][1])
        return task

    # Batches

    def prepare(self, examples: Sequence[KnownFilm], training: bool) -> tuple[Prepared, list[str]]:
        films = [film_of(one.clip) for one in examples]
        lasts = [film.lasts for film in films]
        for one, length in zip(examples, lasts, strict=True):
            one.check(length)
            if one.known and (one.ratings is None) != (self.scale is None):
                kinds = ("events", "scores") if self.scale is None else ("scores", "events")
                what = f"the network learned from {kinds[0]}, and of this film {kinds[1]} are told"
                raise DataError(what, file=one.where, remedy="Train on one kind at a time")
        counts = [self.frames.count(film) for film in films]
        targets = [self._targets(*three) for three in zip(examples, counts, lasts, strict=True)]
        silent = {row for row, own in enumerate(targets) if training and not np.isfinite(own).any()}
        rows = [row for row in range(len(examples)) if row not in silent]
        held = [row for row in rows if examples[row].known or counts[row] <= LONG]
        drawn = self.frames.all([examples[row] for row in held], [counts[row] for row in held])
        by_row = dict(zip(held, drawn, strict=True))
        kept = [by_row.get(row) for row in rows]
        places = ", ".join(examples[row].where for row in sorted(silent)[:5])
        notes = [f"{len(silent):,} films without scores are left out of training: {places}"] if silent else []
        return Prepared(kept, [targets[row] for row in rows], [lasts[row] for row in rows], np.array(rows, int)), notes

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        count = len(prepared.rows)
        if count == 0:
            return []
        if epoch is None:
            return np.array_split(np.arange(count), -(-count // PREDICTION_FILMS))
        order = np.random.default_rng((seed, epoch)).permutation(count)
        return np.array_split(order, -(-count // self.settings.batch_films))

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        """frames (V, W, C, H, W), targets (V, W) NaN where not known, present (V, W) or None where nothing is padded;
        counts (B,) windows of each film, 0 of a long one, lasts (B,). In training one window at random of each."""
        frames, targets, counts = [], [], []
        for i in indices.tolist():
            film, wanted = prepared.frames[i], prepared.targets[i]
            starts = [] if film is None else self.windows.starts(len(film))
            draw = None if epoch is None else np.random.default_rng((seed, epoch, i))
            if draw is not None and len(starts) > 1:
                starts = [int(draw.integers(0, len(wanted) - self.windows.size + 1))]
            for start in starts:
                assert film is not None
                piece = film[start : start + self.windows.size]
                mirrored = draw is not None and self.settings.flips == "horizontal" and draw.random() < 0.5
                frames.append(piece[:, :, ::-1] if mirrored else piece)
                targets.append(wanted[start : start + self.windows.size])
            counts.append(len(starts))
        made, present = padded(frames, self.canvas)
        wanted = [torch.from_numpy(one).float() for one in targets]
        tensors = {
            "frames": made,
            "present": present,
            "targets": nn.utils.rnn.pad_sequence(wanted, True, float("nan")) if wanted else torch.zeros(0, 0),
            "counts": torch.tensor(counts),
            "lasts": torch.tensor([prepared.lasts[i] for i in indices.tolist()], dtype=torch.float64),
        }
        return Batch(prepared.rows[indices], sum(map(len, frames)), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        canvas, patch = self.canvas, self.settings.patch
        sight = FilmSight(self.settings.window, len(canvas.mean), canvas.height, canvas.width, 1, patch)
        return self.architectures[architecture].build(settings, sight)

    def losses(self, model: MomentScorer, batch: Batch) -> dict[str, Loss]:
        """Nats of each moment's mattering, which a score between the least and the most says in part."""
        logits, targets = model(batch["frames"], batch.get("present")), batch["targets"]
        known = targets.isfinite()
        total = F.binary_cross_entropy_with_logits(logits[known].float(), targets[known], reduction="sum")
        return {"nats": Loss(total, int(known.sum()))}

    def predict(
        self, model: MomentScorer, batch: Batch, examples: Sequence[KnownFilm], options: MomentOptions
    ) -> list[Prediction]:
        """Window by window, so that an hour takes the memory of a few minutes and a film does not depend on others."""
        counts, lasts = batch["counts"].tolist(), batch["lasts"].tolist()
        present, found = batch.get("present"), []
        for example, own, there, length in zip(
            examples,
            batch["frames"].split(counts),
            [None] * len(counts) if present is None else present.split(counts),
            lasts,
            strict=True,
        ):
            windows = own if there is None else [one[kept] for one, kept in zip(own, there, strict=True)]
            pieces = windows if len(own) else self._stream(example, batch["frames"].device)
            logits = [model(one[None])[0].float().cpu().numpy() for one in pieces]
            found.append(self._picked(example, logits, length, options))
        return found

    def _stream(self, example: KnownFilm, device: torch.device) -> Iterator[Tensor]:
        """The windows (W, C, H, W) of a long film, read one after the other."""
        windows = self.frames.windows(film_of(example.clip), self.windows)
        return (self.canvas.normalise(one).to(device) for one in windows)

    def _picked(
        self, example: KnownFilm, logits: Sequence[np.ndarray], lasts: float, options: MomentOptions
    ) -> Prediction:
        film = film_of(example.clip)
        values = np.concatenate(logits)[self.windows.places(self.frames.count(film))].astype(float)
        output = pick(values, self.scale, film, lasts, self.threshold, self.shortest, options, example.name)
        chosen = output.picked
        score = float(-np.logaddexp(0, np.where(chosen, -values, values)).mean())
        return Prediction(example.name, output, score, example.where, raw=chosen)

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """A row a moment."""
        columns: dict[str, list[Any]] = {"film": []}
        for one in predictions:
            own, done = one.output.columns(), len(columns["film"])
            columns["film"] += [one.input] * len(one.output.scores)
            for name in dict.fromkeys((*columns, *own)):  # seconds of films, and frames of folders, in one table
                if name != "film":
                    before = columns.get(name, [None] * done)
                    columns[name] = before + own.get(name, [None] * len(one.output.scores))
        return columns

    def answer_files(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Iterable[bytes]]]:
        for one in predictions:
            yield from one.output.files(one.input)

    # Judging

    @property
    def validation_options(self) -> MomentOptions:
        return MomentOptions()

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[KnownFilm], cheap: bool
    ) -> dict[str, Score]:
        outputs = [one.output for one in predictions]
        raters = [one.raters(own.middles) for one, own in zip(examples, outputs, strict=True)]
        ranks = rank_scores([by_raters(own.scores, seen) for own, seen in zip(outputs, raters, strict=True)], cheap)
        if examples[0].ratings is not None:
            return ranks
        found = [own.times(own.events or ()) for own in outputs]
        return event_scores(found, [one.spans for one in examples], cheap) | ranks

    def calibrate(self, model: MomentScorer, predictions: Sequence[Prediction], examples: Sequence[KnownFilm]) -> bool:
        """Choose the score from which a moment belongs to an event."""
        if self.scale:
            return False
        outputs = [one.output for one in predictions]
        found = best_threshold(
            [one.scores for one in outputs],
            [one.lasts for one in outputs],
            [one.spans for one in examples],
            self.shortest,
        )
        self.threshold, before = found, self.threshold
        return found != before

    def baselines(self, train: Sequence[KnownFilm], test: Sequence[KnownFilm]) -> dict[str, dict[str, Score]]:
        return simple_scores(train, test, self.settings.rate)

    # Looking

    def replay(
        self, model: MomentScorer, examples: Sequence[KnownFilm], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """The parts of an answer are its moments: of each, that it matters where it was picked, or else that not."""
        drawn, counts = self._drawn(examples)
        cut = [self.windows.cut(film) for film in drawn]
        whole = [one for own in cut for one in own]
        frames, present = padded(whole, self.canvas)
        device = next(model.parameters()).device
        lengths = list(map(len, whole))
        fold = window_fold([len(own) for own in cut], lengths) if len(lengths) > len(cut) else None
        logits = model(frames.to(device), None if present is None else present.to(device), fold)
        if not scored:
            return None
        pieces = [one[:length] for one, length in zip(logits, lengths, strict=True)]
        rows = []
        for own, count, prediction in zip(cut, counts, predictions, strict=True):
            seen, pieces = torch.cat(pieces[: len(own)]), pieces[len(own) :]
            rows.append(self._log_probability(seen[torch.from_numpy(self.windows.places(count))], prediction))
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def rows(self, prediction: Prediction, target: int | None) -> int | tuple[int, ...] | None:
        """A moment is read from its own row, in the window that it is read from; the whole from the rows picked."""
        places = self.windows.places(len(prediction.raw))
        if target is not None:
            return int(places[min(target, len(places) - 1)])
        return tuple(places[prediction.raw].tolist()) or None

    def axes(self, examples: Iterable[KnownFilm], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """The moments of all windows lie on a strip of frames, each with its score."""
        pairs = zip(examples, predictions, strict=True)
        return {MOMENTS: [self._axis(example, prediction.output) for example, prediction in pairs]}

    def _axis(self, example: KnownFilm, output: Moments) -> Axis:
        film = self._drawn([example])[0][0]
        seen = np.concatenate(self.windows.cut(np.arange(len(film)))).tolist()
        least, most = self.scale or (0.0, 1.0)
        return moment_axis(film, output.edges, output.unit, (output.scores - least) / (most - least), seen)

    def rescore(self, model: MomentScorer, example: KnownFilm, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A moment is taken out by showing the mean colour in its place."""
        film = self._drawn([example])[0][0]
        frames, _ = padded(self.windows.cut(film), self.canvas)
        frames = frames.to(next(model.parameters()).device)  # all windows of a film are of one length
        places = torch.from_numpy(self.windows.places(len(film)))
        found = []
        for row in torch.from_numpy(kept).to(frames.device):
            seen = frames * row.view(*frames.shape[:2], 1, 1, 1)
            logits = torch.cat([model(one) for one in seen.split(TOGETHER)]).flatten()
            found.append(self._log_probability(logits[places], prediction).mean())
        return torch.stack(found)

    # Parts

    @property
    def frames(self) -> Frames:
        return Frames(self.canvas, self.settings.rate)

    @property
    def windows(self) -> Windows:
        return Windows(self.settings.window)

    def _targets(self, example: KnownFilm, count: int, lasts: float) -> np.ndarray:
        """(N,) from 0 to 1, NaN where nothing is known."""
        middles = (np.arange(count) + 0.5) * lasts / count
        if not example.known:
            return np.full(count, np.nan)
        if self.scale is None:
            return example.within(middles)
        least, most = self.scale
        return ((example.mean_rating(middles) - least) / (most - least)).clip(0, 1)

    def _drawn(self, examples: Sequence[KnownFilm]) -> tuple[list[np.ndarray], list[int]]:
        counts = [self.frames.count(film_of(one.clip)) for one in examples]
        return self.frames.all(examples, counts), counts

    def _log_probability(self, logits: Tensor, prediction: Prediction) -> Tensor:
        picked = torch.from_numpy(prediction.raw).to(logits.device)
        return F.logsigmoid(torch.where(picked, logits, -logits).float())
