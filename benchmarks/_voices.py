"""What benchmarks of voices share: what is said, and what a recogniser understands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

import attentionflow as af
from attentionflow.readers.audio import Audio
from attentionflow.readers.utterances import Held, Utterance
from attentionflow.task import Score
from attentionflow.tasks._speech import Speech
from attentionflow.tasks._synthesis_scores import distortion


def said(voice: af.Run, examples: Sequence[Utterance]) -> tuple[list[Speech], list[Utterance], float]:
    """What the voice says of the texts, the same as sounds to be recognised, and seconds of the processor that a second
    of sound took, Griffin-Lim included."""
    scripts = [(one.text, one.speaker) if one.speaker else one.text for one in examples]
    used = time.process_time()
    spoken = [one.output for one in voice.predict(scripts)]
    sounds = [
        Utterance(one.name, one.text, one.where, Held(Audio(speech.samples(), speech.rate)))
        for one, speech in zip(examples, spoken, strict=True)
    ]
    used = time.process_time() - used
    return spoken, sounds, used / sum(one.seconds for one in spoken)


def recognised(recogniser: af.Run, sounds: Sequence[Utterance]) -> Mapping[str, Score]:
    predictions, _ = recogniser.predict_examples(sounds, recogniser.options({}))
    return recogniser.task.metrics(predictions, sounds, cheap=False)


def distortions(voice: af.Run, recordings: Sequence[Utterance], sounds: Sequence[np.ndarray]) -> list[float]:
    """Mel-cepstral distortion in decibels between each recording and a sound (N,)."""
    made_by = voice.task.spectrograms
    heard = [Utterance("", None, "", Held(Audio(samples, made_by.rate))) for samples in sounds]
    return [distortion(made_by.frames(a), made_by.frames(b)) for a, b in zip(recordings, heard, strict=True)]
