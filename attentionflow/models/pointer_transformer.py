"""Transformer encoder-decoder with a pointer on top of the decoder, that copies from the source.

Letters: B batch, S source, T target, N open hypotheses, D features.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.copying import Copying, Written
from attentionflow.models.seq2seq import State
from attentionflow.models.transformer import Transformer, TransformerSettings
from attentionflow.nn.copying import CopyAttention


class PointerTransformerSettings(TransformerSettings):
    encoder_layers: int = Field(3, ge=1, description="layers that read the source")
    decoder_layers: int = Field(2, ge=1, description="layers that write the target")
    hidden_words: float = Field(
        0.1, ge=0, lt=1, description="share of the source's tokens whose identity is hidden in training"
    )


class PointerTransformer(Copying, Transformer):
    """The transformer of `models/transformer.py`, and a pointer that reads its features (See et al. 2017).

    Different here: a token of the source is also told by which token its line begins, since in a dialogue that is who
    speaks; and in training some tokens of the source are hidden, so that it is learned to copy by context.
    """

    def __init__(
        self, settings: PointerTransformerSettings, vocabulary: int, source: str, target: str, line_end: int | None
    ) -> None:
        """line_end: the token that ends a line, None where there is none."""
        super().__init__(settings, vocabulary, source, target)
        width = settings.width
        self.pointer = CopyAttention(width, width, Place("cross", target, source, residual=False))
        self.opening = None if line_end is None else nn.Linear(width, width, bias=False)
        self.line_end, self.hidden_words = line_end, settings.hidden_words

    def write(self, source: Tensor, source_mask: Tensor | None, target: Tensor) -> Written:
        memory = self._encode(source, source_mask)
        features = self._decode(memory, source_mask, target)
        copied, writing = self.pointer(features, memory, self.pointer.remember(memory), source_mask)
        return Written(features, copied, writing, {})

    def start(self, source: Tensor, source_mask: Tensor | None) -> State:
        memory = self._encode(source, source_mask)
        state = self._begin(memory, source, source_mask)
        mask = torch.ones_like(source, dtype=torch.bool) if source_mask is None else source_mask
        shared = source, mask, memory, self.pointer.remember(memory)
        nothing = memory.new_zeros(len(source), source.shape[1]), memory.new_zeros(len(source))
        return replace(state, shared=(*shared, *state.shared), own=(*state.own, *nothing))

    def step(self, tokens: Tensor, owners: Tensor, position: int, state: State) -> tuple[Tensor, State]:
        shared, plain = state.shared[:4], replace(state, shared=state.shared[4:], own=state.own[:-2])
        features, after = super().step(tokens, owners, position, plain)
        _, mask, memory, keys = (t[owners] for t in shared)
        copied, writing = self.pointer(features[:, None], memory, keys, mask, position)
        own = *after.own, copied[:, 0], writing[:, 0]
        return features, replace(after, shared=(*shared, *after.shared), own=own)

    def _embed_source(self, source: Tensor) -> Tensor:
        x = self._embed(source)
        if self.training and self.hidden_words:
            x = x * (torch.rand(source.shape, device=x.device) >= self.hidden_words)[..., None]
        if self.opening is not None and self.line_end is not None:
            x = x + self.opening(self._embed(line_openings(source, self.line_end)))
        return x


def line_openings(source: Tensor, line_end: int) -> Tensor:
    """Of each token of the source (B, S), the first token of the line that it stands in, or that it ends."""
    at = torch.arange(1, source.shape[1], device=source.device)
    begun = torch.where(source[:, :-1] == line_end, at, 0)  # where a line begins right after a token
    return source.gather(1, torch.cat((torch.zeros_like(source[:, :1]), begun), 1).cummax(1).values)
