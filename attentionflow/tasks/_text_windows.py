"""Windows over running text, which a language model reads at once.

Letters: W windows, L positions of the longest, M texts, R reduced inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from attentionflow.models.language_model import LanguageModel, begins
from attentionflow.readers.units import FIRST, UNKNOWN
from attentionflow.records import Fold
from attentionflow.tasks._text_encoding import Encoded


@dataclass(frozen=True)
class Windows:
    """What a model reads, and which of its answers count.

    tokens: (W, L), FIRST and then units; answers: (W, L), the units after them; present: (W, L), the answers that
    count. texts: (W,) which text each is of; begin: (W,) its unit that comes after FIRST; lengths: (W,) positions.
    """

    tokens: Tensor
    answers: Tensor
    present: Tensor
    texts: np.ndarray
    begin: np.ndarray
    lengths: np.ndarray

    def answered(self, model: LanguageModel) -> Tensor:
        """Log-probability of each answer that counts, (W, L), 0 elsewhere; in a pass that a recording hears."""
        tokens, answers, present = (t.to(model.output.device) for t in (self.tokens, self.answers, self.present))
        return model.answered(tokens, answers, present, self.fold())

    def reduced(self, model: LanguageModel, kept: np.ndarray) -> Tensor:
        """The same, summed over all windows of a text (R,), where it is hidden which units stood at the positions that
        are not kept (R, n): FIRST, which always stays, and then units."""
        at, device = np.arange(self.tokens.shape[1]), model.output.device
        places = np.where(at == 0, 0, np.minimum(self.begin[:, None] + at, kept.shape[1] - 1))  # (W, L)
        hidden = torch.from_numpy(~kept[:, places] & (at > 0))  # (R, W, L)
        tokens = torch.where(hidden, UNKNOWN, self.tokens).flatten(0, 1).to(device)
        answers, present = (t.repeat(len(kept), 1).to(device) for t in (self.answers, self.present))
        return model.answered(tokens, answers, present).view(len(kept), -1).sum(1)

    def fold(self) -> Fold | None:
        """The map back onto the texts, position 0 of each being FIRST; None where each text is one window.

        A position is read again where a window begins with the last half of the one before: its row is that of the
        first window that has it.
        """
        if len(np.unique(self.texts)) == len(self.texts):
            return None
        at = np.arange(self.tokens.shape[1])
        there = at < self.lengths[:, None]
        keys = np.where(there, np.where(at == 0, 0, self.begin[:, None] + at), -1)
        seen = np.zeros(len(self.texts), int)  # up to which position rows are there already
        for i in range(1, len(seen)):
            if self.texts[i] == self.texts[i - 1]:
                seen[i] = self.begin[i - 1] + self.lengths[i - 1]
        return Fold(self.texts, np.where(keys >= seen[:, None], keys, -1), keys)


def cut_windows(texts: Sequence[np.ndarray], behind: Sequence[int], context: int) -> Windows:
    """Windows of at most `context` positions over texts, so that every unit after the first `behind` is foreseen once,
    from what a model that writes it would look at: see `Writer`."""
    cuts: list[tuple[int, int, int, int]] = []  # text, begin, first that counts, end
    for number, (text, first) in enumerate(zip(texts, behind, strict=True)):
        begin = begins(first, context)
        while first < len(text):
            end = min(len(text), begin + context)
            cuts.append((number, begin, first, end))
            first, begin = end, end - context // 2
    length = max((end - begin for _, begin, _, end in cuts), default=1)
    answers = np.full((len(cuts), length), FIRST, np.int64)
    present = np.zeros((len(cuts), length), bool)
    for row, (number, begin, first, end) in enumerate(cuts):
        answers[row, : end - begin] = texts[number][begin:end]
        present[row, first - begin : end - begin] = True
    facts = np.array(cuts, int).reshape(-1, 4)
    return Windows(
        _shifted(answers),
        torch.from_numpy(answers),
        torch.from_numpy(present),
        facts[:, 0],
        facts[:, 1],
        facts[:, 3] - facts[:, 1],
    )


def training_tensors(
    prepared: Encoded, indices: np.ndarray, context: int, masked: float, seed: int, epoch: int
) -> tuple[int, dict[str, Tensor | None]]:
    """Windows of a running text, all of which lie a few units further on or back, as far as there is text; a share
    `masked` of the units that they show are hidden. How many units there are to foresee, and the tensors."""
    length = min(context, len(prepared.ids))
    shift = int(np.random.default_rng((seed, epoch)).integers(-length // 2, length // 2 + 1))
    starts = np.clip(prepared.starts[indices] + shift, 0, len(prepared.ids) - length)
    places = starts[:, None] + np.arange(length)
    answers = prepared.ids[places].astype(np.int64)
    draws = np.stack([np.random.default_rng((seed, epoch, i)).random(length) for i in indices])
    draws[:, 0] = 1  # what every window begins with is never hidden
    tokens = _shifted(answers).masked_fill(torch.from_numpy(draws < masked), UNKNOWN)
    chances, reach = (
        (None, None) if prepared.counted is None else (torch.from_numpy(c[places]) for c in prepared.counted)
    )
    given = {"tokens": tokens, "answers": torch.from_numpy(answers), "present": None}
    return answers.size, {**given, "chances": chances, "reach": reach}


def _shifted(answers: np.ndarray) -> Tensor:
    """What is read when these are the answers."""
    return torch.from_numpy(np.concatenate([np.full((len(answers), 1), FIRST), answers[:, :-1]], 1))
