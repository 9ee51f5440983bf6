"""Text that a language model writes, piece by piece, until a stop text or so many units.

Letters: B texts.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from attentionflow.attend import unheard
from attentionflow.models.language_model import LanguageModel, Writer, draw
from attentionflow.readers.units import FIRST, SPECIAL, Units


@dataclass(frozen=True)
class Piece:
    """What a step adds to a text: its row, the unit, its log-probability, the text that is now sure, whether it is the
    last of its row."""

    row: int
    unit: int
    score: float
    text: str
    last: bool


class Spelling:
    """Text out of units whose bytes need not be whole characters, held back as long as a stop text may be in it."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stops, self._held = stops, ""
        self.stopped = False

    def add(self, raw: bytes, last: bool) -> str:
        """What is sure after these bytes; all of it where they are the `last`, up to a stop text."""
        self._held += self._decoder.decode(raw, final=last)
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped, keep = True, min(found)
            sure, self._held = self._held[:keep], ""
            return sure
        keep = 0 if last else max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        sure, self._held = self._held[:cut], self._held[cut:]
        return sure


@torch.inference_mode()
def write(
    model: LanguageModel,
    units: Units,
    prompts: Sequence[np.ndarray],
    *,
    context: int,
    most: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    stops: Sequence[str],
    seeds: Sequence[int],
) -> Iterator[Piece]:
    """Write on after prompts of one length, each as it would be written alone.

    Unheard by a recording: what was written is scored again for it.
    """
    device = model.output.device
    texts = torch.from_numpy(np.stack(prompts).astype(np.int64)).to(device)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    spellings = [Spelling(stops) for _ in prompts]
    rows = list(range(len(prompts)))
    with unheard():
        writer = Writer(model, texts, FIRST, context, most)
    for step in range(most):
        with unheard():
            logs = writer.following()
            allowed = logs.clone()
            allowed[:, :SPECIAL] = -torch.inf  # what stands for no text is never written
            tokens = draw(allowed, temperature, top_k, top_p, [generators[row] for row in rows])
        scores = logs.gather(1, tokens[:, None])[:, 0].tolist()
        left = []
        for at, (row, unit, score) in enumerate(zip(rows, tokens.tolist(), scores, strict=True)):
            spelling = spellings[row]
            text = spelling.add(units.pieces[unit], step == most - 1)
            last = spelling.stopped or step == most - 1
            if not last:
                left.append(at)
            yield Piece(row, unit, score, text, last)
        if not left:
            return
        with unheard():
            if len(left) < len(rows):
                kept = torch.tensor(left, device=device)
                rows, tokens = [rows[i] for i in left], tokens[kept]
                writer.keep(kept)
            writer.write(tokens)


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text may be the beginning of the stop text."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
