"""Text classification: a text in, one label out, or any number of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from attentionflow.models.pretrained_encoder import PretrainedEncoder, PretrainedSettings
from attentionflow.models.text_encoder import (
    TextRecurrent,
    TextRecurrentSettings,
    TextTransformer,
    TextTransformerSettings,
)
from attentionflow.readers.labelled_texts import ReadLabels, one_label, several_labels
from attentionflow.task import Architecture
from attentionflow.tasks._labels import AnyLabels, Labels, OneLabel
from attentionflow.tasks._text_labelling import LabellingSettings, TextLabelling


class ClassificationSettings(LabellingSettings):
    labels: Literal["one", "several"] = Field(
        "one", description="of a text; several are separated by | in a table, or a list in JSONL, and may be none"
    )


ARCHITECTURES: Mapping[str, Architecture] = {
    "transformer": Architecture(
        TextTransformer,
        TextTransformerSettings,
        {"learning_rate": 2e-3, "weight_decay": 0.05, "ema": 0.995},
        "transformer over n-gram vectors with attention pooling, which corrects a linear classifier",
    ),
    "classic": Architecture(
        TextRecurrent,
        TextRecurrentSettings,
        {"learning_rate": 2e-3, "weight_decay": 0.05},
        "bidirectional LSTM with attention pooling",
    ),
    "pretrained": Architecture(
        PretrainedEncoder,
        PretrainedSettings,
        {"learning_rate": 1e-4, "weight_decay": 0.01, "warmup": 0.1, "ema": 0.99, "epochs": 4},
        "Hugging Face encoder with attention pooling",
        needs="pretrained",
    ),
}


class TextClassification(TextLabelling):
    name = "text-classification"
    summary = "a text to its label, or to its labels"
    settings_type = ClassificationSettings
    architectures: ClassVar[Mapping[str, Architecture]] = ARCHITECTURES
    embedded = "tongues"

    settings: ClassificationSettings

    @property
    def read_labels(self) -> ReadLabels:
        return one_label if self.settings.labels == "one" else several_labels

    def labels_of(self, names: Sequence[str]) -> Labels:
        return OneLabel(names) if self.settings.labels == "one" else AnyLabels(names)
