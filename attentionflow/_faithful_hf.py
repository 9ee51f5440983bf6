"""Text models of Hugging Face transformers as a subject: classifiers by their class, others by their embedding.

Letters: R reduced inputs, n tokens, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attentionflow import hf
from attentionflow._faithful import Case
from attentionflow.errors import UserError
from attentionflow.records import AttentionRecord


class TextEncoder:
    """A model and its fast tokenizer, as `attentionflow.hf.load` gives them; its examples are texts.

    With a head that classifies sequences, p is the probability of the class predicted for the whole text, read from the
    first token. Otherwise p is the cosine of the embedding, the mean of the last states, with that of the whole text.

    A token is taken out by putting the mask token in its place, or where there is none by hiding it from attention and
    from the mean. Special tokens stay.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.classifies = type(model).__name__.endswith("ForSequenceClassification")
        self.model: nn.Module = (model if self.classifies else model.base_model).eval()
        self.tokenizer, self.mask = tokenizer, tokenizer.mask_token_id
        if model.config.is_encoder_decoder:
            raise UserError(f"{type(model).__name__} writes texts; only encoders and classifiers are judged")
        if self.classifies and (self.mask is None or model.config.num_labels < 2):
            lacks = "no mask token to put in a token's place" if self.mask is None else "no classes"
            raise UserError(f"{type(model).__name__} has {lacks}; give its model without a head")
        if not tokenizer.is_fast:
            raise UserError("the tokenizer does not tell where a token stands in its text; load a fast one")
        embedding = "cosine of the embedding with that of the whole text"
        self.meaning = "probability of the predicted class" if self.classifies else embedding

    def cases(self, examples: Sequence[Any]) -> tuple[Sequence[Case], list[str]]:
        return [self.case(text) for text in examples], []

    def case(self, text: str) -> TextCase:
        if not isinstance(text, str):
            raise UserError(f"an example of a text model is a text, got {type(text).__name__}")
        given = self.tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
        ids = given["input_ids"].to(next(self.model.parameters()).device)
        most = getattr(self.model.config, "max_position_embeddings", None)
        if most is not None and ids.shape[1] > most:
            raise UserError(f"a text of {ids.shape[1]} tokens, where the model reads {most}: {text[:40]!r}; shorten it")
        with torch.inference_mode():
            answer = self.answer(self.model(input_ids=ids), torch.ones_like(ids))
        answer = answer.argmax(-1) if self.classifies else answer
        return TextCase(self, text, ids, given["special_tokens_mask"][0].numpy().astype(bool), answer.clone())

    def answer(self, output: Any, seen: Tensor) -> Tensor:
        """Log-probabilities of the classes (R, classes), or embeddings (R, D) of the tokens that are seen (R, n)."""
        if self.classifies:
            return output.logits.float().log_softmax(-1)
        states, seen = output.last_hidden_state.float(), seen[..., None].float()
        return (states * seen).sum(1) / seen.sum(1).clamp(min=1)


@dataclass(frozen=True)
class TextCase:
    """A text; answer: its class (1,) or embedding (1, D). special (n,): tokens that always stay."""

    subject: TextEncoder
    text: str
    ids: Tensor
    special: np.ndarray
    answer: Tensor

    @property
    def where(self) -> str:
        return self.text if len(self.text) <= 40 else f"{self.text[:39]}…"

    def record(self, model: nn.Module) -> AttentionRecord:
        record = hf.capture(model, self.text, tokenizer=self.subject.tokenizer, target=self._scalar, gradients=True)
        (stream, (axis,)), *_ = record.axes.items()
        spans = axis.spans or [(i, i + 1) for i in range(len(axis))]
        free = tuple(None if special else span for special, span in zip(self.special, spans, strict=True))
        axes = dict(record.axes) | {stream: (replace(axis, spans=free),)}
        return replace(record, axes=axes, target=0 if self.subject.classifies else None)

    def score(self, kept: np.ndarray) -> np.ndarray:
        subject = self.subject
        keep = torch.from_numpy(kept | self.special).to(self.ids.device)
        ids, seen = self.ids.expand(len(keep), -1), keep.long()
        if subject.mask is not None:
            ids, seen = ids.where(keep, subject.mask), torch.ones_like(seen)
        with torch.inference_mode():
            found = subject.answer(subject.model(input_ids=ids, attention_mask=seen), seen)
            if subject.classifies:
                p = found[:, self.answer[0]].exp()
            else:
                p = nn.functional.cosine_similarity(found, self.answer, dim=-1)
        return p.double().cpu().numpy()

    def _scalar(self, output: Any) -> Tensor:
        """What gradients are of: the log-probability of the class, or the embedding times that of the whole text.

        Not their cosine, which is largest here, so that its gradient is zero.
        """
        found = self.subject.answer(output, torch.ones_like(self.ids))
        return found[0, self.answer[0]] if self.subject.classifies else (found * self.answer).sum()
