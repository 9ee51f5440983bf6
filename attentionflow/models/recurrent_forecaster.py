"""LSTM over the past and LSTM over the future with additive attention, each series for itself.

Bahdanau et al. 2015 for the attention, Luong et al. 2015 (section 3.3) for input feeding. Both sides take blocks of
steps, since an LSTM over each single hour of two weeks would be slow; `block=1` is the textbook's. What it says
corrects a line that was fitted before training, as the network of LSTNet (Lai et al. 2018) does.
Letters: B batch, L look-back, H horizon, C series, F = B·C rows, N blocks of the past, Q of the future, P steps of a
block, D features, K quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.errors import UserError
from attentionflow.nn.additive import AdditiveAttention
from attentionflow.nn.channels import channel_fold, fold_channels, instance_scale, unfold_channels
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.line import FittedLine, Line
from attentionflow.nn.quantiles import Spread
from attentionflow.settings import Settings


class RecurrentForecasterSettings(Settings):
    block: int = Field(12, ge=1, description="steps that the LSTM reads, and writes, at a time")
    hidden: int = Field(64, ge=4, description="features of each LSTM")
    attention: int = Field(32, ge=4, description="features inside the additive score")
    dropout: float = Field(0.2, ge=0, lt=1, description="on the memory and on attentional vectors")


class RecurrentForecaster(nn.Module):
    """past_spans, answer_spans: first and one past last step of each block of the past and of the future.
    rows_a_part: so many rows of attention has a block of the future."""

    def __init__(
        self,
        settings: RecurrentForecasterSettings,
        look_back: int,
        horizon: int,
        levels: Sequence[float],
        line: FittedLine | None,
        past: str,
        future: str,
    ) -> None:
        """line: what is corrected, see `Line`. past, future: the two streams in the attention record."""
        super().__init__()
        self.block, self.horizon, hidden = settings.block, horizon, settings.hidden
        if look_back < self.block:
            raise UserError(f"a block of {self.block} steps is longer than look_back={look_back}; lower block")
        # Blocks are counted from the present; what is left over at the far end is not read.
        skipped = look_back % self.block
        self.past_spans = tuple((start, start + self.block) for start in range(skipped, look_back, self.block))
        self.answer_spans = tuple((start, min(start + self.block, horizon)) for start in range(0, horizon, self.block))
        self.rows_a_part = 1
        self.encoder = nn.LSTM(self.block, hidden, batch_first=True)
        self.cell = nn.LSTMCell(hidden, hidden)
        self.attention = AdditiveAttention(
            hidden, hidden, settings.attention, Place("cross", future, past, residual=False)
        )
        self.combine = nn.Linear(2 * hidden, hidden)
        self.output = nn.Linear(hidden, self.block)
        nn.init.zeros_(self.output.weight)  # training starts at the line
        nn.init.zeros_(self.output.bias)
        self.line = Line(line, look_back, horizon, self.past_spans)
        self.spread = Spread(hidden, self.block, levels, None if line is None else self._first(line.errors))
        self.dropout = Dropout(settings.dropout)

    def forward(self, past: Tensor, kept: Tensor | None = None, corrected: bool = True) -> tuple[Tensor, Tensor]:
        """past (B, L, C): forecast (B, H, C) and its quantiles (B, H, C, K).

        kept: (B, C·N), 0 for a block that is taken out: it is as if flat, at the mean of the look-back.
        corrected: whether the point forecast is the line's and what the network adds to it, or the line's alone.
        """
        rows, channels = fold_channels(past), past.shape[2]
        mean, deviation = instance_scale(rows)
        scaled = (rows - mean) / deviation
        blocks = scaled[:, self.past_spans[0][0] :].unflatten(1, (-1, self.block))  # (F, N, P)
        if kept is not None:
            kept = kept.unflatten(1, (channels, -1)).flatten(0, 1)
            blocks = blocks * kept[..., None]
        memory, (h, c) = self.encoder(blocks)
        memory, h, c = self.dropout(memory), h[0], c[0]
        keys, fed, features = self.attention.remember(memory), torch.zeros_like(h), []
        fold = channel_fold(len(past), channels, len(self.answer_spans), len(self.past_spans))
        for step in range(len(self.answer_spans)):
            h, c = self.cell(fed, (h, c))
            context = self.attention(h[:, None], memory, keys, step=step, fold=fold)[:, 0]
            fed = self.dropout(torch.tanh(self.combine(torch.cat((h, context), dim=-1))))
            features.append(fed)
        x = torch.stack(features, dim=1)  # (F, Q, D)
        correction = self.output(x).flatten(1)[:, : self.horizon]  # (F, H)
        point = self.line(scaled, kept) + (correction if corrected else 0 * correction)
        quantiles = point.detach()[..., None] + self.spread(x).flatten(1, 2)[:, : self.horizon]
        point, quantiles = point * deviation + mean, quantiles * deviation[..., None] + mean[..., None]
        return unfold_channels(point, channels), unfold_channels(quantiles, channels)

    def _first(self, errors: Tensor) -> Tensor:
        """(P, K), the mean over the blocks of the future of errors (H, K)."""
        found = [errors[start:stop] for start, stop in self.answer_spans if stop - start == self.block]
        return torch.stack(found).mean(0) if found else errors.mean(0).expand(self.block, -1)
