"""Strings of digits by six voices from nothing, understood by a recogniser that has heard recordings alone.

    OMP_NUM_THREADS=1 python benchmarks/synthesis_fsdd.py --recogniser RUN           # on one core
    python benchmarks/synthesis_fsdd.py --recogniser RUN --out RUN                   # a voice that was trained already

The recogniser is a run of speech-recognition on `fsdd_strings`; it is trained where the folder holds none. The voice
learns from strings of the training recordings of `fsdd_voices`, is chosen on val, and says the 600 strings of test
once, none of which it was trained on, each as the speaker of the recording. The claim is the word error rate of the
recogniser on what was said less that on recordings of the same strings, which nobody trained on. Beside it:
mel-cepstral distortion of the sounds, with Griffin-Lim, from the recordings; that of the recordings themselves once
they went through Griffin-Lim; and between two recordings of the same digits by the same speaker, which tells how far
people are from themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _results import claim, cpu_seconds, trained_seconds
from _runs import run_in
from _voices import distortions, recognised, said

import attentionflow as af
from attentionflow.datasets.fsdd_strings import Joined
from attentionflow.readers.utterances import Utterance
from attentionflow.tasks._synthesis_scores import distortion

TASK, DATA = "speech-synthesis", "fsdd_voices"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="parallel")
    parser.add_argument("--out", type=Path, default=None, help="folder of the voice; one that is there is gone on with")
    parser.add_argument("--recogniser", type=Path, default=Path("runs/fsdd-conformer"))
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    default = options.architecture == "parallel"
    recogniser = run_in(options.recogniser, "speech-recognition", "fsdd_strings")
    folder = options.out or Path("runs") / f"fsdd-voices-{options.architecture}"
    settings = dict(one.split("=", 1) for one in options.set)
    there, used = (folder / "model.safetensors").exists(), cpu_seconds()
    voice = run_in(folder, TASK, DATA, architecture=options.architecture, settings=settings)
    trained = cpu_seconds() - used
    test = list(voice.task.read(DATA, 0)[0]["test"])
    found = voice.evaluate("test")
    spoken, sounds, factor = said(voice, test)
    real, made = recognised(recogniser, test), recognised(recogniser, sounds)
    ours, through = distortions(voice, test, [one.samples() for one in spoken]), griffin_lim(voice, test)
    name = f"speech-synthesis/fsdd/{'default' if default else options.architecture}"
    facts = {
        "seconds": trained_seconds(voice.folder),
        "wer_real": round(real["wer"].value, 4),
        "wer_made": round(made["wer"].value, 4),
        "interval_made": [round(edge, 4) for edge in made["wer"].interval or ()],
        "utterances": len(test),
        "real_time_factor": round(factor, 3),
        "metrics": {metric: round(score.value, 4) for metric, score in found["metrics"].items()},
        "recogniser": str(options.recogniser),
        "parameters": sum(p.numel() for p in voice.model.parameters()),
        "settings": voice.page["settings"],
        **({} if there else {"training_cpu_seconds": round(trained, 1)}),
    }
    claim(
        f"{name}/roundtrip_wer_minus_real",
        made["wer"].value - real["wer"].value,
        "",
        "<= 0.03" if default else "",
        **facts,
    )
    baselines = {text: round(scores["mcd"].value, 3) for text, scores in found["baselines"].items()}
    baselines |= {"the recording through Griffin-Lim": through, "another recording of the same": of_people(voice, test)}
    claim(f"{name}/mcd", float(np.mean(ours)), "dB", "", baseline=baselines, **facts)


def griffin_lim(voice: af.Run, test: Sequence[Utterance]) -> float:
    """Distortion of recordings that went to a spectrogram and back."""
    from attentionflow.tasks._griffin_lim import sound_of

    made_by = voice.task.spectrograms
    back = [sound_of(made_by.frames(one), made_by, 40) for one in test[::6]]
    return round(float(np.mean(distortions(voice, test[::6], back))), 3)


def of_people(voice: af.Run, test: Sequence[Utterance]) -> float:
    """Between each string and the same one of other recordings of test by its speaker, with the same pauses."""
    others: dict[tuple[str | None, str | None], list[Utterance]] = {}
    for one in test:
        assert isinstance(one.sound, Joined)
        for part in one.sound.parts:
            others.setdefault((one.speaker, part.text), []).append(part)
    draw, found = np.random.default_rng(0), []
    for one in test[::2]:
        assert isinstance(one.sound, Joined)
        parts = []
        for part in one.sound.parts:
            choice = [other for other in others[one.speaker, part.text] if other.name != part.name]
            parts.append(choice[draw.integers(len(choice))] if choice else None)
        if all(part is not None for part in parts):
            other = Utterance("", one.text, "", Joined(tuple(parts), one.sound.pauses))  # type: ignore[arg-type]
            found.append(distortion(voice.task.spectrograms.frames(one), voice.task.spectrograms.frames(other)))
    return round(float(np.mean(found)), 3)


if __name__ == "__main__":
    main()
