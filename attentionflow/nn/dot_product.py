"""Multi-head scaled dot-product attention (Vaswani et al. 2017), with grouped queries (Ainslie et al. 2023).

Letters: B batch, T time, Q queries, K keys, H heads, G groups of heads that share keys and values, D features,
N hypotheses of a search, P cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, attend, attend_cells
from attentionflow.errors import UserError
from attentionflow.nn.positions import RotaryPositions, turned
from attentionflow.records import Fold

KeysValues = tuple[Tensor, Tensor]

ROOM = 16  # decoder steps for which room is made at a time


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

    def forward(self, x: Tensor, mask: Tensor | None = None, fold: Fold | None = None) -> Tensor:
        """x (B, T, D); mask broadcastable to (B, H, T, T), True where a query may look; fold as in `attend`."""
        q, k, v = self._project(x, 0)
        dropout = self.dropout if self.training else 0.0
        values = attend(self, q, k, v, mask=mask, causal=self.causal, dropout=dropout, fold=fold)
        return self.out(values.transpose(1, 2).flatten(2))

    def step(
        self, x: Tensor, pool: KeysValues | None, taken: int, seen: Tensor, position: int
    ) -> tuple[Tensor, KeysValues]:
        """The next position of each of N hypotheses, x (N, D), and the pool with theirs added.

        pool: keys and values (P, G, D) of every hypothesis there ever was, of which the first `taken` cells are filled.
        They are written once and never moved: seen (N, T) tells which cells a hypothesis goes back to, the last of
        them its own of this step, which are the next N.
        """
        q, k, v = (t[:, :, 0] for t in self._project(x[:, None], position))
        past = (None, None) if pool is None else pool
        pool = _store(past[0], k, taken), _store(past[1], v, taken)
        return self.out(attend_cells(self, q, *pool, seen, position).flatten(1)), pool

    def read(self, x: Tensor, cache: Tensor) -> Tensor:
        """`forward` over the first positions x (B, T, D), whose keys and values are written to the cache.

        cache (B, 2G, room, D of a head): the keys of every position, and the values, to be carried on by `extend`.
        """
        q, k, v = self._project(x, 0)
        cache[:, : self.groups, : x.shape[1]], cache[:, self.groups :, : x.shape[1]] = k, v
        return self.out(attend(self, q, k, v, causal=self.causal).transpose(1, 2).flatten(2))

    def extend(self, x: Tensor, cache: Tensor, position: int, turns: Tensor | None) -> Tensor:
        """The next position of each text, x (B, D), after those in the cache, to which its keys and values are added.

        turns (H + 2G, D/2): that of `turns` at this position, which all layers share. No gradients.
        """
        packed = self.project(x).view(len(x), -1, self.head_width)  # (B, H + 2G, D)
        if turns is not None:
            packed = turned(packed, turns)
        cache[:, :, position] = packed[:, self.heads :]
        seen = cache[:, :, : position + 1]
        q, k, v = packed[:, : self.heads, None], seen[:, : self.groups], seen[:, self.groups :]
        return self.out(attend(self, q, k, v).view(len(x), -1))

    def turns(self, length: int) -> Tensor | None:
        """(T, H + 2G, D/2) complex: how queries, keys and values turn at positions 0..length-1; None without rotary
        positions. Values do not, but one product for all is quicker than two for some."""
        if self.rotary is None:
            return None
        turning = self.rotary.turns(0, length).expand(-1, self.heads + self.groups, -1)
        return torch.cat((turning, torch.ones_like(turning[:, : self.groups])), 1)

    def _project(self, x: Tensor, start: int) -> tuple[Tensor, Tensor, Tensor]:
        packed = self.project(x).unflatten(-1, (-1, self.head_width))  # (B, T, H + 2G, D)
        turning = self.heads + self.groups
        if self.rotary is None:
            q, k, v = packed.transpose(1, 2).split((self.heads, self.groups, self.groups), dim=1)
            return q, k, v
        both = self.rotary(packed[:, :, :turning], start).transpose(1, 2)
        return both[:, : self.heads], both[:, self.heads :], packed[:, :, turning:].transpose(1, 2)


def _store(pool: Tensor | None, new: Tensor, taken: int) -> Tensor:
    """The pool with new cells after those taken; where there is no room left, it at least doubles."""
    if pool is None or taken + len(new) > len(pool):
        room = max(2 * taken, taken + ROOM * len(new))
        grown = new.new_empty(room, *new.shape[1:])
        if pool is not None:
            grown[:taken] = pool[:taken]
        pool = grown
    pool[taken : taken + len(new)] = new
    return pool


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

    def pool(self, memory: Tensor) -> KeysValues:
        """The same keys and values as cells (B·K, G, D) of a pool, for `step`."""
        k, v = self.memory(memory).unflatten(-1, (-1, self.head_width)).flatten(0, 1).chunk(2, dim=1)
        return k.contiguous(), v.contiguous()

    def step(self, x: Tensor, pool: KeysValues, seen: Tensor, position: int) -> Tensor:
        """One position of each of N hypotheses, x (N, D); seen (N, K): its cells of the pool, -1 for padding."""
        q = self.query(x).unflatten(-1, (-1, self.head_width))
        return self.out(attend_cells(self, q, *pool, seen, position).flatten(1))
