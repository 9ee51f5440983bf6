"""Scores of texts against reference texts, by sacrebleu (Post 2018)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attentionflow.errors import UserError
from attentionflow.task import Score

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SYLLABLES = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u0e00-\u0e7f]")


def bleu_tokenizer(references: Sequence[str]) -> str:
    """sacrebleu's tokenizer for the script of these texts: "zh" for Chinese, "char" for other scripts that 13a does
    not split (Japanese, Korean, Thai), "13a" for the rest."""
    sample = "".join(references[:1000])
    if len(_SYLLABLES.findall(sample)) > 0.1 * len(sample):
        return "char"
    return "zh" if len(_HAN.findall(sample)) > 0.1 * len(sample) else "13a"


def translation_scores(hypotheses: Sequence[str], references: Sequence[str], bootstrap: int) -> dict[str, Score]:
    """Corpus BLEU and chrF, 0 to 100, cased and detokenised, and the share of hypotheses equal to their reference.

    bootstrap: resamples for the 95 % intervals of BLEU and chrF (Koehn 2004); 0 for none.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        raise UserError('BLEU needs sacrebleu: pip install "attentionflow[text]"') from None
    scores = {}
    for name, metric in (("bleu", BLEU(tokenize=bleu_tokenizer(references))), ("chrf", CHRF())):
        found = metric.corpus_score(list(hypotheses), [list(references)], n_bootstrap=max(1, bootstrap))
        interval = (float(found._mean - found._ci), float(found._mean + found._ci)) if bootstrap else None
        scores[name] = Score(found.score, "", interval, str(metric.get_signature()))
    equal = sum(h == r for h, r in zip(hypotheses, references, strict=True))
    scores["exact_match"] = Score(equal / max(1, len(references)))
    return scores
