"""What is wrong or remarkable with noisy sounds, before any training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import found_at, gravest_first, repeated
from attentionflow.readers.noisy_sounds import NoisySound, both, loaded

THING = "sound"
SILENT = 1e-4  # root mean square of a sound that is called silent


class Listened(NamedTuple):
    """A pair that was decoded. ratio: decibels between the clean sound and its noise; silent: the clean one."""

    split: str
    where: str
    labels: None
    key: bytes
    seconds: float
    ratio: float
    silent: bool


def check_noisy_sounds(splits: Mapping[str, Sequence[NoisySound]]) -> list[Finding]:
    """All findings, the gravest first. Every pair is decoded."""
    listened: list[Listened] = []
    broken: list[str] = []
    for split, sounds in splits.items():
        for one in sounds:
            try:
                listened.append(_listened(split, one))
            except UserError as error:
                broken.append(str(error))
    of = len(listened) + len(broken)
    found = list(found_at("error", of, "cannot be read", broken, "Save them again, or leave them out", THING))
    for split in splits:
        found += _facts(split, [one for one in listened if one.split == split])
    silent = [one.where for one in listened if one.silent]
    found += found_at("warning", of, "are silent without their noise", silent, "Check the recording", THING)
    same = [one.where for one in listened if not one.silent and one.ratio > 60]
    found += found_at("warning", of, "have next to no noise", same, "There is nothing to learn from them", THING)
    return gravest_first([*found, *repeated(listened, THING)])


def _listened(split: str, one: NoisySound) -> Listened:
    rate = loaded(one.sound).rate
    noisy, clean = both(one, rate)
    size, noise = float(np.mean(clean**2)), float(np.mean((noisy - clean) ** 2))
    ratio = 10 * float(np.log10(max(size, 1e-12) / max(noise, 1e-12)))
    key = blake2b(noisy.tobytes(), digest_size=16).digest()
    return Listened(split, one.where, None, key, len(noisy) / rate, ratio, bool(np.sqrt(size) < SILENT))


def _facts(name: str, own: Sequence[Listened]) -> Iterator[Finding]:
    if not own:
        yield Finding("error", f"{name}: no sounds", 0, (), "Add some, or leave the split out")
        return
    seconds, ratios = [one.seconds for one in own], [one.ratio for one in own]
    yield Finding(
        "info",
        f"{name}: {len(own):,} sounds, {min(seconds):.2f} to {max(seconds):.2f} seconds, {sum(seconds) / 60:.1f} "
        f"minutes in all, noise {min(ratios):.1f} to {max(ratios):.1f} dB below them",
        len(own),
    )
