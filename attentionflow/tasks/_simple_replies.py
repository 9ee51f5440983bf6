"""Simple methods for dialogue: guessing, and the strongest ones without a network.

Letters: n examples, C candidates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from attentionflow.models.ngrams import NgramModel
from attentionflow.readers.dialogues import Exchange, dialogues_of
from attentionflow.readers.pairs import Pair
from attentionflow.tasks._dialogue_scores import Reply
from attentionflow.tasks._dialogue_tokens import DialogueTokens, Encoded
from attentionflow.tasks._nearest import NearestTarget, WordWeights, cosine

LONGEST = 4  # tokens of an n-gram


def simple_replies(
    train: Sequence[Exchange], test: Sequence[Exchange], tokens: DialogueTokens, seed: int
) -> dict[str, list[Reply]]:
    """Guessing: the commonest reply, how often tokens occur, any candidate. And the reply to the most similar turn of
    training, an n-gram model, the candidate that has most in common with the history by TF-IDF."""
    learned = [text for text in _replies(train) if text]
    known, _ = tokens.for_answers(test, seed)
    rows, _ = tokens.for_training(train, None)
    ids = np.concatenate(rows.rows)
    choices = known.choices if known.choices is not None else np.zeros((0, 0))
    among = [0 if one.reply is None else int((choices[i] >= 0).sum()) for i, one in enumerate(test)]
    commonest = Counter(learned).most_common(1)[0][0] if learned else ""
    pairs = [
        Pair(a.text, b.text, "")
        for dialogue in dialogues_of(train)
        for a, b in zip(dialogue.turns, dialogue.turns[1:], strict=False)
        if b.text
    ]
    nearest = NearestTarget(pairs or [Pair("", commonest, "")])
    recalled = [nearest(one.history[-1].text if one.history else "") for one in test]
    guessed = [1 / count if count else None for count in among]
    columns = {
        "guessing": ([commonest] * len(test), _nats(NgramModel.learn(ids, len(tokens), 1), known), guessed),
        "similar turn, n-grams, words in common": (
            recalled,
            _nats(NgramModel.learn(ids, len(tokens), LONGEST), known),
            _ranked_first(train, test, known),
        ),
    }
    return {
        name: [Reply(*facts) for facts in zip(texts, nats, first, among, strict=True)]
        for name, (texts, nats, first) in columns.items()
    }


def _replies(examples: Sequence[Exchange]) -> list[str]:
    return [turn.text for one in dialogues_of(examples) for turn in one.turns[1:]]


def _nats(model: NgramModel, known: Encoded) -> list[float | None]:
    """Of each right reply, with its end, after its row so far."""
    surprise = [model.surprise(row) for row in known.rows]
    return [
        float(surprise[item.row][item.replies[0][0] + 1 : item.replies[0][1] + 1].sum()) if item.replies else None
        for item in known.items
    ]


def _ranked_first(train: Sequence[Exchange], test: Sequence[Exchange], tokens: Encoded) -> list[float | None]:
    """How likely the right reply is ranked first by its cosine with the whole history."""
    weights = WordWeights([turn.text for one in dialogues_of(train) for turn in one.turns])
    pool = [weights(text) for text in dict.fromkeys(one.reply for one in test if one.reply is not None)]
    found: list[float | None] = []
    for one, row in zip(test, tokens.choices if tokens.choices is not None else [], strict=True):
        if one.reply is None:
            found.append(None)
            continue
        history = weights("\n".join(turn.text for turn in one.history))
        scores = np.array([cosine(pool[at], history) for at in row[row >= 0]])
        found.append(0.0 if (scores > scores[0]).any() else 1 / int((scores == scores[0]).sum()))
    return found
