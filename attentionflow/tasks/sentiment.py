"""Sentiment: a text in, how its writer feels out, one of some classes that have an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from attentionflow.errors import UserError
from attentionflow.readers.labelled_texts import LabelledText, ReadLabels, one_label
from attentionflow.readers.sentiment_trees import read_tree_splits, tree_files
from attentionflow.settings import listed
from attentionflow.task import Architecture
from attentionflow.tasks._labels import Labels, OrderedLabel
from attentionflow.tasks._text_labelling import LabellingSettings, TextLabelling
from attentionflow.tasks.text_classification import ARCHITECTURES


class SentimentSettings(LabellingSettings):
    order: str = Field(
        "", description="the labels from worst to best, comma-separated; by default numbers by size, or the alphabet"
    )
    phrases: bool = Field(True, description="learn from the phrases of files of trees too; judged are sentences alone")


class Sentiment(TextLabelling):
    name = "sentiment"
    summary = "a text to how its writer feels, in ordered classes"
    files = f"{TextLabelling.files}, or files of trees such as (3 (2 a) (4 joy)), whose phrases are learned from too"
    settings_type = SentimentSettings
    architectures: ClassVar[Mapping[str, Architecture]] = ARCHITECTURES
    embedded = "opinions"

    settings: SentimentSettings

    @property
    def read_labels(self) -> ReadLabels:
        return one_label

    def read_files(self, path: Path) -> Mapping[str, Sequence[LabelledText]]:
        trees = tree_files(path)
        return read_tree_splits(trees, self.settings.phrases) if trees else super().read_files(path)

    def labels_of(self, names: Sequence[str]) -> Labels:
        order = listed(self.settings.order)
        if order and sorted(order) != sorted(names):
            raise UserError(
                f"order names {', '.join(order)}, but the labels of the training texts are {', '.join(names)}"
            )
        return OrderedLabel(order or names)
