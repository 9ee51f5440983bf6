"""What is wrong or remarkable with labelled sounds, before any training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from attentionflow.errors import UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.finding import Finding
from attentionflow.readers.labelled_picture_checks import (
    found_at,
    gravest_first,
    label_facts,
    repeated,
    strange_labels,
)
from attentionflow.readers.labelled_sounds import LabelledSound
from attentionflow.readers.utterance_checks import KINDS, sound_faults

THING = "sound"


class Listened(NamedTuple):
    """A sound that was decoded. key: equal for equal sounds; faults: names in KINDS."""

    split: str
    where: str
    labels: tuple[str, ...] | None
    key: bytes
    seconds: float
    rate: int
    faults: tuple[str, ...]


def check_labelled_sounds(
    splits: Mapping[str, Sequence[LabelledSound]], faults: Sequence[Finding], several: bool
) -> list[Finding]:
    """All findings, the gravest first. Every sound is decoded. several: a sound may have no label at all."""
    listened, broken = _listen(splits)
    found = [*faults, *broken]
    for split in splits:
        own = [one for one in listened if one.split == split]
        found += _facts(split, own)
        if not several:
            bare = [one.where for one in own if one.labels == ()]
            found += found_at("error", len(own), f"of {split} have no label", bare, "Add it, or remove the rows", THING)
    places: dict[str, list[str]] = defaultdict(list)
    for one in listened:
        for fault in one.faults:
            places[fault].append(one.where)
    for fault, where in places.items():
        severity, what, remedy = KINDS[fault]
        found += found_at(severity, len(listened), f"are odd ({what})", where, remedy, THING)
    found += [*_rates(listened), *label_facts(listened, THING), *strange_labels(listened, THING)]
    return gravest_first([*found, *repeated(listened, THING)])


def _listen(splits: Mapping[str, Sequence[LabelledSound]]) -> tuple[list[Listened], list[Finding]]:
    listened: list[Listened] = []
    broken: list[str] = []
    for split, sounds in splits.items():
        for one in sounds:
            try:
                audio = one.sound.load()
            except UserError as error:
                broken.append(str(error))
                continue
            assert isinstance(audio, Audio)
            key = blake2b(audio.samples.tobytes(), digest_size=16).digest()
            odd = tuple(sound_faults(audio.samples))
            listened.append(Listened(split, one.where, one.labels, key, audio.seconds, audio.rate, odd))
    remedy = "Save them again, or leave them out"
    return listened, list(found_at("error", len(listened) + len(broken), "cannot be read", broken, remedy, THING))


def _facts(name: str, own: Sequence[Listened]) -> Iterator[Finding]:
    if not own:
        yield Finding("error", f"{name}: no sounds", 0, (), "Add some, or leave the split out")
        return
    labels = Counter(label for one in own for label in one.labels or ())
    listed = ", ".join(f"{label} {count:,}" for label, count in labels.most_common(5))
    seconds = sorted(one.seconds for one in own)
    lasts = f"{seconds[0]:.2f} to {seconds[-1]:.2f} seconds, {sum(seconds) / 60:.1f} minutes in all"
    yield Finding("info", f"{name}: {len(own):,} sounds, {len(labels)} labels ({listed}), {lasts}", len(own))


def _rates(listened: Sequence[Listened]) -> Iterator[Finding]:
    rates = Counter(one.rate for one in listened)
    if len(rates) > 1:
        usual = rates.most_common(1)[0][0]
        told = ", ".join(f"{count:,} at {rate}" for rate, count in rates.most_common())
        odd = [one.where for one in listened if one.rate != usual]
        what = f"are not at the usual rate ({told} samples a second); all are brought to one"
        remedy = "Fine where it is meant; a label must not be told by its rate alone"
        yield from found_at("warning", len(listened), what, odd, remedy, THING)
