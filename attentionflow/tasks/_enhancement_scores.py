"""How near a sound is to what it is without noise, and what a simple method makes of it.

Letters: N samples, T frames, K frequencies.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.task import Score
from attentionflow.tasks._ranking import bootstrap

QUIETEST = 0.2  # share of the frames from which the noise is taken
SMOOTH = 0.98  # of the decision-directed estimate
LEAST = 10 ** (-15 / 20)  # gain of the filter


def si_sdr(estimate: np.ndarray, clean: np.ndarray) -> float:
    """10 log10(|a s|² / |a s - e|²) in decibels, with a = e·s / |s|²: the scale does not matter (Le Roux et al. 2019).

    Means are taken away before.
    """
    e, s = (one.astype(np.float64) - one.mean(dtype=np.float64) for one in (estimate, clean))
    target = (e @ s) / max(float(s @ s), 1e-12) * s
    error = target - e
    return 10 * float(np.log10(max(float(target @ target), 1e-12) / max(float(error @ error), 1e-12)))


def stoi(estimate: np.ndarray, clean: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), 0 to 1, by pystoi; NaN where too little is heard."""
    try:
        from pystoi import stoi as measured
    except ImportError:
        raise UserError('STOI needs pystoi: pip install "attentionflow[audio]"') from None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(measured(clean, estimate, rate))
        except RuntimeWarning:  # fewer than 30 frames that are not silent
            return float("nan")


def enhancement_scores(
    estimates: Sequence[np.ndarray],
    noisy: Sequence[np.ndarray],
    clean: Sequence[np.ndarray],
    rate: int,
    cheap: bool,
) -> dict[str, Score]:
    """Means over sounds; of STOI over those that it can be told of."""
    before, after = (np.array([si_sdr(*pair) for pair in zip(some, clean, strict=True)]) for some in (noisy, estimates))
    heard_before, heard = (
        np.array([stoi(*pair, rate) for pair in zip(some, clean, strict=True)]) for some in (noisy, estimates)
    )
    told = ~np.isnan(heard) & ~np.isnan(heard_before)
    heard, heard_before = heard[told], heard_before[told]
    of = f"{told.sum():,} of {len(told):,} sounds"
    gain = after - before

    def mean(values: np.ndarray, unit: str = "", signature: str = "") -> Score:
        if not len(values):
            return Score(0.0, unit, None, signature)
        return Score(float(values.mean()), unit, None if cheap else bootstrap(values), signature)

    return {
        "si_sdr_improvement": mean(gain, " dB"),
        "si_sdr": mean(after, " dB"),
        "stoi": mean(heard, "", of),
        "stoi_improvement": mean(heard - heard_before, "", of),
    }


def wiener(noisy: np.ndarray, size: int, hop: int) -> np.ndarray:
    """(N,): a Wiener filter whose noise is the mean of the quietest fifth of the frames, frequency by frequency, and
    whose ratio of sound to noise is told by the frame before too (decision-directed, Ephraim and Malah 1984)."""
    import torch

    from attentionflow.tasks._cleaned import samples_of, spectrum_of

    spectrum = spectrum_of(torch.from_numpy(noisy)[None], size, hop)
    power = spectrum[0].abs().square().double().numpy()  # (T, K)
    count = max(1, round(QUIETEST * len(power)))
    noise = np.sort(power, axis=0)[:count].mean(0) * 2 + 1e-12  # the quietest are below the mean
    before, gains = np.zeros(power.shape[1]), []
    for frame in power:
        after = frame / noise
        prior = SMOOTH * before + (1 - SMOOTH) * np.maximum(after - 1, 0)
        gain = np.maximum(prior / (1 + prior), LEAST)
        before = gain**2 * after
        gains.append(gain)
    gains_of = torch.from_numpy(np.stack(gains).astype(np.float32))[None]
    return samples_of(spectrum * gains_of, size, hop, len(noisy))[0].numpy()
