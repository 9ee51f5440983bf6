"""A network that says all frames at once: letters, how long each lasts, and self-attention between frames.

Letters: B utterances, N letters, T frames, P positions of R frames each, F bands, D features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.alignment import best_durations, diagonal_prior, forward_sum
from attentionflow.models.synthesiser import FRAMES, TEXT, Script, Spoken, Synthesiser
from attentionflow.nn.conformer import ConformerLayer
from attentionflow.nn.distance import DistanceAttention
from attentionflow.nn.dot_product import SelfAttention
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.duration import DurationAttention
from attentionflow.settings import Settings


class ParallelVoiceSettings(Settings):
    width: int = Field(128, ge=8, description="features of a letter and of a frame")
    heads: int = Field(4, ge=1, description="attention heads; divides width into even parts")
    text_layers: int = Field(2, ge=1, description="conformer layers that read the text")
    sound_layers: int = Field(3, ge=1, description="conformer layers that make the frames")
    feedforward: int = Field(256, ge=8, description="inner features of each feed-forward part")
    kernel: int = Field(9, ge=1, description="positions that a convolution of these layers sees; odd")
    frames_together: int = Field(2, ge=1, description="frames that are made at one position")
    alignment: int = Field(64, ge=4, description="features by which frames and letters are compared, to align them")
    dropout: float = Field(0.1, ge=0, lt=1, description="on every residual branch, and inside feed-forward parts")


class ParallelVoice(Synthesiser):
    """FastSpeech 2 (Ren et al. 2021), whose durations come from an alignment that it learns (Badlani et al. 2022).

    In training, frames of the recording are compared with the letters; the likeliest monotonic way through gives each
    letter its frames, by which the text is spread over time, and which a small network learns to foretell. Different
    here: conformer layers; a soft spread (`DurationAttention`) in place of repeated letters; neither pitch nor energy
    is foretold, nor is the alignment made harder, since what it is for, the way through, is hard from the beginning.
    """

    def __init__(self, settings: ParallelVoiceSettings, letters: int, speakers: int, bands: int) -> None:
        super().__init__()
        width, dropout = settings.width, settings.dropout
        self.step, self.bands = settings.frames_together, bands

        def layers(count: int, stream: str) -> nn.ModuleList:
            return nn.ModuleList(
                ConformerLayer(
                    SelfAttention(width, settings.heads, Place("self", stream, stream), rotary=True),
                    width,
                    settings.feedforward,
                    settings.kernel,
                    dropout,
                )
                for _ in range(count)
            )

        self.letters, self.speakers = nn.Embedding(letters, width), nn.Embedding(speakers, width)
        self.text = layers(settings.text_layers, TEXT)
        self.aligner = DistanceAttention(bands, width, settings.alignment, Place("cross", FRAMES, TEXT, residual=False))
        self.durations = _Durations(width, dropout)
        self.attention = DurationAttention(width, Place("cross", FRAMES, TEXT, residual=False))
        self.places = nn.Linear(2, width)
        self.sound = layers(settings.sound_layers, FRAMES)
        self.output = nn.Linear(width, self.step * bands)
        self.dropout = Dropout(dropout)

    def losses(self, script: Script, frames: Tensor, mask: Tensor | None) -> dict[str, tuple[Tensor, int]]:
        embedded, encoded = self._read(script)
        counts = [frames.shape[1]] * len(frames) if mask is None else mask.sum(1).tolist()
        logs = self._aligned(script, embedded, frames, counts)
        durations = self._shared(script, logs, counts)
        made = self._frames(script, encoded, durations, counts)[:, : frames.shape[1]]
        error = (made.float() - frames).abs().mean(-1)
        foretold = (self.durations(encoded.detach(), script.mask) - durations.clamp_min(1).log()).square()
        if script.mask is not None:
            foretold = foretold * script.mask
        total, letters = sum(counts), sum(script.lengths)
        return {
            "spectrogram": ((error if mask is None else error * mask).sum(), total),
            "durations": (foretold.sum(), letters),
            "alignment": (forward_sum(logs, counts, script.lengths).sum(), total),
        }

    def speak(self, script: Script, speed: float) -> list[Spoken]:
        embedded, encoded = self._read(script)
        durations = (self.durations(encoded, script.mask).exp() / speed).round().clamp_min(1)
        durations = durations if script.mask is None else durations * script.mask
        counts = [math.ceil(count / self.step) * self.step for count in durations.sum(1).tolist()]
        made = self._frames(script, encoded, durations, counts).float()
        # What it hears of its own voice is a check, no part of the answer.
        heard = self._shared(script, self._aligned(script, embedded, _cut(made, counts), counts), counts)
        spoken = zip(*(t.cpu().numpy() for t in (made, durations, heard)), counts, script.lengths, strict=True)
        return [
            Spoken(
                frames[:count],
                np.repeat(np.arange(letters), own[:letters].astype(int)),
                durations=planned[:letters].astype(np.int64),
                forced=True,
            )
            for frames, planned, own, count, letters in spoken
        ]

    def again(self, script: Script, spoken: Sequence[Spoken]) -> Tensor:
        _, encoded = self._read(script)
        durations = torch.zeros(script.letters.shape, device=encoded.device)
        for row, one in enumerate(spoken):
            assert one.durations is not None
            durations[row, : len(one.durations)] = torch.from_numpy(one.durations)
        return self._frames(script, encoded, durations, [len(one.frames) for one in spoken]).float()

    def _read(self, script: Script) -> tuple[Tensor, Tensor]:
        """Letters with their speaker (B, N, D), zero on padding, and what the layers make of them."""
        x = self.letters(script.letters)
        x = x if script.seen is None else x * script.seen[..., None]
        x = x + self.speakers(script.speakers)[:, None]
        embedded = x if script.mask is None else x * script.mask[..., None]
        x = self.dropout(embedded)
        for layer in self.text:
            x = layer(x, script.mask)
        return embedded, x

    def _aligned(self, script: Script, embedded: Tensor, frames: Tensor, counts: Sequence[int]) -> Tensor:
        """(B, T, N): log-probability that each frame says each letter."""
        sizes = (torch.tensor(of, device=frames.device) for of in (counts, script.lengths))
        return self.aligner(frames, embedded, script.mask, diagonal_prior(*sizes))[1]

    def _shared(self, script: Script, logs: Tensor, counts: Sequence[int]) -> Tensor:
        """(B, N): frames of each letter on the likeliest way."""
        durations = torch.zeros(script.letters.shape)
        tables = logs.detach().float().cpu().numpy()
        for row, (table, count, letters) in enumerate(zip(tables, counts, script.lengths, strict=True)):
            durations[row, :letters] = torch.from_numpy(best_durations(table[:count, :letters]))
        return durations.to(logs.device)

    def _frames(self, script: Script, encoded: Tensor, durations: Tensor, counts: Sequence[int]) -> Tensor:
        """(B, P·R, F), P the most that an utterance of so many frames needs."""
        positions = [math.ceil(count / self.step) for count in counts]
        longest = max(positions)
        times = (torch.arange(longest, device=encoded.device) + 0.5) * self.step
        weights = self.attention(encoded, durations, times, script.mask)
        # How far a position is from the middle of its letter, in shares of it, and how long that lasts, as a logarithm.
        middles, lasting = durations.cumsum(1) - durations / 2, durations.clamp_min(1)
        apart = (weights * (times[:, None] - middles[:, None]) / lasting[:, None]).sum(-1)
        places = torch.stack((apart, (weights @ lasting.log()[..., None])[..., 0]), dim=-1)
        x = weights @ encoded.float() + self.places(places)
        present = torch.arange(longest, device=x.device) < torch.tensor(positions, device=x.device)[:, None]
        for layer in self.sound:
            x = layer(x, None if min(positions) == longest else present)
        return self.output(x).view(len(x), longest * self.step, self.bands)


class _Durations(nn.Module):
    """Logarithm of the frames that each letter lasts, by two convolutions (Ren et al. 2019, FastSpeech)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.output, self.dropout = nn.Linear(width, 1), Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, N, D), mask (B, N): (B, N)."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = x if mask is None else x * mask[..., None]
            x = self.dropout(norm(F.relu(convolution(x.transpose(1, 2)).transpose(1, 2))))
        return self.output(x)[..., 0].float()


def _cut(frames: Tensor, counts: Sequence[int]) -> Tensor:
    """Zero beyond each utterance's own frames."""
    at = torch.arange(frames.shape[1], device=frames.device)
    return frames * (at < torch.tensor(counts, device=frames.device)[:, None])[..., None]
