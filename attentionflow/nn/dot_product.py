"""Multi-head scaled dot-product attention (Vaswani et al. 2017), with grouped queries (Ainslie et al. 2023).

Letters: B batch, T time, Q queries, K keys, H heads, G groups of heads that share keys and values, D features,
W hypotheses of a beam.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, attend
from attentionflow.errors import UserError
from attentionflow.nn.positions import RotaryPositions

KeysValues = tuple[Tensor, Tensor]

FIRST_ROOM = 16  # decoder steps for which room is made at the first


def _head_width(width: int, heads: int, groups: int) -> int:
    if width % heads or heads % groups:
        raise UserError(f"width {width} must divide into {heads} heads, and the heads into {groups} groups")
    return width // heads


class SelfAttention(nn.Module):
    """Every position attends to every other of its own stream, or with `causal` to itself and those before it."""

    def __init__(
        self,
        width: int,
        heads: int,
        place: Place,
        *,
        groups: int | None = None,
        causal: bool = False,
        rotary: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.place, self.heads, self.groups, self.causal, self.dropout = place, heads, groups or heads, causal, dropout
        self.head_width = _head_width(width, heads, self.groups)
        # Queries, keys and values in one product.
        self.project = nn.Linear(width, (heads + 2 * self.groups) * self.head_width)
        self.out = nn.Linear(width, width)
        self.rotary = RotaryPositions(self.head_width) if rotary else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, T, D); mask broadcastable to (B, H, T, T), True where a query may look."""
        q, k, v = self._project(x, 0)
        dropout = self.dropout if self.training else 0.0
        values = attend(self, q, k, v, mask=mask, causal=self.causal, dropout=dropout)
        return self.out(values.transpose(1, 2).flatten(2))

    def step(
        self, x: Tensor, cells: KeysValues | None, position: int, seen: Tensor | None
    ) -> tuple[Tensor, KeysValues]:
        """The next position of the W hypotheses of a sentence, x (B, W, D), and the cells with theirs added.

        cells: keys and values (B, G, room, D) of every hypothesis ever held, W a step; they are written in place and
        never put in another order: seen (B, 1, W, T·W) tells which of them a hypothesis goes back to, itself included.
        None where there is one hypothesis.
        """
        count, beams, _ = x.shape
        q, k, v = (
            t.view(count, beams, -1, self.head_width).transpose(1, 2)
            for t in self._project(x.flatten(0, 1)[:, None], position)
        )
        past = (None, None) if cells is None else cells
        at, end = position * beams, (position + 1) * beams
        cells = _store(past[0], k, at), _store(past[1], v, at)
        values = attend(self, q, cells[0][:, :, :end], cells[1][:, :, :end], mask=seen)
        return self.out(values.transpose(1, 2).flatten(2)), cells

    def _project(self, x: Tensor, start: int) -> tuple[Tensor, Tensor, Tensor]:
        packed = self.project(x).unflatten(-1, (-1, self.head_width))  # (B, T, H + 2G, D)
        turning = self.heads + self.groups
        if self.rotary is None:
            q, k, v = packed.transpose(1, 2).split((self.heads, self.groups, self.groups), dim=1)
            return q, k, v
        turned = self.rotary(packed[:, :, :turning], start).transpose(1, 2)
        return turned[:, : self.heads], turned[:, self.heads :], packed[:, :, turning:].transpose(1, 2)


def _store(cells: Tensor | None, new: Tensor, at: int) -> Tensor:
    """Cells with new ones written at this place; room doubles where there is none left."""
    size = new.shape[2]
    if cells is None:
        cells = new.new_empty(*new.shape[:2], FIRST_ROOM * size, new.shape[3])
    elif at + size > cells.shape[2]:
        cells = torch.cat((cells, torch.empty_like(cells)), dim=2)
    cells[:, :, at : at + size] = new
    return cells


class CrossAttention(nn.Module):
    """Every position of one stream attends to a memory, the other stream."""

    def __init__(
        self,
        width: int,
        heads: int,
        place: Place,
        *,
        groups: int | None = None,
        memory_width: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.place, self.heads, self.groups, self.dropout = place, heads, groups or heads, dropout
        self.head_width = _head_width(width, heads, self.groups)
        self.query = nn.Linear(width, width)
        self.memory = nn.Linear(memory_width or width, 2 * self.groups * self.head_width)
        self.out = nn.Linear(width, width)

    def remember(self, memory: Tensor) -> KeysValues:
        """Keys and values (B, G, K, D) of a memory (B, K, D), to be computed once a sequence."""
        k, v = self.memory(memory).unflatten(-1, (-1, self.head_width)).transpose(1, 2).chunk(2, dim=1)
        return k, v

    def forward(self, x: Tensor, memory: KeysValues, mask: Tensor | None = None) -> Tensor:
        """x (B, Q, D); mask broadcastable to (B, H, Q, K), True where a query may look."""
        q = self.query(x).unflatten(-1, (-1, self.head_width)).transpose(1, 2)
        values = attend(self, q, *memory, mask=mask, dropout=self.dropout if self.training else 0.0)
        return self.out(values.transpose(1, 2).flatten(2))
