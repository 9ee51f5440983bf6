"""Recommendation: what a user will take next, from what the user took before.

Letters: B batch, T time, V catalogue, R reduced histories.
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
from attentionflow.errors import UserError
from attentionflow.models.next_item import (
    CANDIDATE,
    HISTORY,
    NextItem,
    SequentialTransformer,
    TargetRecommender,
    TargetSettings,
    TransformerSettings,
)
from attentionflow.readers.batches import token_batches
from attentionflow.readers.catalogue import Catalogue
from attentionflow.readers.finding import Finding
from attentionflow.readers.interaction_checks import check_interactions
from attentionflow.readers.interactions import History, leave_one_out, read_histories, read_interactions
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._ranking import exclude, judged, ranking_scores, ranks
from attentionflow.tasks._recommended import Encoded, Recommended, encode_for_answers, encode_for_training, pad
from attentionflow.tasks._simple_recommenders import simple_recommenders


class RecommendationSettings(Settings):
    user: str | None = Field(None, description="the table's column of users; by default user or user_id")
    item: str | None = Field(None, description="the table's column of items; by default item or item_id")
    time: str | None = Field(None, description="the table's column of times; by default timestamp or time")
    least_rating: float | None = Field(None, description="rows with a lower rating are left out, and counted")
    names: str | None = Field(None, description="table with the columns item and name; in a folder, items.*")
    batch_actions: int = Field(2048, ge=16, description="histories of a batch times the longest of them, at most")
    max_length: int = Field(50, ge=1, description="most actions that are looked at; longer histories lose the oldest")
    repeats: bool = Field(False, description="whether what a user took before may be recommended again")
    draw_seed: int = Field(0, description="of the 100 unseen items in the metrics named sampled")


class RecommendationOptions(Settings):
    k: int = Field(10, ge=1, description="items recommended")


class Recommendation(Task[History, Encoded]):
    name = "recommendation"
    summary = "the items that a user will take next, from those taken before"
    files = (
        "a table with user, item and timestamp, a RecBole .inter file, or a text file with a user and an item a line"
    )
    settings_type = RecommendationSettings
    options_type = RecommendationOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "transformer": Architecture(
            SequentialTransformer, TransformerSettings, {"learning_rate": 3e-3}, "causal transformer over the history"
        ),
        "classic": Architecture(
            TargetRecommender,
            TargetSettings,
            {"learning_rate": 3e-3},
            "embeddings with target attention over the history",
        ),
    }
    embedded = "sessions"
    deciding = "ndcg10"
    higher_is_better = True
    unit = "actions"

    settings: RecommendationSettings
    catalogue: Catalogue

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[History]], list[str]]:
        module = module_for(data, self.name)
        if module is None:
            return leave_one_out(read_interactions(data, **self._columns()))
        if chosen := [name for name, value in self._columns().items() if value is not None]:
            raise UserError(f"the data set {data} is read as it is; leave out {', '.join(chosen)}")
        return leave_one_out(module.read(seed))

    def read_inputs(self, path: Path) -> Sequence[History]:
        columns = self._columns()
        del columns["names"]  # those of the training are kept with the model
        return read_histories(path, **columns)

    def example(self, given: Any) -> History:
        if isinstance(given, str):
            given = given.split()
        if not isinstance(given, tuple | list) or not all(isinstance(item, str) for item in given):
            raise TypeError(f"a history must be a text of items between blanks, or a tuple of items, got {given!r}")
        return History(tuple(given), None, "", "")

    def check(self, splits: Mapping[str, Sequence[History]]) -> list[Finding]:
        return check_interactions(splits)

    # Learning before training

    def learn(self, examples: Sequence[History]) -> None:
        self.catalogue = Catalogue.learn(examples)

    def save(self, folder: Path) -> list[str]:
        self.catalogue.save(folder / "catalogue.json")
        return ["catalogue.json"]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        task.catalogue = Catalogue.load(folder / "catalogue.json")
        return task

    # Batches

    def prepare(self, examples: Sequence[History], training: bool) -> tuple[Encoded, list[str]]:
        if training:
            return encode_for_training(examples, self.catalogue, self.settings.max_length)
        return encode_for_answers(examples, self.catalogue, self.settings.max_length, self.settings.draw_seed)

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        lengths = np.array([max(1, len(codes)) for codes in prepared.histories])[:, None]
        return token_batches(lengths, self.settings.batch_actions, seed, epoch)

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        """In training every position has an answer, in evaluation the last one alone."""
        histories, targets = [prepared.histories[i] for i in indices], torch.from_numpy(prepared.targets[indices])
        items, lengths = pad(histories)
        answers = torch.full_like(items, -1)
        if epoch is not None:
            answers[:, :-1] = items[:, 1:]
            answers[torch.arange(items.shape[1]) >= lengths[:, None]] = -1
        some = (lengths > 0).nonzero()[:, 0]
        answers[some, lengths[some] - 1] = targets[some]
        drawn = None if prepared.drawn is None else torch.from_numpy(prepared.drawn[indices])
        tensors = {"items": items, "lengths": lengths, "answers": answers, "targets": targets, "drawn": drawn}
        return Batch(prepared.rows[indices], int(lengths.sum()), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, len(self.catalogue))

    def losses(self, model: NextItem, batch: Batch) -> dict[str, Loss]:
        count = int((batch["answers"] >= 0).sum())
        return {"nats": Loss(model.loss(batch["items"], batch["answers"]), count)}

    def scores(self, model: NextItem, batch: Batch) -> Tensor:
        """Of every item for each history, (B, V); the logarithm of its popularity where there is no history."""
        empty = batch["lengths"] == 0
        found = model.scores(batch["items"], batch["lengths"].clamp_min(1))
        if empty.any():
            found[empty] = torch.from_numpy(self.catalogue.log_popularity).to(found)
        return found

    def predict(
        self, model: NextItem, batch: Batch, examples: Sequence[History], options: RecommendationOptions
    ) -> list[Prediction]:
        scores = self.scores(model, batch)
        seen = [self.catalogue.encode(one.items) for one in examples]
        allowed = scores if self.settings.repeats else exclude(scores, seen)
        best, codes = allowed.topk(min(options.k, len(self.catalogue)))
        there, lengths = batch["lengths"] > 0, batch["lengths"].clamp_min(1)
        likely = torch.where(there[:, None], model.log_probabilities(scores, codes), best)
        first = torch.where(there, model.log_probability(batch["items"], lengths, codes[:, 0], scores), best[:, 0])
        full = among = np.zeros(len(examples), int)
        if (drawn := batch.get("drawn")) is not None:
            full, among = ranks(allowed, batch["targets"]), ranks(allowed, batch["targets"], drawn)
        found = []
        columns = (codes, likely, best.isfinite().sum(1), batch["lengths"], first)
        for one, codes_of, likely_of, left, length, score, *stood in zip(
            examples, *(column.tolist() for column in columns), full.tolist(), among.tolist(), strict=True
        ):
            items = tuple(self.catalogue.items[code] for code in codes_of[:left])  # what may not be recommended is last
            stood = [None, None] if one.target is None else stood
            answer = Recommended(items, tuple(map(self.catalogue.name, items)), tuple(likely_of[:left]), length, *stood)
            about = {"user": one.user} if one.user else {}
            found.append(Prediction(" ".join(one.items), answer, score if items else 0.0, one.where, about))
        return found

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """A row an item recommended."""
        columns: dict[str, list[Any]] = {name: [] for name in ("input", "user", "place", "item", "name", "score")}
        for p in predictions:
            for place, row in enumerate(p.output.rows(), start=1):
                cells = (p.input, p.details.get("user", ""), place, *row)
                for column, cell in zip(columns.values(), cells, strict=True):
                    column.append(cell)
        return columns

    # Judging

    @property
    def validation_options(self) -> RecommendationOptions:
        return RecommendationOptions(k=1)

    def metrics(self, predictions: Sequence[Prediction], examples: Sequence[History], cheap: bool) -> dict[str, Score]:
        full = np.array([p.output.rank for p in predictions])
        return self._scored(full, np.array([p.output.among_drawn for p in predictions]), cheap)

    def baselines(self, train: Sequence[History], test: Sequence[History]) -> dict[str, dict[str, Score]]:
        """Over the items of `train`, whatever this task learned before."""
        catalogue = Catalogue.learn(train)
        seen = [catalogue.encode(one.items) for one in test]
        known, _ = encode_for_answers(test, catalogue, self.settings.max_length, self.settings.draw_seed)
        sequences = [catalogue.encode(one.whole) for one in train]
        return {
            name: self._scored(*judged(method, seen, known.targets, known.drawn, self.settings.repeats), cheap=True)
            for name, method in simple_recommenders(sequences, catalogue).items()
        }

    def _scored(self, full: np.ndarray, among: np.ndarray, cheap: bool) -> dict[str, Score]:
        protocol = "among all items" if self.settings.repeats else "among all items but those of the history"
        return ranking_scores(full, among, protocol, cheap)

    # Looking

    def replay(
        self, model: NextItem, examples: Sequence[History], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        histories = self.prepare(examples, training=False)[0].histories
        if not all(map(len, histories)):
            raise UserError("a history without a known item is answered by popularity, which attends to nothing")
        found = self._log_probability(model, histories, [self._first(p) for p in predictions])
        return found[:, None] if scored else None

    def rows(self, prediction: Prediction, target: int | None) -> int:
        """The last position answers, or the one candidate."""
        return -1

    def axes(self, examples: Iterable[History], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """A history's items, by name; and the item recommended, which is what target attention asks with."""
        most, known = self.settings.max_length, self.catalogue.codes
        looked = [[item for item in one.items if item in known][-most:] for one in examples]
        answers = [self.catalogue.items[self._first(p)] for p in predictions]
        return {
            HISTORY: [Axis("item", tuple(map(self.catalogue.name, items))) for items in looked],
            CANDIDATE: [Axis("item", (self.catalogue.name(item),)) for item in answers],
        }

    def rescore(self, model: NextItem, example: History, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """An item is taken out as if it had never been taken; what is left without any is answered by popularity."""
        codes = self.prepare([example], training=False)[0].histories[0]
        first = self._first(prediction)
        popularity = float(self.catalogue.log_popularity[first])
        found = torch.full((len(kept),), popularity, device=model.output.device)
        some = kept.any(1)
        if some.any():
            histories = [codes[row] for row in kept[some]]
            likely = self._log_probability(model, histories, [first] * len(histories))
            found[torch.from_numpy(some).to(found.device)] = likely
        return found

    def _first(self, prediction: Prediction) -> int:
        """Code of the item recommended first."""
        if not prediction.output.items:
            raise UserError(f"{prediction.where or 'this user'} has every item already, so none was recommended")
        return self.catalogue.codes[prediction.output.items[0]]

    def _log_probability(self, model: NextItem, histories: Sequence[np.ndarray], answers: Sequence[int]) -> Tensor:
        items, lengths = (t.to(model.output.device) for t in pad(histories))
        return model.log_probability(items, lengths, torch.tensor(answers, device=items.device))

    def _columns(self) -> dict[str, Any]:
        return self.settings.model_dump(include={"user", "item", "time", "least_rating", "names"})
