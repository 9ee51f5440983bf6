"""Speech recognition: sound in, the text that is said in it out.

Letters: B utterances, T frames, F bands, S positions of the encoder, U units of text, R reduced inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.datasets import module_for
from attentionflow.errors import UserError
from attentionflow.models.conformer import Conformer, ConformerSettings
from attentionflow.models.ctc import least_positions
from attentionflow.models.grammar import Grammar, known_words
from attentionflow.models.listener import Listener, ListenerSettings
from attentionflow.models.recogniser import Memory, Recogniser
from attentionflow.models.transcribe import teacher_forced, transcribe, unit_scores
from attentionflow.readers.augment import Augmentation
from attentionflow.readers.batches import token_batches
from attentionflow.readers.finding import Finding
from attentionflow.readers.spectrogram import Spectrograms, padded
from attentionflow.readers.transcripts import Kind, Units, plain
from attentionflow.readers.utterance_checks import check_utterances
from attentionflow.readers.utterances import Utterance, hold_out, read_sounds, read_utterances, typed_sound
from attentionflow.readers.vocabulary import PAD, UNKNOWN, Vocabulary
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._simple_recognisers import simple_recognisers
from attentionflow.tasks._transcript_scores import transcript_scores

LEARNED, SUB_WORDS = "speech.json", "vocabulary.json"
PREDICTION_FRAMES = 8000  # of a batch at least, where nothing is learned


class SpeechSettings(Settings):
    text: str = Field("text", description="column of the table with what is said")
    plain_text: bool = Field(False, description="write in lower case, without punctuation marks but apostrophes")
    units: Literal["characters", "words", "sub-words"] = Field("characters", description="what the text is written in")
    sub_words: int = Field(500, ge=128, description="most sub-words, where units are that")
    sample_rate: int | None = Field(
        None,
        ge=1000,
        description="samples a second that every sound is brought to; the commonest in training, at most 16000",
    )
    bands: int = Field(40, ge=4, description="mel bands of the spectrogram; arrays of features have their own")
    frame_rate: int = Field(100, ge=10, le=1000, description="frames of the spectrogram, or of arrays, a second")
    normalised_by: Literal["utterance", "training"] = Field(
        "utterance", description="mean and deviation of each band: of the utterance itself, or of the training data"
    )
    halvings: int = Field(2, ge=1, le=4, description="times the network halves the frames before it attends to them")
    batch_frames: int = Field(8000, ge=100, description="utterances of a batch times its longest, in frames, at most")
    max_seconds: float = Field(30.0, gt=0, description="longer utterances are not trained on, else cut, and said")
    ctc_share: float = Field(0.3, gt=0, lt=1, description="of the CTC loss; the rest is the decoder's")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of the decoder's target that is spread evenly")
    speeds: float = Field(0.1, ge=0, lt=0.5, description="in training, sound is up to this share faster or slower")
    voices: float = Field(0.1, ge=0, lt=0.5, description="and its bands up to this share higher or lower")
    masked_bands: int = Field(8, ge=0, description="most bands that each of two masks covers")
    time_masks: int = Field(2, ge=0, description="stretches of time that are masked")
    masked_time: float = Field(0.08, ge=0, lt=1, description="most of an utterance that one of them covers")
    held_out: float = Field(0.05, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class SpeechOptions(Settings):
    beams: int = Field(10, ge=1, description="texts of CTC that are kept, and judged by the decoder at the end")
    ctc_weight: float = Field(0.5, ge=0, le=1, description="of CTC in the score of a text; the rest is the decoder's")
    words: Literal["any", "known"] = Field("any", description="write any words, or those of the training texts alone")


@dataclass(frozen=True)
class Encoded:
    """The spectrogram (T, F) and the unit ids of each utterance; rows: which example each is."""

    frames: list[np.ndarray]
    texts: list[list[int]]
    rows: np.ndarray


class SpeechRecognition(Task[Utterance, Encoded]):
    name = "speech-recognition"
    summary = "sound to the text that is said in it"
    files = "a folder with metadata.csv (file_name, text) and WAV, FLAC, Ogg, MP3 or NumPy arrays, or LJSpeech's layout"
    settings_type = SpeechSettings
    options_type = SpeechOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "conformer": Architecture(
            Conformer, ConformerSettings, {"learning_rate": 2e-3}, "conformer encoder with CTC, transformer decoder"
        ),
        "classic": Architecture(
            Listener,
            ListenerSettings,
            {"learning_rate": 2e-3},
            "pyramidal bidirectional LSTM with CTC, LSTM decoder with location-aware attention",
        ),
    }
    embedded = "keypad"
    deciding = "wer"
    higher_is_better = False
    unit = "units"

    settings: SpeechSettings
    spectrograms: Spectrograms
    units: Units | Vocabulary
    words: Sequence[str]  # of the training texts

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Utterance]], list[str]]:
        if module := module_for(data, self.name):
            splits, notes = module.read(seed)
            return dict(splits), notes
        splits, notes = hold_out(read_utterances(data, self.settings.text), self.settings.held_out, seed)
        return dict(splits), notes

    def read_inputs(self, path: Path) -> Sequence[Utterance]:
        return read_sounds(path, self.settings.text)

    def example(self, given: Any) -> Utterance:
        """The path of a sound or array, samples (N,) at the model's rate, samples and rate, or features (T, F)."""
        return typed_sound(given, self.spectrograms.rate)

    def check(self, splits: Mapping[str, Sequence[Utterance]]) -> list[Finding]:
        return check_utterances(splits, self._least_seconds, self.settings.max_seconds, self.settings.frame_rate)

    # Learning before training

    def learn(self, examples: Sequence[Utterance]) -> None:
        given, texts = self.settings, [self._text(one) for one in examples]
        self.spectrograms = self._spectrograms(examples)
        self.words = sorted({word for text in texts for word in text.split()})
        if given.units == "sub-words":
            self.units = Vocabulary.learn(texts, given.sub_words)
        else:
            self.units = Units.learn(texts, given.units)

    def save(self, folder: Path) -> list[str]:
        page: dict[str, Any] = {"spectrograms": self.spectrograms.page(), "words": self.words}
        if isinstance(self.units, Units):
            page["units"] = self.units.page()
        else:
            self.units.save(folder / SUB_WORDS)
        (folder / LEARNED).write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
        return [LEARNED] if "units" in page else [LEARNED, SUB_WORDS]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        page = json.loads((folder / LEARNED).read_text(encoding="utf-8"))
        task.spectrograms, task.words = Spectrograms(**page["spectrograms"]), page["words"]
        task.units = Units(**page["units"]) if "units" in page else Vocabulary.load(folder / SUB_WORDS)
        return task

    # Batches

    def prepare(self, examples: Sequence[Utterance], training: bool) -> tuple[Encoded, list[str]]:
        given, examples = self.settings, list(examples)
        most = round(given.max_seconds * given.frame_rate)
        encoded = self.units.encode(self._text(one) for one in examples)
        texts = [[unit for unit in text if unit != UNKNOWN] for text in encoded]
        frames = [self.spectrograms(one) for one in examples]
        pairs = list(zip(frames, texts, strict=True))
        gone = "left out of training"
        faults = [
            (
                "with a unit that training does not have",
                [UNKNOWN in text for text in encoded],
                "it is left out of the text",
            ),
            (
                f"longer than max_seconds={given.max_seconds:g}",
                [len(f) > most for f in frames],
                gone if training else "cut",
            ),
        ]
        if training:
            dense = [least_positions(text) > self._positions(len(f)) for f, text in pairs]
            faults += [
                ("without text", [not text for text in texts], gone),
                ("with more text than positions", dense, gone),
            ]
        notes, keep = [], np.ones(len(examples), bool)
        for fault, hit, fate in faults:
            keep &= ~(np.array(hit, bool) & (fate == gone))
            if places := [one.where for one, at in zip(examples, hit, strict=True) if at]:
                notes.append(f"{len(places)} utterances {fault}: {fate}: {', '.join(places[:5])}")
        rows = np.flatnonzero(keep)
        return Encoded([frames[row][:most] for row in rows], [texts[row] for row in rows], rows), notes

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        lengths = np.array([[len(frames)] for frames in prepared.frames]).reshape(-1, 1)
        # Without a backward pass there is room for more at a time.
        least = PREDICTION_FRAMES if epoch is None else 0
        batches = token_batches(lengths, max(self.settings.batch_frames, least), seed, epoch)
        # The short ones first in the first epoch: CTC finds its alignments there (SortaGrad, Amodei et al. 2016).
        return sorted(batches, key=lambda rows: lengths[rows].max()) if epoch == 0 else batches

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        texts = [prepared.texts[i] for i in indices]
        frames = [prepared.frames[i] for i in indices]
        if epoch is not None:
            rows = prepared.rows[indices].tolist()
            draws = [np.random.default_rng((seed, epoch, row)) for row in rows]
            least = [least_positions(text) * 2**self.settings.halvings for text in texts]
            frames = [self._augmentation(*one) for one in zip(frames, least, draws, strict=True)]
        together, mask = padded(frames)
        written, answers, present = teacher_forced(texts)
        tensors = {"frames": together, "mask": mask, "written": written, "answers": answers, "present": present}
        return Batch(prepared.rows[indices], sum(len(text) + 1 for text in texts), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        make = partial(self.architectures[architecture].build, frames="frames", text="text")
        return make(settings, self.spectrograms.bands, len(self.units), self.settings.halvings)

    def losses(self, model: Recogniser, batch: Batch) -> dict[str, Loss]:
        memory = model.encode(batch["frames"], batch.get("mask"))
        answers, present = batch["answers"], batch.get("present")
        ends = torch.full_like(answers[:, 0], answers.shape[1]) if present is None else present.sum(1)
        share, units = self.settings.ctc_share, int(ends.sum())
        positions = torch.tensor(memory.lengths(), device=answers.device)
        # A text that needs more positions than there are has no alignment; training leaves it out beforehand.
        logs = model.units(memory).float().transpose(0, 1)
        ctc = F.ctc_loss(logs, answers, positions, ends - 1, blank=PAD, reduction="sum", zero_infinity=True)
        logs = model.decode(memory, batch["written"])
        smoothing = self.settings.label_smoothing if model.training else 0.0
        nats = -(1 - smoothing) * logs.gather(-1, answers[..., None])[..., 0] - smoothing * logs.mean(-1)
        nats = nats if present is None else nats * present
        return {"ctc": Loss(share * ctc, units), "decoder": Loss((1 - share) * nats.sum(), units)}

    def predict(
        self, model: Recogniser, batch: Batch, examples: Sequence[Utterance], options: SpeechOptions
    ) -> list[Prediction]:
        found = transcribe(
            model,
            batch["frames"],
            batch.get("mask"),
            beams=options.beams,
            ctc_weight=options.ctc_weight,
            grammar=self._known_words if options.words == "known" else None,
        )
        texts = self.units.decode(one.units for one in found)
        return [
            Prediction(one.name, text, made.score, one.where, raw=made.units)
            for one, text, made in zip(examples, texts, found, strict=True)
        ]

    # Judging

    @property
    def validation_options(self) -> SpeechOptions:
        return SpeechOptions(beams=1)

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[Utterance], cheap: bool
    ) -> dict[str, Score]:
        references = [self._text(one) for one in examples]
        return transcript_scores([p.output for p in predictions], references, intervals=not cheap)

    def baselines(self, train: Sequence[Utterance], test: Sequence[Utterance]) -> dict[str, dict[str, Score]]:
        found = simple_recognisers(train, test, self._spectrograms(train), self._text)
        references = [self._text(one) for one in test]
        return {name: transcript_scores(texts, references, intervals=False) for name, texts in found.items()}

    # Looking

    def replay(
        self, model: Recogniser, examples: Sequence[Utterance], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        scores = unit_scores(model, self._memory(model, self._frames(examples)), [p.raw for p in predictions])
        return scores if scored else None

    def axes(self, examples: Iterable[Utterance], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Positions of the encoder lie on seconds, over the spectrogram; those of the text are what is written."""
        frames = self._frames(list(examples))
        return {
            "frames": [self.spectrograms.axis(one, 2**self.settings.halvings) for one in frames],
            "text": self.units.axes_of(prediction.raw for prediction in predictions),
        }

    def rescore(self, model: Recogniser, example: Utterance, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A position is taken out by setting its frames to the mean that they are normalised by, which is zero."""
        (frames,) = self._frames([example])
        seen = kept.repeat(2**self.settings.halvings, axis=1)[:, : len(frames), None]
        memory = self._memory(model, list(frames * seen))
        return unit_scores(model, memory, [prediction.raw] * len(kept)).mean(1)

    # Parts

    @cached_property
    def _known_words(self) -> Grammar:
        if not isinstance(self.units, Units) or self.units.kind != "characters":
            raise UserError(f"words=known is for units=characters; this model writes {self.settings.units}")
        (between,), *spelt = self.units.encode([" ", *self.words])
        return known_words(spelt, between, len(self.units))

    def _spectrograms(self, examples: Sequence[Utterance]) -> Spectrograms:
        given = self.settings
        measured = given.normalised_by == "training"
        return Spectrograms.learn(examples, given.sample_rate, given.bands, given.frame_rate, measured)

    def _memory(self, model: Recogniser, frames: list[np.ndarray]) -> Memory:
        device = next(model.parameters()).device
        together, mask = padded(frames)
        return model.encode(together.to(device), None if mask is None else mask.to(device))

    def _frames(self, examples: Sequence[Utterance]) -> list[np.ndarray]:
        return self.prepare(examples, training=False)[0].frames

    @property
    def _augmentation(self) -> Augmentation:
        given = self.settings
        return Augmentation(given.speeds, given.voices, given.masked_bands, given.time_masks, given.masked_time)

    def _positions(self, frames: int) -> int:
        return -(-frames // 2**self.settings.halvings)

    def _text(self, utterance: Utterance) -> str:
        text = utterance.text or ""
        return plain(text) if self.settings.plain_text else text

    def _least_seconds(self, utterance: Utterance) -> float:
        """An utterance must last so long for CTC to write its text, in characters or words."""
        kind: Kind = "words" if self.settings.units == "words" else "characters"
        text = Units.learn([self._text(utterance)], kind).encode([self._text(utterance)])[0]
        return least_positions(text) * 2**self.settings.halvings / self.settings.frame_rate
