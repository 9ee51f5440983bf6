"""Replies that a language model writes, token by token, each as it would be written alone.

Letters: B prompts, T tokens of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor

from attentionflow.attend import unheard
from attentionflow.models.language_model import LanguageModel, Writer, draw
from attentionflow.readers.vocabulary import END
from attentionflow.settings import Settings


@dataclass(frozen=True)
class Written:
    """tokens: of a reply, without its end. score: log-probability with its end. ended: False where it was cut off."""

    tokens: tuple[int, ...] = ()
    score: float = 0.0
    ended: bool = False


class DialogueOptions(Settings):
    limit: int = Field(60, ge=0, description="most tokens of a reply; 0: none is written, known ones are judged")
    temperature: float = Field(0.0, ge=0, description="of the draw of each token; 0 takes the likeliest")
    top_k: int | None = Field(None, ge=1, description="draw from so many of the likeliest tokens alone")
    top_p: float = Field(1.0, gt=0, le=1, description="draw from the fewest tokens that are so likely together")
    seed: int = Field(0, description="of the draws")


def write_replies(
    model: LanguageModel, prompts: Tensor, options: DialogueOptions, seeds: Sequence[int], barred: Sequence[int]
) -> list[Written]:
    """A reply to each prompt (B, T); seeds: one a prompt. barred: tokens that are never written."""
    tokens: list[list[int]] = [[] for _ in seeds]
    scores, ended = [0.0] * len(seeds), [False] * len(seeds)
    for rows, chosen, logs in steps(model, prompts, options, seeds, barred):
        for row, token, log in zip(rows, chosen, logs, strict=True):
            scores[row] += log
            ended[row] = token == END
            if token != END:
                tokens[row].append(token)
    return [Written(tuple(own), score, end) for own, score, end in zip(tokens, scores, ended, strict=True)]


@torch.inference_mode()
def steps(
    model: LanguageModel, prompts: Tensor, options: DialogueOptions, seeds: Sequence[int], barred: Sequence[int]
) -> Iterator[tuple[list[int], list[int], list[float]]]:
    """Step by step: which prompts are still open, the token that each goes on with, and its log-probability.

    After `limit` tokens nothing but an end is taken. Unheard by a recording: what is written is scored again for it.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    closed, rows = torch.tensor(barred, device=prompts.device), list(range(len(seeds)))
    with unheard():
        room = prompts.shape[1] + options.limit + 1
        writer = Writer(model, prompts[:, 1:], int(prompts[0, 0]), room, options.limit + 1)
    for step in range(options.limit + 1):
        with unheard():
            logs = writer.following()
            allowed = logs.index_fill(1, closed, -torch.inf)
            own = [generators[row] for row in rows]
            tokens = draw(allowed, options.temperature, options.top_k, options.top_p, own)
        chosen, scores = tokens.tolist(), logs.gather(1, tokens[:, None])[:, 0].tolist()
        if step == options.limit:
            at = [i for i, token in enumerate(chosen) if token == END]
            yield [rows[i] for i in at], [END] * len(at), [scores[i] for i in at]
            return
        yield rows, chosen, scores
        going = (tokens != END).nonzero()[:, 0]
        if len(going) == 0:
            return
        with unheard():
            if len(going) < len(rows):
                rows, tokens = [rows[i] for i in going.tolist()], tokens[going]
                writer.keep(going)
            writer.write(tokens)
