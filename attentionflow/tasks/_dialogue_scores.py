"""What a reply is, and the scores of a set of replies.

Letters: n examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attentionflow.errors import UserError
from attentionflow.readers.vocabulary import WORD
from attentionflow.task import Score
from attentionflow.tasks._text_scores import bleu_tokenizer

RESAMPLES = 1000
WORDS = "words: runs of letters or of figures, punctuation marks, Chinese characters one by one"


@dataclass(frozen=True)
class Reply:
    """text: what is replied; None where nothing was to be written.

    Where the right reply is known: nats: its surprise, with its end; first: how likely it is ranked first of the
    candidates, of which there are `among`, where ties are broken at random.
    """

    text: str | None
    nats: float | None = None
    first: float | None = None
    among: int = 0

    def __str__(self) -> str:
        return self.text or ""

    def to_json(self) -> str | None:
        return self.text


def words(text: str) -> list[str]:
    return WORD.findall(text)


def reply_scores(replies: Sequence[Reply], references: Sequence[str | None], cheap: bool) -> dict[str, Score]:
    """Word perplexity and recall of the replies that are known, and BLEU and distinct of those that were written.

    word_perplexity: e^(nats of all right replies / words of them), the end of a reply counted as a word.
    recall_at_1_of_10: share of right replies that fit their history best, of ten; expected where several fit alike.
    distinct: different n-grams of words over all n-grams of all replies, lower case (Li et al. 2016).
    exact_match: share of replies that are the right one, word for word.
    """
    known = [(one, text) for one, text in zip(replies, references, strict=True) if text is not None]
    if not known:
        raise UserError("no reply of these dialogues is known, so there is nothing to score")
    nats = np.array([one.nats for one, _ in known], float)
    counts = np.array([len(words(text)) + 1 for _, text in known], float)
    first = np.array([one.first for one, _ in known], float)
    sizes = {one.among for one, _ in known}
    scores = {
        "word_perplexity": Score(
            float(np.exp(nats.sum() / counts.sum())),
            interval=None if cheap else _interval(nats, counts, exponential=True),
            signature=f"{WORDS}, and the end of each reply",
        ),
        "recall_at_1_of_10": Score(
            float(first.mean()),
            interval=None if cheap else _interval(first, np.ones_like(first)),
            signature="the right reply and 9 other right replies of the set at random"
            + ("" if sizes == {10} else f"; there were {min(sizes)} to {max(sizes)} candidates"),
        ),
    }
    if all(one.text is not None for one, _ in known):
        written, right = [one.text or "" for one, _ in known], [text for _, text in known]
        scores |= bleu_scores(written, right) | {f"distinct{n}": distinct(written, n) for n in (1, 2)}
        scores["exact_match"] = Score(float(np.mean([a == b for a, b in zip(written, right, strict=True)])))
    return scores


def bleu_scores(written: Sequence[str], references: Sequence[str]) -> dict[str, Score]:
    """Corpus BLEU of 1-grams, and of 1- and 2-grams, 0 to 100, by sacrebleu (Post 2018)."""
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise UserError('BLEU needs sacrebleu: pip install "attentionflow[text]"') from None
    scores = {}
    for n in (1, 2):
        metric = BLEU(max_ngram_order=n, tokenize=bleu_tokenizer(references), force=True)  # tokenised or not, as given
        found = metric.corpus_score(list(written), [list(references)])
        scores[f"bleu{n}"] = Score(found.score, signature=f"corpus BLEU|max n:{n}|{metric.get_signature()}")
    return scores


def distinct(written: Sequence[str], n: int) -> Score:
    grams = [gram for text in written for gram in zip(*(words(text.lower())[i:] for i in range(n)), strict=False)]
    signature = f"different {n}-grams of words over all of all replies, lower case"
    return Score(len(set(grams)) / max(1, len(grams)), signature=signature)


def _interval(tops: np.ndarray, bottoms: np.ndarray, exponential: bool = False) -> tuple[float, float]:
    """95 % interval of a ratio of sums, by resampling the examples."""
    draw = np.random.default_rng(0)
    picks = (draw.integers(0, len(tops), len(tops)) for _ in range(RESAMPLES))
    ratios = np.array([tops[at].sum() / bottoms[at].sum() for at in picks])
    low, high = np.percentile(np.exp(ratios) if exponential else ratios, (2.5, 97.5))
    return float(low), float(high)
