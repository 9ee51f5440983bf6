"""What is wrong with utterances, before any training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.audio import Audio
from attentionflow.readers.finding import Finding, Severity
from attentionflow.readers.utterances import Frames, Utterance

SHOWN = 5  # places of a finding
CLIPPED = 0.001  # share of the samples at the limit from which a sound is called clipped
LIMIT = 0.999  # of the range of a sample
QUIET = 1e-3  # largest sample of a sound that is called silent


def check_utterances(
    splits: Mapping[str, Sequence[Utterance]],
    least_seconds: Callable[[Utterance], float],
    max_seconds: float,
    frame_rate: int,
) -> list[Finding]:
    """Every sound is read once. least_seconds: what the text of an utterance needs for CTC to write it."""
    places: dict[str, list[str]] = defaultdict(list)
    rates: Counter[int | str] = Counter()
    examples: dict[int | str, list[str]] = defaultdict(list)
    heard: dict[bytes, tuple[str, str]] = {}
    findings = []
    for split, utterances in splits.items():
        seconds = 0.0
        for one in utterances:
            at = f"{split} {one.where} ({one.name})"
            try:
                loaded = one.sound.load()
            except UserError as error:
                places[f"{error}"].append(at)
                continue
            lasts, rate, content = _facts(loaded, frame_rate)
            seconds += lasts
            rates[rate] += 1
            examples[rate].append(at)
            if isinstance(loaded, Audio):
                for fault in sound_faults(loaded.samples):
                    places[fault].append(at)
            if not one.text:
                places["empty"].append(at)
            elif least_seconds(one) > lasts:
                places["short"].append(f"{at}: {lasts:.2f} s, {least_seconds(one):.2f} s needed")
            if lasts > max_seconds:
                places["long"].append(f"{at}: {lasts:.1f} s")
            key = blake2b(content, digest_size=16).digest()
            if key in heard:
                places["leak" if heard[key][0] != split else "twice"].append(f"{at} is {heard[key][1]}")
            heard.setdefault(key, (split, at))
        findings.append(_fact(f"{split}: {len(utterances):,} utterances, {seconds / 60:.1f} minutes", len(utterances)))
    if len(rates) > 1:
        (usual, _), *others = rates.most_common()
        odd = [place for rate, _ in others for place in examples[rate]]
        kinds = ", ".join(f"{count:,} at {rate}" for rate, count in rates.most_common())
        what = f"sounds of different rates: {kinds}; all are brought to one, most are at {usual}"
        findings.append(_finding("warning", what, odd, "Fine where it is meant; the file's head may also be wrong"))
    for kind, (severity, what, remedy) in KINDS.items():
        if kind in places:
            findings.append(_finding(severity, what, places.pop(kind), remedy))
    for what, where in places.items():
        findings.append(_finding("error", what, where, "Mend or leave out the file"))
    return findings


KINDS: dict[str, tuple[Severity, str, str]] = {
    "empty": ("warning", "no text; training leaves these out", "Write what is said, or leave them out"),
    "short": (
        "warning",
        "the text is longer than the sound has positions for; training leaves these out",
        "Check that the text belongs to the sound; else use fewer halvings, a higher frame_rate, or units=words",
    ),
    "long": ("warning", "longer than max_seconds; training leaves these out", "Cut them, or raise max_seconds"),
    "clipped": ("warning", "clipped: samples stand at the limit", "Record with less gain"),
    "silent": ("warning", "silent", "Check the recording"),
    "steady": ("warning", "the mean of the samples is far from 0", "Take out the constant part"),
    "leak": ("error", "the same sound in two splits, so scores would mislead", "Leave it out of one"),
    "twice": ("info", "the same sound more than once in a split", ""),
}


def _facts(loaded: Audio | Frames, frame_rate: int) -> tuple[float, int | str, bytes]:
    """Seconds, rate, and what tells it from other sounds."""
    if isinstance(loaded, Audio):
        return loaded.seconds, loaded.rate, loaded.samples.tobytes()
    return len(loaded.values) / frame_rate, f"{loaded.values.shape[1]} bands", loaded.values.tobytes()


def sound_faults(samples: np.ndarray) -> list[str]:
    """Names in KINDS of what is odd in a sound."""
    size = np.abs(samples)
    found = {
        "clipped": np.mean(size >= LIMIT) > CLIPPED,
        "silent": size.max() < QUIET,
        "steady": abs(samples.mean()) > 0.1,
    }
    return [name for name, wrong in found.items() if wrong]


def _fact(what: str, count: int) -> Finding:
    return Finding("info", what, count)


def _finding(severity: Severity, what: str, where: Sequence[str], remedy: str) -> Finding:
    return Finding(severity, what, len(where), tuple(where[:SHOWN]), remedy)
