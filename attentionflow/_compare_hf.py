"""Models of Hugging Face transformers that are compared with people: of pictures, and those that write texts.

Letters: n positions, P patches, S pixels of a side, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attentionflow import hf
from attentionflow._faithful import Case, Subject
from attentionflow._faithful_hf import TextEncoder
from attentionflow.errors import UserError
from attentionflow.readers.image import resize
from attentionflow.records import AttentionRecord, Axis

MOST_BESIDE = 16  # positions of a picture that are no patch, such as [CLS] and registers


def text_subject(model: Any, tokenizer: Any) -> Subject:
    """How a model that reads texts is asked: one that writes on by what it foresees, any other by its answer."""
    if tokenizer is None or not hasattr(tokenizer, "is_fast"):
        raise UserError(f"{type(model).__name__} comes with no tokenizer, so it reads no texts")
    writes = hasattr(model, "can_generate") and model.can_generate() and not model.config.is_encoder_decoder
    return TextForeseer(model, tokenizer) if writes else TextEncoder(model, tokenizer)


class TextForeseer:
    """A causal language model, which reads a text word by word and always foresees the next token.

    Gradients are of the log-probability of all tokens of the text after the first, and of the likeliest one behind it.
    """

    meaning = "probability of the text's own tokens and of the likeliest next one"

    def __init__(self, model: Any, tokenizer: Any) -> None:
        if not tokenizer.is_fast:
            raise UserError("the tokenizer does not tell where a token stands in its text; load a fast one")
        self.model: nn.Module = model.eval()
        self.tokenizer = tokenizer
        self.most = getattr(model.config, "max_position_embeddings", None)

    def cases(self, examples: Sequence[str]) -> tuple[Sequence[Case], list[str]]:
        return [ForeseenText(self, text) for text in examples], []


@dataclass(frozen=True)
class ForeseenText:
    subject: TextForeseer
    text: str

    @property
    def where(self) -> str:
        return self.text[:40]

    def record(self, model: nn.Module) -> AttentionRecord:
        subject = self.subject
        encoded = subject.tokenizer(self.text, return_tensors="pt", return_special_tokens_mask=True)
        special = encoded.pop("special_tokens_mask")[0].numpy().astype(bool)
        ids = encoded["input_ids"].to(next(model.parameters()).device)
        if subject.most is not None and ids.shape[1] > subject.most:
            raise UserError(f"a text of {ids.shape[1]} tokens, where the model reads {subject.most}: {self.where!r}")

        def foreseen(output: Any) -> Tensor:
            logs = output.logits[0].float().log_softmax(-1)
            return logs[:-1].gather(1, ids[0, 1:, None]).sum() + logs[-1].max()

        record = hf.capture(model, self.text, tokenizer=subject.tokenizer, target=foreseen, gradients=True)
        (stream, (axis,)), *_ = record.axes.items()
        spans = [None if beside else span for beside, span in zip(special, axis.spans or (), strict=True)]
        return replace(record, axes=dict(record.axes) | {stream: (replace(axis, spans=tuple(spans)),)})

    def score(self, kept: np.ndarray) -> np.ndarray:
        raise UserError("a causal model is only compared here; what leaving words out does to it is not defined")


class PictureEncoder:
    """A model that reads a picture as patches behind a few other positions (ViT, DeiT, DINO, CLIP's half for pictures).

    The whole picture is scaled to the square that the model was made for, so nothing of it is cut away; of what comes
    with the model, only mean and deviation of the colours are used. A classifier is asked for the class that it
    predicts, read from its first position; any other for its embedding, the mean of its last states.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model: nn.Module = model.eval()
        self.classifies = type(model).__name__.endswith("ForImageClassification")
        self.meaning = "probability of the predicted class" if self.classifies else "embedding"
        config, name = model.config, type(model).__name__
        size, patch = getattr(config, "image_size", None), getattr(config, "patch_size", None)
        if getattr(model, "main_input_name", "") != "pixel_values" or not isinstance(size, int | tuple | list):
            raise UserError(f"{name} is no model that reads a picture as one row of patches, so it sees none here")
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        self.patch = (patch, patch) if isinstance(patch, int) else tuple(patch or (1, 1))
        if getattr(processor, "image_mean", None) is None or getattr(processor, "image_std", None) is None:
            raise UserError(f"{name} comes without preprocessor_config.json, which tells mean and deviation of colours")
        self.mean, self.deviation = np.array(processor.image_mean), np.array(processor.image_std)

    def cases(self, examples: Sequence[np.ndarray]) -> tuple[Sequence[Case], list[str]]:
        return [SeenPicture(self, pixels) for pixels in examples], []

    def axis(self, positions: int) -> Axis:
        """Patches on the picture, row after row, behind whatever stands before them."""
        rows, columns = (side // patch for side, patch in zip(self.size, self.patch, strict=True))
        beside = positions - rows * columns
        if not 0 <= beside <= MOST_BESIDE:
            raise UserError(
                f"{type(self.model).__name__} attends over {positions} positions, where a picture of {self.size[0]} x "
                f"{self.size[1]} pixels has {rows} x {columns} patches, so where they lie is not known"
            )
        labels = [f"row {row + 1}, column {column + 1}" for row in range(rows) for column in range(columns)]
        spans = [
            (column / columns, row / rows, (column + 1) / columns, (row + 1) / rows)
            for row in range(rows)
            for column in range(columns)
        ]
        names = [f"beside the picture {i + 1}" for i in range(beside)]
        return Axis("patch", (*names, *labels), (*[None] * beside, *spans))


@dataclass(frozen=True)
class SeenPicture:
    """pixels (H, W, 3) of bytes."""

    subject: PictureEncoder
    pixels: np.ndarray

    where = ""

    def record(self, model: nn.Module) -> AttentionRecord:
        subject = self.subject
        seen = resize(self.pixels, subject.size[1], subject.size[0]).astype(np.float32) / 255
        given = torch.from_numpy((seen - subject.mean) / subject.deviation).float().permute(2, 0, 1)[None]

        def answer(output: Any) -> Tensor:
            """The log-probability of the class, or the embedding times itself; see `TextEncoder`."""
            if subject.classifies:
                return output.logits[0].float().log_softmax(-1).max()
            found = output.last_hidden_state[0].float().mean(0)
            return (found * found.detach()).sum()

        record = hf.capture(model, {"pixel_values": given}, target=answer, gradients=True)
        if len(record.axes) != 1:
            raise UserError(f"{type(model).__name__} attends over {', '.join(record.axes)}, not one row of patches")
        (stream, (axis,)), *_ = record.axes.items()
        patches = subject.axis(len(axis))
        first = 0 if subject.classifies and patches.spans and patches.spans[0] is None else None
        return replace(record, axes={stream: (patches,)}, target=first)

    def score(self, kept: np.ndarray) -> np.ndarray:
        raise UserError("a model of pictures from Hugging Face is only compared here")
