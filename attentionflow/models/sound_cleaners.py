"""Networks that tell, of every place of a spectrogram, what to multiply it by so that the noise is gone.

Letters: B sounds, T frames, K frequencies, C channels, D features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.sound_taggers import window_fold
from attentionflow.nn.blocks import EncoderLayer
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.multiplicative import MultiplicativeAttention
from attentionflow.settings import Settings

FRAMES = "frames"  # stream of the attention record
COMPRESSION = 0.3  # power by which magnitudes are brought closer together before the network sees them


def features_of(spectrum: Tensor) -> Tensor:
    """(B, 3, T, K) of a complex spectrum (B, T, K): magnitude^0.3, and real and imaginary part of what has it."""
    size = spectrum.abs().clamp_min(1e-7) ** COMPRESSION
    turned = spectrum / spectrum.abs().clamp_min(1e-7) * size
    return torch.stack((size, turned.real, turned.imag), dim=1)


class SoundCleaner(nn.Module, ABC):
    @abstractmethod
    def forward(self, features: Tensor, counts: Sequence[int] | None = None) -> Tensor:
        """(B, 3, T, K) to complex factors (B, T, K). Training begins at 1, the sound as it is.

        counts: where windows of sounds are rows of the batch, how many each sound has, for those who record.
        """


def _factors(real: Tensor, imaginary: Tensor) -> Tensor:
    return torch.complex(1 + real.float(), imaginary.float())


class _Level(nn.Sequential):
    """A convolution that halves the frequencies, or one that doubles them, normalised over channels and frequencies."""

    def __init__(self, before: int, after: int, up: bool = False) -> None:
        convolution = nn.ConvTranspose2d if up else nn.Conv2d
        super().__init__(convolution(before, after, (3, 3), (1, 2), (1, 1)), nn.GroupNorm(1, after), nn.PReLU(after))


class MaskTransformerSettings(Settings):
    channels: int = Field(
        16, ge=4, description="channels of the first convolution; the others have 2 and 3 times as many"
    )
    width: int = Field(128, ge=8, description="features of a frame where attention runs")
    heads: int = Field(4, ge=1, description="attention heads; divides width into even parts")
    layers: int = Field(2, ge=1, description="layers of self-attention between the frames")
    feedforward: int = Field(256, ge=8, description="inner features of the feed-forward part")
    dropout: float = Field(0.0, ge=0, lt=1, description="on every residual branch of the layers with attention")


class MaskTransformer(SoundCleaner):
    """Convolutions that halve the frequencies three times, self-attention between frames, and convolutions back.

    A convolutional recurrent network of complex factors (Hu et al. 2020, DCCRN; Tan and Wang 2018) with attention in
    place of its recurrence; what comes from a level is added to what goes to it on the way back.
    """

    def __init__(self, settings: MaskTransformerSettings, frequencies: int) -> None:
        super().__init__()
        c, width = settings.channels, settings.width
        widths = (3, c, 2 * c, 3 * c)
        self.down = nn.ModuleList(_Level(a, b) for a, b in pairwise(widths))
        lowest = frequencies
        for _ in self.down:
            lowest = (lowest - 1) // 2 + 1
        self.squeeze, self.widen = nn.Linear(3 * c * lowest, width), nn.Linear(width, 3 * c * lowest)
        self.layers = nn.ModuleList(
            EncoderLayer(
                SelfAttention(width, settings.heads, Place("self", FRAMES, FRAMES), rotary=True),
                width,
                settings.feedforward,
                settings.dropout,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(width)
        self.up = nn.ModuleList(
            _Level(b, max(a, c), up=True) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.output = nn.Conv2d(c, 2, 1)
        nn.init.zeros_(self.output.weight)
        assert self.output.bias is not None
        nn.init.zeros_(self.output.bias)

    def forward(self, features: Tensor, counts: Sequence[int] | None = None) -> Tensor:
        x, levels = features, []
        for level in self.down:
            x = level(x)
            levels.append(x)
        frames = x.transpose(1, 2)  # (B, T, C, K/8)
        y = self.squeeze(frames.flatten(2))
        fold = window_fold(counts, y.shape[1], y.shape[1])
        for layer in self.layers:
            y = layer(y, None, fold)
        x = self.widen(self.norm(y)).view(frames.shape).transpose(1, 2)
        for level, before in zip(self.up, reversed(levels), strict=True):
            x = level(x + before)
        real, imaginary = self.output(x).unbind(1)
        return _factors(real, imaginary)


class RecurrentMaskSettings(Settings):
    hidden: int = Field(128, ge=8, description="features of each direction of the recurrent network")
    dropout: float = Field(0.0, ge=0, lt=1, description="after the recurrent network")


class RecurrentMask(SoundCleaner):
    """A bidirectional GRU over the frames, attention of every frame to all, and factors of both (Hao et al. 2019).

    Different here: the whole sound is seen, not what came before alone, and factors are complex.
    """

    def __init__(self, settings: RecurrentMaskSettings, frequencies: int) -> None:
        super().__init__()
        width = 2 * settings.hidden
        self.gru = nn.GRU(3 * frequencies, settings.hidden, batch_first=True, bidirectional=True)
        self.dropout = Dropout(settings.dropout)
        self.attention = MultiplicativeAttention(width, width, Place("self", FRAMES, FRAMES, residual=False))
        self.inner, self.output = nn.Linear(2 * width, width), nn.Linear(width, 2 * frequencies)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        with torch.no_grad():
            self.attention.key.weight.mul_(width**-0.5)  # scores are not scaled, and must not begin large

    def forward(self, features: Tensor, counts: Sequence[int] | None = None) -> Tensor:
        x = self.dropout(self.gru(features.transpose(1, 2).flatten(2))[0])
        fold = window_fold(counts, x.shape[1], x.shape[1])
        context = self.attention(x, x, self.attention.remember(x), fold=fold)
        inner = F.relu(self.inner(torch.cat((x, context), dim=-1)))
        return _factors(*self.output(inner).chunk(2, dim=-1))
