"""A recurrent network that says frame after frame, and looks at the text with attention that knows where it looked.

Letters: B utterances, N letters, T frames, P steps of the decoder, R frames of a step, F bands, D features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import Place
from attentionflow.models.listener import over_time
from attentionflow.models.synthesiser import FRAMES, TEXT, Script, Spoken, Synthesiser
from attentionflow.nn.dropout import Dropout
from attentionflow.nn.location import LocationAttention
from attentionflow.settings import Settings

GUIDED = 0.2  # how far from the diagonal attention may be at little cost
STOP = 0.5  # probability from which the network has said all


class RecurrentVoiceSettings(Settings):
    hidden: int = Field(128, ge=8, description="features of each direction of the encoder, half of the decoder's")
    embedding: int = Field(128, ge=8, description="features of a letter")
    attention: int = Field(128, ge=8, description="features inside the score of attention")
    prenet: int = Field(64, ge=4, description="features in which the frame before is fed back")
    frames_a_step: int = Field(4, ge=1, description="frames that a step of the decoder makes")
    longest_letter: int = Field(40, ge=2, description="frames a letter at most, to stop one that goes on")
    guided: float = Field(1.0, ge=0, description="weight of the loss that holds attention near the diagonal at first")
    dropout: float = Field(0.3, ge=0, lt=1, description="in the encoder, and on the frame before")


@dataclass
class _State:
    """h, c (B, 2D) of the decoder, context (B, 2D), and attention so far (B, N)."""

    h: Tensor
    c: Tensor
    context: Tensor
    looked: Tensor


class RecurrentVoice(Synthesiser):
    """Tacotron 2 (Shen et al. 2018): convolutions and a bidirectional LSTM read; an LSTM with location-sensitive
    attention (Chorowski et al. 2015) over the sum of its weights so far makes frames; a unit tells when to stop, and
    convolutions mend what was made.

    Different here: small, several frames a step (Wang et al. 2017), guided attention (Tachibana et al. 2018), which
    lets little data do, and no dropout once trained, so that a text is always said alike.
    """

    def __init__(self, settings: RecurrentVoiceSettings, letters: int, speakers: int, bands: int) -> None:
        super().__init__()
        given, hidden = settings, 2 * settings.hidden
        self.step, self.bands = given.frames_a_step, bands
        self.longest, self.guided = given.longest_letter, given.guided
        self.letters, self.speakers = nn.Embedding(letters, given.embedding), nn.Embedding(speakers, hidden)
        self.convolutions = nn.ModuleList(nn.Conv1d(given.embedding, given.embedding, 5, padding=2) for _ in range(2))
        self.encoder = nn.LSTM(given.embedding, given.hidden, batch_first=True, bidirectional=True)
        self.prenet = nn.ModuleList((nn.Linear(bands, given.prenet), nn.Linear(given.prenet, given.prenet)))
        self.cell = nn.LSTMCell(given.prenet + hidden, hidden)
        place = Place("cross", FRAMES, TEXT, residual=False)
        self.attention = LocationAttention(hidden, hidden, given.attention, place)
        self.output = nn.Linear(2 * hidden, given.frames_a_step * bands)
        self.stop = nn.Linear(2 * hidden, 1)
        widths = (bands, given.embedding, given.embedding, bands)
        self.mend = nn.ModuleList(nn.Conv1d(a, b, 5, padding=2) for a, b in pairwise(widths))
        self.dropout = Dropout(given.dropout)

    def losses(self, script: Script, frames: Tensor, mask: Tensor | None) -> dict[str, tuple[Tensor, int]]:
        counts = [frames.shape[1]] * len(frames) if mask is None else mask.sum(1).tolist()
        steps = [math.ceil(count / self.step) for count in counts]
        raw, stops, weights = self._forced(script, frames, max(steps))
        present = self._present(counts, frames.shape[1], frames.device)
        errors = sum(
            (made[:, : frames.shape[1]].float() - frames).abs().mean(-1) for made in (raw, self._mended(raw, present))
        )
        last = torch.tensor(steps, device=frames.device)[:, None] - 1
        at = torch.arange(max(steps), device=frames.device)
        stopping = F.binary_cross_entropy_with_logits(stops.float(), (at == last).float(), reduction="none")
        off = (weights * _far(steps, script.lengths, weights.device)).sum(-1)
        total = sum(counts)
        return {
            "spectrogram": ((errors * present).sum(), total),
            "stop": ((stopping * (at <= last)).sum(), sum(steps)),
            "alignment": (self.guided * (off * (at <= last)).sum(), sum(steps)),
        }

    def speak(self, script: Script, speed: float) -> list[Spoken]:
        memory, keys, state = self._start(script)
        most = [math.ceil(letters * self.longest / self.step) for letters in script.lengths]
        ended = [0] * len(most)  # steps that each took, 0 while it goes on
        before, made, looked = memory.new_zeros(len(memory), self.bands), [], []
        for at in range(max(most)):
            weights, features = self._advance(before, state, memory, keys, script.mask, at)
            group = self.output(features).view(len(memory), self.step, self.bands)
            before = group[:, -1]
            made.append(group)
            looked.append(weights)
            over = (self.stop(features)[:, 0].sigmoid() > STOP).tolist()
            for row, (stops, limit) in enumerate(zip(over, most, strict=True)):
                if not ended[row] and (stops or at + 1 == limit):
                    ended[row] = at + 1 if stops else -(at + 1)
            if all(ended):
                break
        steps = [abs(end) for end in ended]
        raw = torch.cat(made, dim=1)
        counts = [step * self.step for step in steps]
        frames = self._mended(raw, self._present(counts, raw.shape[1], raw.device)).float().cpu().numpy()
        fed, paths = raw.float().cpu().numpy(), torch.stack(looked, dim=1).argmax(-1).cpu().numpy()
        return [
            Spoken(frames[row, :count], paths[row, :step], fed=fed[row, :count], ended=end > 0)
            for row, (count, step, end) in enumerate(zip(counts, steps, ended, strict=True))
        ]

    def again(self, script: Script, spoken: Sequence[Spoken]) -> Tensor:
        counts = [len(one.frames) for one in spoken]
        frames = torch.zeros(len(counts), max(counts), self.bands, device=self.output.weight.device)
        for row, one in enumerate(spoken):
            assert one.fed is not None
            frames[row, : counts[row]] = torch.from_numpy(one.fed)
        raw, _, _ = self._forced(script, frames, max(counts) // self.step)
        return self._mended(raw, self._present(counts, raw.shape[1], raw.device)).float()

    def _forced(self, script: Script, frames: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Frames (B, P·R, F), logits of stopping (B, P) and attention (B, P, N), each step fed the frame before it."""
        memory, keys, state = self._start(script)
        padded = F.pad(frames, (0, 0, 0, steps * self.step - frames.shape[1]))
        fed = F.pad(padded, (0, 0, 1, 0))[:, : steps * self.step : self.step]
        features, looked = [], []
        for at in range(steps):
            weights, found = self._advance(fed[:, at], state, memory, keys, script.mask, at)
            features.append(found)
            looked.append(weights)
        together = torch.stack(features, dim=1)
        made = self.output(together).view(len(frames), steps * self.step, self.bands)
        return made, self.stop(together)[..., 0], torch.stack(looked, dim=1)

    def _start(self, script: Script) -> tuple[Tensor, Tensor, _State]:
        """Memory (B, N, 2D), its attention keys, and the state before the first step."""
        x = self.letters(script.letters)
        x = x if script.seen is None else x * script.seen[..., None]
        for convolution in self.convolutions:
            x = x if script.mask is None else x * script.mask[..., None]
            x = x + self.dropout(F.relu(convolution(x.transpose(1, 2)).transpose(1, 2)))
        memory = over_time(self.encoder, x, script.mask) + self.speakers(script.speakers)[:, None]
        none = torch.zeros_like(memory[:, 0])
        return memory, self.attention.remember(memory), _State(none, none, none, torch.zeros_like(memory[..., 0]))

    def _advance(
        self, before: Tensor, state: _State, memory: Tensor, keys: Tensor, mask: Tensor | None, at: int
    ) -> tuple[Tensor, Tensor]:
        """Attention (B, N) of one step, and what it reads (B, 4D); the state moves on."""
        for layer in self.prenet:
            before = self.dropout(F.relu(layer(before)))
        state.h, state.c = self.cell(torch.cat((before, state.context), dim=-1), (state.h, state.c))
        state.context, weights = self.attention(state.h, memory, keys, state.looked, mask, at)
        state.looked = state.looked + weights
        return weights, torch.cat((state.h, state.context), dim=-1)

    def _mended(self, frames: Tensor, present: Tensor) -> Tensor:
        """What three convolutions add to the frames; padding is zero to them."""
        x = frames.transpose(1, 2)
        seen = F.pad(present, (0, frames.shape[1] - present.shape[1]))[:, None]
        for layer, convolution in enumerate(self.mend):
            x = convolution(x * seen)
            x = torch.tanh(x) if layer < len(self.mend) - 1 else x
        return frames + x.transpose(1, 2)

    def _present(self, counts: Sequence[int], longest: int, device: torch.device) -> Tensor:
        """(B, T), True where a frame is no padding."""
        return torch.arange(longest, device=device) < torch.tensor(counts, device=device)[:, None]


def _far(steps: Sequence[int], letters: Sequence[int], device: torch.device) -> Tensor:
    """(B, P, N): 1 - exp(-(n / N - p / P)² / 2g²), small near the diagonal (Tachibana et al. 2018, eq. 3)."""
    across, down = (torch.tensor(of, device=device)[:, None] for of in (letters, steps))
    n = torch.arange(max(letters), device=device) / across
    p = torch.arange(max(steps), device=device) / down
    return 1 - torch.exp(-(n[:, None] - p[..., None]).square() / (2 * GUIDED**2))
