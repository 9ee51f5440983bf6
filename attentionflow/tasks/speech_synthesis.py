"""Speech synthesis: text in, the sound of somebody who says it out.

Letters: B utterances, N letters, T frames, P rows of attention, F bands, R reduced inputs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from attentionflow.attend import unheard
from attentionflow.datasets import module_for
from attentionflow.errors import DataError, UserError, nearest
from attentionflow.models.parallel_voice import ParallelVoice, ParallelVoiceSettings
from attentionflow.models.recurrent_voice import RecurrentVoice, RecurrentVoiceSettings
from attentionflow.models.synthesiser import FRAMES, TEXT, Script, Spoken, Synthesiser
from attentionflow.readers.batches import token_batches
from attentionflow.readers.finding import Finding
from attentionflow.readers.scripts import read_scripts, recorded, script
from attentionflow.readers.spectrogram import LEAST_DEVIATION, Spectrograms, padded
from attentionflow.readers.transcripts import Units
from attentionflow.readers.utterances import Utterance, hold_out, read_utterances
from attentionflow.readers.vocabulary import END, UNKNOWN
from attentionflow.readers.voice_checks import check_voices
from attentionflow.records import Axis
from attentionflow.settings import Settings
from attentionflow.task import Architecture, Batch, Loss, Prediction, Score, Task
from attentionflow.tasks._padding import pad
from attentionflow.tasks._simple_voices import simple_voices
from attentionflow.tasks._speech import Speech, faults
from attentionflow.tasks._speech_picture import speech_picture
from attentionflow.tasks._synthesis_scores import synthesis_scores

LEARNED = "voices.json"
HIGHEST_RATE = 24_000
QUIETEST = 1e-5  # power of a band, below which all is silence
PREDICTION_LETTERS = 2000  # of a batch, where nothing is learned
DRAWN = 6  # utterances of a picture


class SynthesisSettings(Settings):
    text: str = Field("text", description="column of the table with what is said")
    speaker_column: str = Field("speaker", description="column with who says it; without one, all is one voice")
    lowercase: bool = Field(True, description="read capital letters as small ones")
    sample_rate: int | None = Field(
        None,
        ge=4000,
        description="samples a second of the voice; the commonest in training, at most 24000",
    )
    bands: int = Field(64, ge=16, description="mel bands of the spectrogram")
    frame_rate: int = Field(100, ge=20, le=400, description="frames of the spectrogram a second; each sees four")
    batch_frames: int = Field(4000, ge=100, description="utterances of a batch times its longest, in frames, at most")
    max_seconds: float = Field(15.0, gt=0, description="longer utterances are not trained on, and said")
    held_out: float = Field(0.05, gt=0, lt=0.5, description="held out for val, and for test, where a split is missing")


class SynthesisOptions(Settings):
    speaker: str = Field("", description="who says what names no speaker; by default the commonest of training")
    speed: float = Field(1.0, ge=0.25, le=4, description="times as fast as learned, where the network plans durations")
    rounds: int = Field(40, ge=1, description="of Griffin-Lim, which finds the phases of the sound")


@dataclass(frozen=True)
class Encoded:
    """Letters of each utterance, its speaker, -1 where none is named, and its spectrogram (T, F), None without a
    recording; rows: which example each is."""

    letters: list[list[int]]
    speakers: list[int]
    frames: list[np.ndarray | None]
    rows: np.ndarray


class SpeechSynthesis(Task[Utterance, Encoded]):
    name = "speech-synthesis"
    summary = "text to the sound of a voice that says it"
    files = "a folder with metadata.csv (file_name, text, perhaps speaker) and sounds, or LJSpeech's layout"
    settings_type = SynthesisSettings
    options_type = SynthesisOptions
    architectures: ClassVar[Mapping[str, Architecture]] = {
        "parallel": Architecture(
            ParallelVoice,
            ParallelVoiceSettings,
            {"learning_rate": 2e-3, "ema": 0.995},
            "conformer that says all frames at once, with durations from an alignment it learns itself",
        ),
        "classic": Architecture(
            RecurrentVoice,
            RecurrentVoiceSettings,
            {"learning_rate": 2e-3, "ema": 0.995},
            "LSTM that says frame after frame, with location-sensitive attention and a stop unit",
        ),
    }
    embedded = "syllables"
    deciding = "mcd"
    higher_is_better = False
    unit = "frames"

    settings: SynthesisSettings
    spectrograms: Spectrograms
    units: Units
    speakers: list[str]  # the commonest first

    # Reading

    def read(self, data: str, seed: int) -> tuple[dict[str, Sequence[Utterance]], list[str]]:
        given = self.settings
        if module := module_for(data, self.name):
            splits, notes = module.read(seed)
            return dict(splits), notes
        splits, notes = hold_out(read_utterances(data, given.text, given.speaker_column), given.held_out, seed)
        return dict(splits), notes

    def read_inputs(self, path: Path) -> Sequence[Utterance]:
        return read_scripts(path, self.settings.text, self.settings.speaker_column)

    def example(self, given: Any) -> Utterance:
        """A text, or a text and its speaker."""
        text, speaker = given if isinstance(given, tuple) else (given, None)
        if not isinstance(text, str):
            raise TypeError(f"what is to be said must be a text, or a text and a speaker, got {type(text).__name__}")
        return script(text, "the text given", speaker)

    def check(self, splits: Mapping[str, Sequence[Utterance]]) -> list[Finding]:
        return check_voices(splits, self._plain, self.settings.max_seconds, self.settings.frame_rate)

    # Learning before training

    def learn(self, examples: Sequence[Utterance]) -> None:
        given = self.settings
        self.spectrograms = Spectrograms.learn(
            examples,
            given.sample_rate,
            given.bands,
            given.frame_rate,
            measured=True,
            highest=HIGHEST_RATE,
            window=4 / given.frame_rate,
            floor=QUIETEST,
        )
        if self.spectrograms.rate is None:
            raise UserError("a voice is learned from sounds; these are arrays of features")
        texts, speakers = zip(*((self._plain(one), one.speaker or "") for one in examples), strict=True)
        self.units = Units.learn(texts, "characters")
        self.speakers = [name for name, _ in Counter(speakers).most_common()]

    def save(self, folder: Path) -> list[str]:
        page = {"spectrograms": self.spectrograms.page(), "units": self.units.page(), "speakers": self.speakers}
        (folder / LEARNED).write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
        return [LEARNED]

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Self:
        task = cls(settings)
        page = json.loads((folder / LEARNED).read_text(encoding="utf-8"))
        task.spectrograms, task.units = Spectrograms(**page["spectrograms"]), Units(**page["units"])
        task.speakers = page["speakers"]
        return task

    # Batches

    def prepare(self, examples: Sequence[Utterance], training: bool) -> tuple[Encoded, list[str]]:
        examples = list(examples)
        letters, unknown = self._letters(examples)
        frames = [self.spectrograms(one).astype(np.float16) if recorded(one) else None for one in examples]
        speakers = [self._speaker(one.speaker, one.where) if one.speaker else -1 for one in examples]
        notes, keep = [], np.ones(len(examples), bool)
        faulty = [("with a letter that training does not have: it is left out of the text", unknown, False)]
        if training:
            sizes = [
                (0 if sound is None else len(sound), len(text)) for sound, text in zip(frames, letters, strict=True)
            ]
            most, gone = self.settings.max_seconds, "left out of training"
            faulty += [
                (f"without text: {gone}", [text < 3 for _, text in sizes], True),
                (f"with more letters than frames: {gone}", [sound < text for sound, text in sizes], True),
                (f"longer than max_seconds={most:g}: {gone}", [self._lasts(sound) > most for sound, _ in sizes], True),
            ]
        elif silent := [one.where for one, text in zip(examples, letters, strict=True) if len(text) < 3]:
            raise DataError(
                "there is nothing to say: no letter in it is known from training",
                file=silent[0],
                remedy="Leave the text out, or write it in the letters of the training texts",
            )
        for fault, hit, out in faulty:
            if places := [one.where for one, at in zip(examples, hit, strict=True) if at]:
                notes.append(f"{len(places)} utterances {fault}: {', '.join(places[:5])}")
            keep &= ~(np.array(hit, bool) & out)
        rows = np.flatnonzero(keep)
        return Encoded([letters[i] for i in rows], [speakers[i] for i in rows], [frames[i] for i in rows], rows), notes

    def batches(self, prepared: Encoded, seed: int, epoch: int | None) -> list[np.ndarray]:
        if any(sound is None for sound in prepared.frames):
            lengths = np.array([[len(text)] for text in prepared.letters])
            return token_batches(lengths, PREDICTION_LETTERS, seed, epoch)
        lengths = np.array([[len(sound)] for sound in prepared.frames if sound is not None]).reshape(-1, 1)
        return token_batches(lengths, self.settings.batch_frames, seed, epoch)

    def collate(self, prepared: Encoded, indices: np.ndarray, seed: int, epoch: int | None) -> Batch:
        letters, mask = pad([prepared.letters[i] for i in indices])
        tensors = {"letters": letters, "mask": mask, "speakers": torch.tensor([prepared.speakers[i] for i in indices])}
        sounds = [sound.astype(np.float32) for i in indices if (sound := prepared.frames[i]) is not None]
        tensors["frames"], tensors["present"] = padded(sounds) if len(sounds) == len(indices) else (None, None)
        return Batch(prepared.rows[indices], sum(map(len, sounds)), tensors)

    # Model

    def build(self, architecture: str, settings: Settings) -> nn.Module:
        make = self.architectures[architecture].build
        return make(settings, len(self.units), len(self.speakers), self.spectrograms.bands)

    def losses(self, model: Synthesiser, batch: Batch) -> dict[str, Loss]:
        given = Script(batch["letters"], batch.get("mask"), batch["speakers"].clamp_min(0))
        found = model.losses(given, batch["frames"], batch.get("present"))
        return {name: Loss(*loss) for name, loss in found.items()}

    def predict(
        self, model: Synthesiser, batch: Batch, examples: Sequence[Utterance], options: SynthesisOptions
    ) -> list[Prediction]:
        otherwise = self._speaker(options.speaker, "the option speaker") if options.speaker else 0
        chosen = torch.where(batch["speakers"] < 0, otherwise, batch["speakers"])
        given = Script(batch["letters"], batch.get("mask"), chosen)
        with unheard():  # who records hears what is made once more, as in `replay`
            found = model.speak(given, options.speed)
        scores = _sides(model.again(given, found), found, model.step)
        predictions = []
        for one, spoken, speaker, score in zip(examples, found, chosen.tolist(), scores, strict=True):
            ids = self._letters([one])[0][0]
            said = ["" if i == END else self.units.labels[i] for i in ids]
            skipped, repeated = faults(spoken.path, said, spoken.forced)
            output = Speech(
                self._power(spoken.frames),
                self.spectrograms,
                options.rounds,
                self.speakers[speaker],
                skipped,
                repeated,
                spoken.ended,
                spoken.path,
                tuple(said),
                model.step,
            )
            parts = -(-len(spoken.frames) // model.step)
            predictions.append(
                Prediction(one.text, output, float(score[:parts].mean()), one.where, raw=(spoken, speaker))
            )
        return predictions

    def table(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        pages = [one.output.to_json() for one in predictions]
        told = {column: [page[column] for page in pages] for column in pages[0]} if pages else {}
        words = {column: [", ".join(cell) for cell in told.pop(column)] for column in ("skipped", "repeated")}
        return {"text": [one.input for one in predictions], **told, **words}

    def answer_files(self, predictions: Sequence[Prediction]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """A sound for each text, and a picture of it and of the way through its letters."""
        for number, one in enumerate(predictions, start=1):
            yield f"{number:04}.wav", one.output.wav()
            yield f"{number:04}.svg", iter([speech_picture([one.output], [None], [one.input]).encode()])

    # Judging

    @property
    def validation_options(self) -> SynthesisOptions:
        return SynthesisOptions()

    def metrics(
        self, predictions: Sequence[Prediction], examples: Sequence[Utterance], cheap: bool
    ) -> dict[str, Score]:
        outputs = [one.output for one in predictions]
        words = [
            (len(self._plain(one).split()), len(output.skipped), len(output.repeated))
            for one, output in zip(examples, outputs, strict=True)
        ]
        recordings = [self.spectrograms.frames(one) for one in examples]
        return synthesis_scores([one.frames for one in outputs], recordings, words, intervals=not cheap)

    def baselines(self, train: Sequence[Utterance], test: Sequence[Utterance]) -> dict[str, dict[str, Score]]:
        own = type(self)(self.settings)
        own.learn(train)
        found = simple_voices(train, test, lambda one: own._letters([one])[0][0], own.spectrograms.frames)
        recordings = [own.spectrograms.frames(one) for one in test]
        words = [(len(self._plain(one).split()), 0, 0) for one in test]
        return {name: synthesis_scores(made, recordings, words, intervals=False) for name, made in found.items()}

    def pictures(self, predictions: Sequence[Prediction], examples: Sequence[Utterance]) -> dict[str, str]:
        rows = np.unique(np.linspace(0, len(examples) - 1, min(DRAWN, len(examples))).astype(int)).tolist()
        recordings = [self.spectrograms.frames(examples[row]) for row in rows]
        shown = [predictions[row] for row in rows]
        return {"speech": speech_picture([one.output for one in shown], recordings, [one.input for one in shown])}

    # Looking

    def replay(
        self, model: Synthesiser, examples: Sequence[Utterance], predictions: Sequence[Prediction], scored: bool
    ) -> Tensor | None:
        """The parts of an answer are its rows: of each, that its bands are as loud as they were said to be, above or
        below their means."""
        found = [one.raw[0] for one in predictions]
        made = model.again(self._script(model, examples, predictions), found)
        return _sides(made, found, model.step) if scored else None

    def axes(self, examples: Iterable[Utterance], predictions: Iterable[Prediction]) -> dict[str, list[Axis]]:
        """Frames on seconds over the spectrogram that was made; letters on words, and the end."""
        spoken = [one.output for one in predictions]
        letters = self._letters(list(examples))[0]
        return {
            FRAMES: [self.spectrograms.axis(one.frames, one.step) for one in spoken],
            TEXT: self.units.axes_of(ids[:-1] for ids in letters),
        }

    def rescore(self, model: Synthesiser, example: Utterance, prediction: Prediction, kept: np.ndarray) -> Tensor:
        """A letter is taken out by making it a blank place that is no letter; it keeps its time."""
        count = len(kept)
        given = self._script(model, [example] * count, [prediction] * count)
        seen = torch.from_numpy(kept).to(given.letters.device)
        found = [prediction.raw[0]] * count
        made = model.again(Script(given.letters, given.mask, given.speakers, seen), found)
        return _sides(made, found, model.step).mean(1)

    # Parts

    def _plain(self, utterance: Utterance) -> str:
        text = " ".join((utterance.text or "").split())
        return f" {text.lower() if self.settings.lowercase else text}"

    def _letters(self, examples: Sequence[Utterance]) -> tuple[list[list[int]], list[bool]]:
        """A blank, the letters that training has, and the end; and whether there were others."""
        encoded = self.units.encode(map(self._plain, examples))
        return [[i for i in ids if i != UNKNOWN] + [END] for ids in encoded], [UNKNOWN in ids for ids in encoded]

    def _speaker(self, name: str, where: str) -> int:
        if name not in self.speakers:
            raise UserError(f"{where}: there is no speaker {name!r}; {nearest(name, self.speakers)}")
        return self.speakers.index(name)

    def _lasts(self, frames: int) -> float:
        return (frames - 1) / self.spectrograms.frame_rate

    def _power(self, frames: np.ndarray) -> np.ndarray:
        """(T, F) log-mel power of frames as the network knows them."""
        mean, deviation = (np.array(of, np.float32) for of in (self.spectrograms.mean, self.spectrograms.deviation))
        return np.maximum(frames * np.maximum(deviation, LEAST_DEVIATION) + mean, np.float32(np.log(QUIETEST)))

    def _script(self, model: Synthesiser, examples: Sequence[Utterance], predictions: Sequence[Prediction]) -> Script:
        device = next(model.parameters()).device
        letters, mask = pad(self._letters(examples)[0])
        speakers = torch.tensor([one.raw[1] for one in predictions], device=device)
        return Script(letters.to(device), None if mask is None else mask.to(device), speakers)


def _sides(made: Tensor, found: Sequence[Spoken], step: int) -> Tensor:
    """(B, P): mean over bands, and the frames of a row, of log sigmoid(s x), x the band as the network makes it, in
    deviations from its mean in training, and s the side of that mean on which it was said. 0 on padding."""
    said = torch.zeros_like(made)
    for row, one in enumerate(found):
        said[row, : len(one.frames)] = torch.from_numpy(np.where(one.frames > 0, 1.0, -1.0).astype(np.float32))
    sure = F.logsigmoid(said * made).mean(-1) * (said[..., 0] != 0)
    return sure.unflatten(1, (-1, step)).mean(-1)
