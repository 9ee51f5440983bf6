"""Joint decoding: the best texts of CTC, judged once more by the attention decoder (Watanabe et al. 2017).

Letters: B utterances, N hypotheses of all of them, S positions, U units of the longest, V units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attentionflow.attend import listener, unheard
from attentionflow.models.ctc import prefix_beams
from attentionflow.models.grammar import Grammar
from attentionflow.models.recogniser import Memory, Recogniser
from attentionflow.readers.vocabulary import END, PAD, SPECIAL, START

CANDIDATES = 20  # units that may continue a text at one position


@dataclass(frozen=True)
class Transcript:
    """units: ids without start and end. score: ctc_weight · log p of CTC + (1 - ctc_weight) · log p of the decoder."""

    units: tuple[int, ...]
    score: float


def transcribe(
    model: Recogniser,
    frames: Tensor,
    mask: Tensor | None,
    *,
    beams: int,
    ctc_weight: float,
    grammar: Grammar | None = None,
) -> list[Transcript]:
    """The best text of each utterance, frames (B, T, F), among the `beams` likeliest of CTC that `grammar` allows."""
    memory = model.encode(frames, mask)
    logs = model.units(memory).float()
    logs[..., PAD + 1 : len(SPECIAL)] = -torch.inf  # what is no part of a text; padding is the blank
    found = [
        prefix_beams(rows[:length], beams, CANDIDATES, grammar)
        for rows, length in zip(logs.cpu().numpy(), memory.lengths(), strict=True)
    ]
    owners = torch.tensor([row for row, texts in enumerate(found) for _ in texts], device=frames.device)
    texts = [text for ranked in found for text, _ in ranked]
    with unheard():
        written = unit_scores(model, memory.select(owners), texts).sum(1).tolist()
    scores = [ctc_weight * ctc for ranked in found for _, ctc in ranked]
    best: list[Transcript | None] = [None] * len(found)
    for owner, text, ctc, own in zip(owners.tolist(), texts, scores, written, strict=True):
        score = ctc + (1 - ctc_weight) * own
        if (kept := best[owner]) is None or score > kept.score:
            best[owner] = Transcript(text, score)
    chosen = [one for one in best if one is not None]
    if listener.get() is not None:  # who records hears the decoder write the answers, and nothing else
        unit_scores(model, memory, [one.units for one in chosen])
    return chosen


def unit_scores(model: Recogniser, memory: Memory, texts: Sequence[Sequence[int]]) -> Tensor:
    """Log-probability of each unit of each text and of its end by the decoder, (N, U + 1), 0 on padding."""
    written, answers, present = teacher_forced(texts)
    device = memory.states.device
    logs = model.decode(memory, written.to(device))
    scores = logs.gather(-1, answers.to(device)[..., None])[..., 0]
    return scores if present is None else scores * present.to(device)


def teacher_forced(texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor | None]:
    """What a decoder is given and what it is to answer, (N, U + 1), and where that is no padding; None: everywhere."""
    longest = max(map(len, texts)) + 1
    given, answers = torch.full((2, len(texts), longest), PAD).unbind()
    for row, text in enumerate(texts):
        units = torch.tensor(text, dtype=torch.long)
        given[row, 0], answers[row, len(text)] = START, END
        given[row, 1 : len(text) + 1], answers[row, : len(text)] = units, units
    lengths = torch.tensor([len(text) + 1 for text in texts])
    return given, answers, None if (lengths == longest).all() else torch.arange(longest) < lengths[:, None]
