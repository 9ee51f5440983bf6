"""Word and character error rates, by jiwer (Morris et al. 2004 for the measure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.audio import INSTALL
from attentionflow.task import Score

RESAMPLES = 1000  # of the bootstrap


def transcript_scores(hypotheses: Sequence[str], references: Sequence[str], intervals: bool) -> dict[str, Score]:
    """WER and CER of the whole set, errors by reference units, and the share of utterances without any error.

    Intervals: 95 % by the bootstrap over utterances. An error rate may be above 1, where much is written that was not
    said; utterances without reference text count with what was written for them.
    """
    rates = {"wer": _errors(hypotheses, references, words=True), "cer": _errors(hypotheses, references, words=False)}
    right = np.array([h == r for h, r in zip(hypotheses, references, strict=True)], float)
    ratios = {name: (errors, lengths) for name, (errors, lengths) in rates.items()}
    ratios["exact_match"] = (right, np.ones_like(right))
    scores = {}
    for name, (tops, bottoms) in ratios.items():
        unit = {"wer": "words", "cer": "characters"}.get(name, "utterances")
        signature = f"{int(tops.sum()):,} of {int(bottoms.sum()):,} {unit}"
        value = tops.sum() / max(1, bottoms.sum())
        scores[name] = Score(float(value), "", _interval(tops, bottoms) if intervals else None, signature)
    return scores


def _errors(hypotheses: Sequence[str], references: Sequence[str], words: bool) -> tuple[np.ndarray, np.ndarray]:
    """Substitutions, deletions and insertions of each utterance, and the units of its reference."""
    try:
        import jiwer
    except ImportError:
        raise UserError(f"error rates need jiwer: {INSTALL}") from None
    process = jiwer.process_words if words else jiwer.process_characters
    found = process(list(references), list(hypotheses))
    wrong = [sum(_size(chunk) for chunk in chunks if chunk.type != "equal") for chunks in found.alignments]
    return np.array(wrong, float), np.array([len(reference) for reference in found.references], float)


def _size(chunk: object) -> int:
    """Units of an edit: of the reference, or of the hypothesis where they are inserted."""
    spans = [(chunk.ref_start_idx, chunk.ref_end_idx), (chunk.hyp_start_idx, chunk.hyp_end_idx)]  # type: ignore[attr-defined]
    return max(end - start for start, end in spans)


def _interval(tops: np.ndarray, bottoms: np.ndarray) -> tuple[float, float]:
    draw = np.random.default_rng(0)
    rows = draw.integers(0, len(tops), (RESAMPLES, len(tops)))
    ratios = tops[rows].sum(1) / np.maximum(bottoms[rows].sum(1), 1)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(low), float(high)
