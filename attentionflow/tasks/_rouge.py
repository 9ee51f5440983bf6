"""ROUGE (Lin 2004): how much of a reference summary a summary holds, and the other way round.

English is split as the rouge-score package splits it, so the figures are its own; other languages by words, or by
characters where they are written without blanks, so that identical summaries score 1 in any of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numba
import numpy as np

from attentionflow.readers.vocabulary import WORD
from attentionflow.task import Score
from attentionflow.tasks._simple_summaries import utterances

RESAMPLES = 1000  # of the bootstrap
FOREIGN = 0.01  # share of letters outside ASCII from which texts are not taken for English
MEASURES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
_ENGLISH = re.compile(r"[a-z0-9]+")

Tokenizer = Callable[[str], list[str]]


def rouge_scores(hypotheses: Sequence[str], references: Sequence[str], intervals: bool) -> dict[str, Score]:
    """Mean F1 over all texts, 0 to 100; nothing is stemmed.

    rouge1, rouge2: single tokens, and pairs of neighbours. rougeL: the longest common subsequence of the whole texts.
    rougeLsum: summary level, the union of those of each sentence of the reference with each of the hypothesis, where
    the turns of a dialogue count as sentences. intervals: 95 % by the bootstrap over texts.
    """
    name, tokens = rouge_tokenizer(references)
    rows = [rouge(h, r, tokens) for h, r in zip(hypotheses, references, strict=True)]
    signature = f"F1, mean over texts, nrefs:1, case:lower, tok:{name}, stem:no"
    scores = {}
    for column, measure in enumerate(MEASURES):
        values = 100 * np.array([row[column] for row in rows])
        mean = float(values.mean()) if len(values) else 0.0
        interval = _interval(values) if intervals and len(values) else None
        split = ", split:sentences or turns" if measure == "rougeLsum" else ""
        scores[measure] = Score(mean, "", interval, signature + split)
    return scores


def rouge(hypothesis: str, reference: str, tokens: Tokenizer) -> tuple[float, float, float, float]:
    """F1 of each of MEASURES of one text, 0 to 1."""
    # Sentences first: a token never runs over the end of one.
    parts = [[tokens(part) for part in utterances(text)] for text in (hypothesis, reference)]
    one, other = ([token for part in side for token in part] for side in parts)
    pairs = [list(pairwise(side)) for side in (one, other)]
    sizes = len(one), len(other)
    return (
        _f1(_shared(one, other), *sizes),
        _f1(_shared(*pairs), len(pairs[0]), len(pairs[1])),
        _f1(len(common(one, other)), *sizes),
        _f1(_union(*parts), *sizes),
    )


def common(one: Sequence[str], other: Sequence[str]) -> list[int]:
    """Where in `other` the tokens of the longest common subsequence stand; the last of several."""
    codes = {token: code for code, token in enumerate(dict.fromkeys((*one, *other)))}
    first, second = (np.array([codes[token] for token in tokens], np.int64) for tokens in (one, other))
    return np.flatnonzero(_common(first, second)).tolist() if one and other else []


def _union(hypothesis: Sequence[Sequence[str]], reference: Sequence[Sequence[str]]) -> int:
    """Tokens of the reference in the union of its sentences' longest common subsequences with those of the hypothesis;
    each counts at most as often as it stands on both sides (as in ROUGE-1.5.5)."""
    left = Counter(token for part in hypothesis for token in part)
    left &= Counter(token for part in reference for token in part)
    hits = 0
    for sentence in reference:
        for at in sorted({at for part in hypothesis for at in common(part, sentence)}):
            if left[sentence[at]] > 0:
                left[sentence[at]] -= 1
                hits += 1
    return hits


def rouge_tokenizer(references: Sequence[str]) -> tuple[str, Tokenizer]:
    """The tokenizer for the language of these texts, by its name in a signature: "en" or "any"."""
    letters = [character for text in references[:1000] for character in text if character.isalpha()]
    foreign = sum(not character.isascii() for character in letters)
    return ("any", tokens_of_any_language) if foreign > FOREIGN * len(letters) else ("en", english_tokens)


def english_tokens(text: str) -> list[str]:
    """Lower-cased runs of a-z and 0-9, as rouge-score without a stemmer."""
    return _ENGLISH.findall(text.lower())


def tokens_of_any_language(text: str) -> list[str]:
    """Lower-cased words and figures, and the characters of scripts that are written without blanks; no punctuation."""
    return [word for word in WORD.findall(text.lower()) if any(map(str.isalnum, word))]


def _shared(one: Sequence[object], other: Sequence[object]) -> int:
    return (Counter(one) & Counter(other)).total()


def _f1(shared: int, hypothesis: int, reference: int) -> float:
    if shared == 0:
        return 0.0
    precision, recall = shared / hypothesis, shared / reference
    return 2 * precision * recall / (precision + recall)


def _interval(values: np.ndarray) -> tuple[float, float]:
    rows = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[rows].mean(1), (2.5, 97.5))
    return float(low), float(high)


@numba.njit(nogil=True, cache=True)
def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which of `other` are in the longest common subsequence, (len(other),) bool."""
    lengths = np.zeros((len(other) + 1, len(one) + 1), np.int64)
    for i in range(len(other)):
        for j in range(len(one)):
            if other[i] == one[j]:
                lengths[i + 1, j + 1] = lengths[i, j] + 1
            else:
                lengths[i + 1, j + 1] = max(lengths[i, j + 1], lengths[i + 1, j])
    chosen = np.zeros(len(other), np.bool_)
    i, j = len(other), len(one)
    while i > 0 and j > 0:
        if other[i - 1] == one[j - 1]:
            chosen[i - 1] = True
            i, j = i - 1, j - 1
        elif lengths[i, j - 1] > lengths[i - 1, j]:
            j -= 1
        else:
            i -= 1
    return chosen
