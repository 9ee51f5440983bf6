"""Audio processing, the job of enhancement: a sound with noise in, the sound without it out.

Letters: B sounds, N samples, V windows of all sounds of a batch, W samples of a window, T frames of a window,
K frequencies, R reduced inputs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.sound_cleaners import (
    FRAMES,
    MaskTransformer,
    MaskTransformerSettings,
    RecurrentMask,
    RecurrentMaskSettings,
    SoundCleaner,
    features_of,
)
from attentionflow.readers.audio import Audio, audio_length, resampled
from attentionflow.readers.finding import Finding
from attentionflow.readers.mel import log_mel, picture
from attentionflow.readers.noisy_sound_checks import check_noisy_sounds
from attentionflow.readers.noisy_sounds import (
    NoisySound,
    both,
    fill_splits,
    loaded,
    one_input,
    read_inputs,
    read_noisy_sounds,
)
from attentionflow.readers.sound_blocks import blocks
from attentionflow.readers.utterances import SoundFile
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._cleaned import Cleaned, Windows, energy_taken, log_probability, samples_of, spectrum_of
from attentionflow.tasks._enhancement_scores import enhancement_scores, wiener
from attentionflow.tasks._mixtures import Prepared, mixed, power

LEARNED = "sounds.json"
HIGHEST_RATE = 16_000
LOOKED_AT = 100  # training sounds, evenly spread, whose rate and ratio to the noise are looked at
TOGETHER = 16  # windows that the network hears at once
PREDICTION_SOUNDS = 16  # of a batch, where nothing is learned
LONG = 120.0  # seconds from which a sound is read, cleaned and kept piece by piece
LEAST_LEVEL = 1e-5  # root mean square to which a window is brought up to be 1
THRESHOLD = 1e-3  # share of the sound's energy below which an error is as good as none, 30 dB


class EnhancementSettings(Settings):
    sample_rate: int | None = Field(
        None,
        ge=1000,
        description="samples a second that every sound is brought to; the commonest in training, at most 16000",
    )
    frame_ms: float = Field(32.0, gt=0, description="milliseconds of a frame of the spectrogram; half are shared")
    seconds: float = Field(2.56, gt=0, description="of a window; longer sounds are cleaned window by window")
    overlap: float = Field(0.64, gt=0, description="seconds in which a window is faded into the next")
    batch_windows: int = Field(8, ge=1, description="windows of a batch, one of a sound")
    remix: bool = Field(True, description="training sounds get the noise of others, at other ratios, anew each epoch")
    lowest_ratio: float = Field(0.0, description="decibels between sounds and the noise they are mixed with, at least")
    highest_ratio: float = Field(10.0, description="and at most; for folders of clean sounds and noises")
    held_out: float = Field(0.1, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class EnhancementOptions(Settings):
    strength: float = Field(1.0, ge=0, le=1, description="share of what the network would take out that is taken out")


class AudioEnhancement(Task[NoisySound, Prepared]):
    name = "audio-processing/enhancement"
    summary = "a sound with noise to the sound without it"
    files = "a folder with the folders noisy and clean, sounds of the same names, or clean and noise, to be mixed"
    settings_type = EnhancementSettings
    options_type = EnhancementOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "mask-transformer": Architecture(
            MaskTransformer,
            MaskTransformerSettings,
            {"learning_rate": 1e-3, "ema": 0.995},
            "convolutions over frequencies with self-attention between frames in their midst, and complex factors",
        ),
        "classic": Architecture(
            RecurrentMask,
            RecurrentMaskSettings,
            {"learning_rate": 1e-3, "ema": 0.995},
            "a bidirectional GRU, attention between frames, and complex factors",
        ),
    }
    embedded = "noisy_signals"
    deciding = "si_sdr_improvement"
    higher_is_better = True
    unit = "windows"

    settings: EnhancementSettings
    rate: int
    ratios: tuple[float, float]  # decibels between sound and noise in training, least and most

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[NoisySound]], list[str]]:
        if module := module_for(data, self.name):
            splits, notes = module.read(seed)
            return dict(splits), notes
        given = self.settings
        if given.lowest_ratio > given.highest_ratio:
            raise UserError(f"lowest_ratio={given.lowest_ratio:g} is above highest_ratio={given.highest_ratio:g}")
        return fill_splits(
            read_noisy_sounds(data, (given.lowest_ratio, given.highest_ratio), seed), given.held_out, seed
        )

    def read_inputs(self, path: Path) -> Sequence[NoisySound]:
        return read_inputs(path)

    def example(self, given: Any) -> NoisySound:
        """The path of a sound, samples (N,) at the model's rate, or samples and their rate."""
        return one_input(given, self.rate)

    def check(self, splits: Mapping[str, Sequence[NoisySound]]) -> list[Finding]:
        return check_noisy_sounds(splits)

    # Learning before training

    def learn(self, examples: Sequence[NoisySound]) -> None:
        chosen = _spread(examples)
        self.rate = self._common_rate(chosen)
        if self.windows.overlap >= self.windows.size / 2:
            raise UserError(f"overlap={self.settings.overlap:g} must be less than half of seconds")
        ratios = []
        for one in chosen:
            noisy, clean = both(one, self.rate)
            ratios.append(10 * np.log10((power(clean) + 1e-12) / (power(noisy - clean) + 1e-12)))
        self.ratios = float(np.min(ratios)), float(np.max(ratios))

    def save(self, folder: Path) -> list[str]:
        (folder / LEARNED).write_text(json.dumps({"rate": self.rate, "ratios": self.ratios}), encoding="utf-8")
        return [LEARNED]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        page = json.loads((folder / LEARNED).read_text(encoding="utf-8"))
        task.rate, (least, most) = page["rate"], page["ratios"]
        task.ratios = least, most
        return task

    # Batches

    def prepare(self, examples: Sequence[NoisySound], training: bool) -> tuple[Prepared, list[str]]:
        noisy: list[np.ndarray | None] = []
        clean: list[np.ndarray | None] = []
        lengths = []
        for one in examples:
            if one.clean is not None:
                pair = both(one, self.rate)
                noisy.append(pair[0])
                clean.append(pair[1])
            else:
                long = isinstance(one.sound, SoundFile) and self._length(one.sound) > LONG * self.rate
                noisy.append(None if long else self._samples(one))
                clean.append(None)
            heard = noisy[-1]
            assert heard is not None or isinstance(one.sound, SoundFile)
            lengths.append(self._length(one.sound) if heard is None else len(heard))  # type: ignore[arg-type]
        return Prepared(noisy, clean, lengths, np.arange(len(lengths))), []

    def batches(self, prepared: Prepared, seed: int, epoch: int | None) -> list[np.ndarray]:
        count = len(prepared.rows)
        if count == 0:
            return []
        if epoch is None:
            return np.array_split(np.arange(count), -(-count // PREDICTION_SOUNDS))
        order = np.random.default_rng((seed, epoch)).permutation(count)
        return np.array_split(order, -(-count // self.settings.batch_windows))

    def collate(self, prepared: Prepared, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        """Windows (V, W) with noise, and without, NaN where that is not known; counts (B,): 0 for a long sound."""
        noisy, clean, counts = [], [], []
        for i in indices.tolist():
            heard, wanted = prepared.noisy[i], prepared.clean[i]
            if heard is None:
                counts.append(0)
                continue
            if epoch is None:
                noisy.append(self.windows.cut(heard))
                clean.append(np.full_like(noisy[-1], np.nan) if wanted is None else self.windows.cut(wanted))
            else:
                draw = np.random.default_rng((seed, epoch, i))
                one = mixed(prepared, i, self.windows.size, self.ratios if self.settings.remix else None, draw)
                noisy.append(one[0][None])
                clean.append(one[1][None])
            counts.append(len(noisy[-1]))
        none = np.zeros((0, self.windows.size), np.float32)
        tensors = {
            "noisy": torch.from_numpy(np.concatenate([none, *noisy])),
            "clean": torch.from_numpy(np.concatenate([none, *clean])),
            "counts": torch.tensor(counts),
            "lengths": torch.tensor([prepared.lengths[i] for i in indices]),
        }
        return Batch(prepared.rows[indices], sum(counts), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        return self.architectures[architecture].build(settings, self.frame // 2 + 1)

    def losses(self, model: SoundCleaner, batch: Batch) -> dict[str, Loss]:
        """Decibels of the error below the sound, of each window, but for what is more than 30 dB below it."""
        noisy, clean = batch["noisy"], batch["clean"]
        known = ~clean.isnan().any(1)
        noisy, clean = noisy[known], clean[known]
        error = (clean - self._clean(model, noisy)[0]).square().sum(1)
        sound, rest = clean.square().sum(1), 1e-6 * noisy.square().sum(1) + 1e-9
        below = 10 * torch.log10((error + THRESHOLD * sound + rest) / (sound + rest))
        return {"error_db": Loss(below.sum(), int(known.sum()))}

    def predict(
        self, model: SoundCleaner, batch: Batch, examples: Sequence[NoisySound], options: EnhancementOptions
    ) -> list[Prediction]:
        counts = batch["counts"].tolist()
        own = batch["noisy"].split(counts)
        found = []
        for example, windows, count, length in zip(examples, own, counts, batch["lengths"].tolist(), strict=True):
            groups = windows.split(TOGETHER) if count else self._groups(example)
            found.append(self._cleaned(model, groups, length, example, options.strength))
        return found

    def _cleaned(
        self, model: SoundCleaner, groups: Iterable[Tensor], length: int, example: NoisySound, strength: float
    ) -> Prediction:
        """Group by group, so that a long sound is never held as a whole."""
        energies, scores, decided = np.zeros(2), np.zeros(2), []
        device = next(model.parameters()).device

        def cleaned() -> Iterator[np.ndarray]:
            for group in groups:
                noisy = group.to(device)
                made, kept = self._clean(model, noisy)
                made = torch.lerp(noisy, made, strength)
                chosen = kept >= 0.5
                decided.append(chosen.cpu().numpy())
                scores[:] += float(log_probability(kept, chosen).sum()), chosen.numel()
                energies[:] += float(noisy.double().square().sum()), float(made.double().square().sum())
                yield from made.float().cpu().numpy()

        samples = self.windows.joined(cleaned(), length)
        output = Cleaned(samples, self.rate, energy_taken(*energies))
        raw = np.concatenate(decided).ravel()
        return Prediction(example.name, output, float(scores[0] / scores[1]), example.where, raw=raw)

    def _groups(self, example: NoisySound) -> Iterator[Tensor]:
        """Windows (at most TOGETHER, W) of a long sound, which is read piece by piece."""
        pieces = (block.inner(block.audio.samples) for block in blocks(example.sound, self.rate))
        group: list[np.ndarray] = []
        for window in self.windows.stream(pieces):
            group.append(window)
            if len(group) == TOGETHER:
                yield torch.from_numpy(np.stack(group))
                group = []
        if group:
            yield torch.from_numpy(np.stack(group))

    def answer_files(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Iterator[bytes]]]:
        return ((f"{Path(one.input).stem}.wav", one.output.wav()) for one in predictions)

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        pages = [one.output.to_json() for one in predictions]
        told = {column: [page[column] for page in pages] for column in ("seconds", "sample_rate", "removed_db")}
        return {"sound": [one.input for one in predictions], **told}

    # Judging

    @property
    def validation_options(self) -> EnhancementOptions:
        return EnhancementOptions()

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[NoisySound], cheap: bool
    ) -> dict[str, Score]:
        noisy, clean = zip(*(both(one, self.rate) for one in examples), strict=True)
        return enhancement_scores([one.output.samples for one in predictions], noisy, clean, self.rate, cheap)

    def baselines(self, train: Sequence[NoisySound], test: Sequence[NoisySound]) -> dict[str, dict[str, Score]]:
        rate = self._common_rate(_spread(train))
        noisy, clean = zip(*(both(one, rate) for one in test), strict=True)
        size = self._frame(rate)
        found = {
            "the sound as it is": noisy,
            "Wiener filter, its noise that of the quietest frames": [wiener(one, size, size // 2) for one in noisy],
        }
        return {name: enhancement_scores(made, noisy, clean, rate, cheap=True) for name, made in found.items()}

    # Looking

    def replay(
        self, model: SoundCleaner, examples: Sequence[NoisySound], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """The parts of an answer are its frames: of each, whether more of it was kept than taken out."""
        cut = [torch.from_numpy(self.windows.cut(self._samples(one))) for one in examples]
        counts = [len(one) for one in cut]
        windows = torch.cat(cut).to(next(model.parameters()).device)
        _, kept = self._clean(model, windows, counts if max(counts) > 1 else None)
        if not scored:
            return None
        by_sound = [one.flatten() for one in kept.split(counts)]
        rows = [
            log_probability(one, torch.from_numpy(prediction.raw).to(one.device))
            for one, prediction in zip(by_sound, predictions, strict=True)
        ]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def axes(self, examples: Iterable[NoisySound], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Frames of all windows lie on seconds, over the spectrogram of the noisy sound."""
        return {FRAMES: [self._axis(self._samples(one)) for one in examples]}

    def _axis(self, samples: np.ndarray) -> Axis:
        hop, lasts = self.frame // 2, len(samples) / self.rate
        starts = [window * self.windows.hop for window in range(self.windows.count(len(samples)))]
        middles = [(start + at) / self.rate for start in starts for at in range(0, self.windows.size + 1, hop)]
        half = hop / self.rate / 2
        spans = [(max(0.0, at - half), min(at + half, lasts)) if at - half < lasts else None for at in middles]
        labels = tuple("silence" if span is None else f"{at:.2f} s" for at, span in zip(middles, spans, strict=True))
        frames = log_mel(Audio(samples, self.rate), 64, min(100, self.rate // 20))
        return Axis("frame", labels, tuple(spans), preview=picture(frames))

    def rescore(self, model: SoundCleaner, example: NoisySound, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A frame is taken out by silencing it in what the network sees; its factors still meet the whole sound."""
        windows = torch.from_numpy(self.windows.cut(self._samples(example))).to(next(model.parameters()).device)
        chosen = torch.from_numpy(prediction.raw).to(windows.device)
        found = []
        for row in torch.from_numpy(kept).to(windows.device):
            shares = self._clean(model, windows, seen=row.view(len(windows), -1))[1]
            found.append(log_probability(shares.flatten(), chosen).mean())
        return torch.stack(found)

    # Parts

    @property
    def frame(self) -> int:
        return self._frame(self.rate)

    def _frame(self, rate: int) -> int:
        """Samples of a frame, a multiple of 16 so that its frequencies can be halved three times."""
        return max(16, round(self.settings.frame_ms / 1000 * rate / 16) * 16)

    def _common_rate(self, examples: Sequence[NoisySound]) -> int:
        common = Counter(one.sound.rate() or 0 for one in examples).most_common(1)[0][0]
        return self.settings.sample_rate or min(common, HIGHEST_RATE)

    @property
    def windows(self) -> Windows:
        """A whole number of hops."""
        hop = self.frame // 2
        size, overlap = (
            round(seconds * self.rate / hop) * hop for seconds in (self.settings.seconds, self.settings.overlap)
        )
        return Windows(size, overlap)

    def _clean(
        self, model: SoundCleaner, windows: Tensor, counts: Sequence[int] | None = None, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Windows (V, W) without noise, and of each frame (V, T) what share of its energy was kept and not taken out.

        seen (V, T): the frames that the network sees; all unless given.
        """
        hop = self.frame // 2
        level = windows.square().mean(1, keepdim=True).sqrt().clamp_min(LEAST_LEVEL)
        spectrum = spectrum_of(windows / level, self.frame, hop)
        features = features_of(spectrum)
        if seen is not None:
            features = features * seen[:, None, :, None]
        made = spectrum * model(features, counts)
        sound, noise = (part.abs().square().sum(-1) + 1e-6 for part in (made, spectrum - made))
        return samples_of(made, self.frame, hop, windows.shape[1]) * level, sound / (sound + noise)

    def _samples(self, example: NoisySound) -> np.ndarray:
        return resampled(loaded(example.sound), self.rate).samples

    def _length(self, sound: SoundFile) -> int:
        """Samples of a file at the rate of the model."""
        length, rate = audio_length(sound.path)
        return -(-length * self.rate // rate)


def _spread(examples: Sequence[NoisySound]) -> list[NoisySound]:
    rows = np.unique(np.linspace(0, len(examples) - 1, min(LOOKED_AT, len(examples))).astype(int))
    return [examples[int(row)] for row in rows]
