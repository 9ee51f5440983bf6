"""Hierarchical recurrent network of dialogues, with attention over turns and their words.

Serban et al. 2016 (HRED) for the words, turns and decoder; Xing et al. 2018 (HRAN) for attention on both levels.
Letters: B dialogues, T tokens, N turns of all dialogues, L tokens of the longest turn, M turns of the longest dialogue,
E embedding, D features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attentionflow.attend import Place
from attentionflow.models.language_model import Cache, LanguageModel
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.hierarchical import HierarchicalAttention
from attentionflow.records import Fold
from attentionflow.settings import Settings


class HierarchicalSettings(Settings):
    embedding: int = Field(192, ge=8, description="features of a token, and of what foresees the next")
    hidden: int = Field(256, ge=8, description="features of a turn, of the dialogue so far, and of the decoder")
    attention: int = Field(64, ge=8, description="features inside the additive scores")
    dropout: float = Field(0.2, ge=0, lt=1, description="on embeddings, encoded words and what foresees the next token")


class Hierarchical(LanguageModel):
    """Words of a turn through a bidirectional GRU, turns through another, and a third that writes the next turn.

    What foresees a token sees its own turn through the third, and earlier turns through attention and through the state
    of the dialogue that the third begins with. Different from the papers: each turn of a dialogue is learned from in
    one pass, since no query sees its own turn or a later one.
    """

    def __init__(self, settings: HierarchicalSettings, vocabulary: int, stream: str, end: int) -> None:
        """stream: name of the tokens in the attention record. end: the token that ends a turn."""
        super().__init__()
        embedding, hidden = settings.embedding, settings.hidden
        self.end = end
        self.output = nn.Parameter(torch.randn(vocabulary, embedding) * 0.1)
        self.words = nn.GRU(embedding, hidden // 2, batch_first=True, bidirectional=True)
        self.turns = nn.GRU(2 * (hidden // 2), hidden, batch_first=True)
        self.bridge, self.decoder = nn.Linear(hidden, hidden), nn.GRU(embedding, hidden, batch_first=True)
        self.attention = HierarchicalAttention(
            hidden, 2 * (hidden // 2), hidden, settings.attention, Place("self", stream, stream, residual=False)
        )
        self.combine = nn.Linear(2 * hidden + 2 * (hidden // 2), embedding)
        self.dropout = Dropout(settings.dropout)

    def forward(self, tokens: Tensor, fold: Fold | None = None) -> Tensor:
        """No fold: dialogues are whole. A query sees the turns before its own, and the first token, no turn."""
        if fold is not None:
            raise ValueError("a dialogue is read whole, so nothing is folded")
        return self._read(tokens)[0]

    def start(self, tokens: Tensor, room: int) -> tuple[Tensor, Cache]:
        """The steps that follow write on in the turn that the tokens end in."""
        features, state, memory = self._read(tokens)
        return features[:, -1], Cache((), (state, *memory), tokens.shape[1])

    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        state, values, words, contexts, turn, seen = cache.own
        written, state = self.decoder(F.embedding(tokens, self.output)[:, None], state[None])
        attended = self.attention(written, values, (words, contexts), turn, seen)
        cache.own, cache.filled = (state[0], *cache.own[1:]), cache.filled + 1
        return self._combined(written, attended)[:, 0]

    def _read(self, tokens: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Features (B, T, D); the decoder's last state (B, D) and what it attends to, as it is at the last token."""
        layout = Layout.of(tokens, self.end)
        embedded = self.dropout(F.embedding(tokens, self.output))
        turns = layout.apart(embedded)  # (N, L, E)
        packed = pack_padded_sequence(turns, layout.lengths.cpu(), batch_first=True, enforce_sorted=False)
        encoded, last = self.words(packed)
        words = layout.together(self.dropout(pad_packed_sequence(encoded, batch_first=True)[0]))  # (B, T, D)
        whole = words.new_zeros(len(tokens), layout.most, words.shape[2])
        whole[layout.dialogue, layout.number] = last.transpose(0, 1).flatten(1)
        contexts = self.turns(whole)[0]  # (B, M, D): the dialogue up to each turn
        before = F.pad(contexts, (0, 0, 1, 0))[layout.dialogue, layout.number]  # (N, D)
        written = self.decoder(turns, torch.tanh(self.bridge(before))[None].contiguous())[0]
        state = layout.together(written)
        values = torch.cat((words, contexts.gather(1, layout.turn[..., None].expand(-1, -1, contexts.shape[2]))), 2)
        keys = self.attention.remember(words, contexts)
        seen = layout.turn[:, None] < layout.turn[:, :, None]  # (B, T, T)
        seen[:, :, 0] = True
        features = self._combined(state, self.attention(state, values, keys, layout.turn, seen))
        return features, state[:, -1], (values, *keys, layout.turn, seen[:, -1:])

    def _combined(self, state: Tensor, attended: Tensor) -> Tensor:
        return self.dropout(torch.tanh(self.combine(torch.cat((state, attended), -1))))


@dataclass(frozen=True)
class Layout:
    """Where the turns lie in rows of tokens: the first token alone is number 0, the rest end with an end token each.

    turn (B, T): number of each token's turn. Of every turn, (N,): dialogue, number, lengths. rows, places (B, T): which
    of the N turns each token is in, and where in it. most: turns of the longest dialogue.
    """

    turn: Tensor
    dialogue: Tensor
    number: Tensor
    lengths: Tensor
    rows: Tensor
    places: Tensor
    most: int

    @classmethod
    def of(cls, tokens: Tensor, end: int) -> Layout:
        begins = F.pad(tokens[:, :-1] == end, (1, 0))
        begins[:, :2] = True
        turn = begins.cumsum(1) - 1
        rows = (begins.flatten().cumsum(0) - 1).view_as(turn)
        at = begins.flatten().nonzero()[:, 0]
        lengths = torch.diff(at, append=at.new_tensor([tokens.numel()]))
        places = torch.arange(tokens.numel(), device=tokens.device).view_as(turn) - at[rows]
        return cls(turn, at // tokens.shape[1], turn.flatten()[at], lengths, rows, places, int(turn.max()) + 1)

    def apart(self, x: Tensor) -> Tensor:
        """(B, T, D) as turns (N, L, D), zero behind each."""
        turns = x.new_zeros(len(self.lengths), int(self.lengths.max()), x.shape[2])
        turns[self.rows, self.places] = x
        return turns

    def together(self, turns: Tensor) -> Tensor:
        """Turns (N, L, D) as (B, T, D)."""
        return turns[self.rows, self.places]
