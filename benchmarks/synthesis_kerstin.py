"""A German voice from 34 minutes of one woman, understood by a recogniser that has heard the same recordings alone.

    OMP_NUM_THREADS=1 python benchmarks/synthesis_kerstin.py                     # trains both; goes on where they stand

Both learn from the training sentences of `kerstin`, are chosen on val, and meet the 50 sentences of test once. Told:
the character error rate of the recogniser on recordings and on what was said of their texts; mel-cepstral distortion of
the sounds, with Griffin-Lim, from the recordings; and how many seconds of one core a second of sound takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _results import claim, trained_seconds
from _runs import run_in
from _voices import distortions, recognised, said

from attentionflow.tasks._griffin_lim import sound_of

DATA = "kerstin"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("runs/kerstin-parallel"), help="folder of the voice")
    parser.add_argument("--recogniser", type=Path, default=Path("runs/kerstin-conformer"))
    options = parser.parse_args()
    voice = run_in(options.out, "speech-synthesis", DATA)
    recogniser = run_in(options.recogniser, "speech-recognition", "kerstin_sentences")
    test = list(voice.task.read(DATA, 0)[0]["test"])
    found = voice.evaluate("test")
    spoken, sounds, factor = said(voice, test)
    real, made = recognised(recogniser, test), recognised(recogniser, sounds)
    made_by = voice.task.spectrograms
    back = [sound_of(made_by.frames(one), made_by, 40) for one in test]
    facts = {
        "seconds": trained_seconds(voice.folder),
        "cer_real": round(real["cer"].value, 4),
        "wer_real": round(real["wer"].value, 4),
        "wer_made": round(made["wer"].value, 4),
        "utterances": len(test),
        "metrics": {metric: round(score.value, 4) for metric, score in found["metrics"].items()},
        "parameters": sum(p.numel() for p in voice.model.parameters()),
        "settings": voice.page["settings"],
    }
    name = "speech-synthesis/kerstin/default"
    claim(f"{name}/cer", made["cer"].value, "", "", baseline={"recordings": round(real["cer"].value, 4)}, **facts)
    baselines = {text: round(scores["mcd"].value, 3) for text, scores in found["baselines"].items()}
    baselines["the recording through Griffin-Lim"] = round(float(np.mean(distortions(voice, test, back))), 3)
    ours = distortions(voice, test, [one.samples() for one in spoken])
    claim(f"{name}/mcd", float(np.mean(ours)), "dB", "", baseline=baselines, **facts)
    claim(f"{name}/real_time_factor", factor, "seconds of a core a second", "<= 0.5", **facts)


if __name__ == "__main__":
    main()
