"""Sounds with noise, and what they are without it: recorded in pairs, or mixed from clean sounds and noises.

    noisy/a.wav clean/a.wav     pairs of one name         clean/a.wav noise/rain.wav     mixed here, at random
    train/noisy/a.wav ...       both may stand in folders train, val and test

Letters: N samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attentionflow.errors import DataError, UserError
from attentionflow.readers.audio import SOUNDS, Audio, resampled
from attentionflow.readers.splits import ORDER, SPLITS, fill_chosen, held_out
from attentionflow.readers.utterances import Sound, SoundFile, read_sounds, typed_sound

CLEAN, NOISE, NOISY = "clean", "noise", "noisy"
LAYOUTS = f"folders {NOISY} and {CLEAN} with sounds of the same names, or folders {CLEAN} and {NOISE}"
MOST_HELD_OUT = 500
QUIET = 1e-4  # of a stretch of noise, below which it is taken from its loudest place


@dataclass(frozen=True, eq=False)
class NoisySound:
    """sound: with its noise; clean: without, None where that is not known. Nothing is read before it is asked for."""

    name: str
    where: str
    sound: Sound
    clean: Sound | None = None


@dataclass(frozen=True, eq=False)
class Mixture:
    """A clean sound with noise `ratio` decibels below it, from a place that `seed` chooses."""

    clean: Sound
    noise: Sound
    ratio: float
    seed: tuple[int, ...]

    def load(self) -> Audio:
        clean, noise = loaded(self.clean), loaded(self.noise)
        stretch = stretch_of(resampled(noise, clean.rate).samples, len(clean.samples), np.random.default_rng(self.seed))
        return Audio(clean.samples + levelled(clean.samples, stretch, self.ratio), clean.rate)

    def rate(self) -> int | None:
        return self.clean.rate()


def loaded(sound: Sound) -> Audio:
    audio = sound.load()
    if not isinstance(audio, Audio):
        raise DataError("an array of features where a sound is needed")
    return audio


def stretch_of(noise: np.ndarray, length: int, draw: np.random.Generator) -> np.ndarray:
    """(length,) of a noise from anywhere in it, over and over; from its loudest place where that is silent."""
    start = int(draw.integers(len(noise)))
    at = np.arange(length)
    stretch = noise[(start + at) % len(noise)]
    if np.sqrt(np.mean(stretch**2)) < QUIET:
        stretch = noise[(int(np.abs(noise).argmax()) - length // 2 + at) % len(noise)]
    return stretch


def levelled(clean: np.ndarray, noise: np.ndarray, ratio: float) -> np.ndarray:
    """The noise, `ratio` decibels below the clean sound in energy."""
    energy = float(np.sum(noise.astype(np.float64) ** 2))
    wanted = float(np.sum(clean.astype(np.float64) ** 2)) / 10 ** (ratio / 10)
    return noise * np.float32(np.sqrt(wanted / max(energy, 1e-12)))


def mixtures(
    clean: Sequence[tuple[str, str, Sound]], noises: Sequence[Sound], ratios: tuple[float, float], seed: tuple[int, ...]
) -> list[NoisySound]:
    """One of each clean sound (name, where, sound), with a noise, its place and its ratio at random."""
    made = []
    for index, (name, where, sound) in enumerate(clean):
        draw = np.random.default_rng((*seed, index))
        noise, ratio = noises[int(draw.integers(len(noises)))], float(draw.uniform(*ratios))
        made.append(NoisySound(name, where, Mixture(sound, noise, ratio, (*seed, index, 1)), sound))
    return made


def read_noisy_sounds(path: str | Path, ratios: tuple[float, float], seed: int) -> dict[str, Sequence[NoisySound]]:
    """By split, "train" alone where the data have none. ratios: decibels between which mixtures are made, by `seed`."""
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is no folder with {LAYOUTS}")
    splits = {SPLITS[child.name.lower()]: child for child in path.iterdir() if child.name.lower() in SPLITS}
    found = {split: _of_folder(splits[split], ratios, (seed, at)) for at, split in enumerate(ORDER) if split in splits}
    if not splits:
        found = {"train": _of_folder(path, ratios, (seed, 0))}
    if "train" not in found:
        raise UserError(f"{path} has no training sounds: its splits are {', '.join(found)}")
    return dict(found)


def _of_folder(path: Path, ratios: tuple[float, float], seed: tuple[int, ...]) -> list[NoisySound]:
    clean, noise, noisy = ({file.name: file for file in _sounds(path / kind)} for kind in (CLEAN, NOISE, NOISY))
    if not clean or bool(noise) == bool(noisy):
        there = ", ".join(sorted(child.name for child in path.iterdir())[:10]) or "nothing"
        raise UserError(f"{path} needs {LAYOUTS}; it holds {there}")
    if noise:
        told = [(name, f"{path.name}/{CLEAN}/{name}", SoundFile(file)) for name, file in clean.items()]
        return mixtures(told, [SoundFile(file) for file in noise.values()], ratios, seed)
    for one, other, folder in ((noisy, clean, CLEAN), (clean, noisy, NOISY)):
        if alone := sorted(set(one) - set(other)):
            raise DataError(
                f"{len(alone)} sounds, such as {alone[0]}, have no counterpart in {folder}",
                file=path,
                remedy="The two of a pair must have the same name",
            )
    return [
        NoisySound(name, f"{path.name}/{NOISY}/{name}", SoundFile(file), SoundFile(clean[name]))
        for name, file in noisy.items()
    ]


def _sounds(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix.lower() in SOUNDS)


def both(example: NoisySound, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy and clean samples (N,) at `rate`; DataError where a pair is of different length."""
    assert example.clean is not None
    noisy, clean = resampled(loaded(example.sound), rate), resampled(loaded(example.clean), rate)
    if abs(len(noisy.samples) - len(clean.samples)) > 0.01 * rate:
        raise DataError(
            f"{noisy.seconds:.2f} seconds with noise, {clean.seconds:.2f} without",
            file=example.where,
            remedy="The two of a pair must begin and end together",
        )
    length = min(len(noisy.samples), len(clean.samples))
    return noisy.samples[:length], clean.samples[:length]


def read_inputs(path: Path) -> list[NoisySound]:
    """Sounds to be cleaned: a sound, a folder of them, or a table with file_name."""
    return [NoisySound(one.name, one.where, one.sound) for one in read_sounds(path)]


def one_input(given: object, rate: int) -> NoisySound:
    """A path, samples (N,) at `rate`, or samples and their rate."""
    if isinstance(given, NoisySound):
        return given
    one = typed_sound(given, rate)
    if one.sound.rate() is None:
        raise UserError("this model hears samples, not features (frames, bands)")
    return NoisySound(one.name, one.where, one.sound)


def fill_splits(
    splits: Mapping[str, Sequence[NoisySound]], share: float, seed: int
) -> tuple[dict[str, Sequence[NoisySound]], list[str]]:
    """The splits with "val" and "test" held out of "train" where they are missing, and notes that say so."""

    def chosen(sounds: Sequence[NoisySound]) -> np.ndarray:
        return held_out([one.name for one in sounds], share, MOST_HELD_OUT, seed, "sounds")

    return fill_chosen(splits, chosen, "sounds", seed)
