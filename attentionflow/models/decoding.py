"""Beam search and sampling for any `Seq2Seq`, a whole batch at a time.

A sentence leaves the batch as soon as it is finished, and the hypotheses of a sentence share its encoder memory.
Letters: B sentences still open, W hypotheses of a sentence, V vocabulary, T steps taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attentionflow.models.seq2seq import Seq2Seq

BLOCK = 64  # columns of the logits that are looked at together in the search for the largest


@dataclass(frozen=True)
class Hypothesis:
    """tokens: ids without start and end. score: log-probability with the end token, in nats, not normalised.
    ended: False where the limit cut it off."""

    tokens: tuple[int, ...]
    score: float
    ended: bool


@torch.inference_mode()
def beam_search(
    model: Seq2Seq,
    source: Tensor,
    source_mask: Tensor | None,
    *,
    start: int,
    end: int,
    limits: Tensor,
    beams: int = 5,
    length_penalty: float = 1.0,
) -> list[Hypothesis]:
    """The best hypothesis of every sentence; with `beams=1`, greedy decoding.

    source (B, S), source_mask (B, S) or None. limits (B,): most tokens of each sentence's hypothesis, end not counted,
    so that the answer does not depend on what shares the batch.
    Hypotheses are compared by log-probability / length^length_penalty, the end token counted (Wu et al. 2016 without
    their constants). A sentence stops once its best ended hypothesis beats, length for length, the best open one, since
    one that trails then seldom comes back.
    """
    device, count = source.device, len(source)
    if beams == 1:  # greedy ends where the end is likeliest, whatever a longer hypothesis might reach
        length_penalty = 0.0
    state = model.start(source, source_mask, beams)
    best: list[Hypothesis | None] = [None] * count
    open_ids = torch.arange(count)  # which sentence each row of the batch is
    limits = limits.to(device)
    tokens = torch.full((count, beams), start, device=device)
    history = torch.empty((count, beams, 0), dtype=torch.long, device=device)
    # All hypotheses start alike: only the first may branch.
    scores = torch.full((count, beams), -torch.inf, device=device)
    scores[:, 0] = 0.0
    ended_best = torch.full((count,), -torch.inf, device=device)  # normalised score of the best ended one
    ended_raw = torch.zeros(count, device=device)
    ended_tokens: list[Tensor | None] = [None] * count
    position = 0
    while True:
        logits, state = model.step(tokens, position, state)
        chosen, parents, picked = _extend(logits, scores, 2 * beams)
        ending = picked == end
        norm = float(position + 1) ** length_penalty

        # Only an end among the best `beams` candidates counts, as one further down would have been pruned.
        candidates = torch.where(ending, chosen, -torch.inf)[:, :beams] / norm
        value, index = candidates.max(dim=1)
        better = value > ended_best
        for row in better.nonzero()[:, 0].tolist():
            ended_tokens[row] = history[row, parents[row, index[row]]]
        ended_best = torch.where(better, value, ended_best)
        ended_raw = torch.where(better, chosen.gather(1, index[:, None])[:, 0], ended_raw)

        cut_tokens, cut_scores = history[:, 0], scores[:, 0]
        scores, order = torch.where(ending, -torch.inf, chosen).topk(beams, dim=1)
        parents, tokens = parents.gather(1, order), picked.gather(1, order)
        history = torch.cat((history.gather(1, parents[..., None].expand_as(history)), tokens[..., None]), dim=2)
        position += 1

        # As if the best open hypothesis ended now at no cost.
        promise = scores[:, 0] / float(position + 1) ** length_penalty
        done = (ended_best >= promise) | (position > limits)
        for row in done.nonzero()[:, 0].tolist():
            ended = ended_tokens[row]
            if ended is None:  # cut off by the limit: the best open one before this step, which is past the limit
                best[open_ids[row]] = Hypothesis(tuple(cut_tokens[row].tolist()), cut_scores[row].item(), False)
            else:
                best[open_ids[row]] = Hypothesis(tuple(ended.tolist()), ended_raw[row].item(), True)
        left = (~done).nonzero()[:, 0]
        if len(left) == 0:
            return [hypothesis for hypothesis in best if hypothesis is not None]
        rows = (parents + torch.arange(len(parents), device=device)[:, None] * beams)[left].flatten()
        state = state.keep(left, rows) if len(left) < len(done) else state.reorder(rows)
        if len(left) < len(done):
            open_ids = open_ids[left.cpu()]
            tokens, scores, history, limits = tokens[left], scores[left], history[left], limits[left]
            ended_best, ended_raw = ended_best[left], ended_raw[left]
            ended_tokens = [ended_tokens[row] for row in left.tolist()]


def _extend(logits: Tensor, scores: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` best continuations of each sentence: scores, parent beams and tokens, each (B, count)."""
    width = min(count, logits.shape[-1])
    # No continuation outside its own beam's best can be among the best.
    top, tokens = _topk(logits.log_softmax(-1), width)
    total = (top + scores[..., None]).flatten(1)
    chosen, index = total.topk(min(count, total.shape[1]), dim=1)
    return chosen, index // width, tokens.flatten(1).gather(1, index)


def _topk(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """`x.topk(count)`; a long row is cut into blocks, and only the `count` blocks with the largest maxima are searched,
    since no other can hold one of the largest."""
    blocks = x.shape[-1] // BLOCK
    if blocks < 2 * count:
        return x.topk(count)
    whole, rest = x[..., : blocks * BLOCK].unflatten(-1, (blocks, BLOCK)), x[..., blocks * BLOCK :]
    best = whole.amax(-1).topk(count).indices[..., None]
    inside = whole.gather(-2, best.expand(*best.shape[:-1], BLOCK)).flatten(-2)
    columns = (best * BLOCK + torch.arange(BLOCK, device=x.device)).flatten(-2)
    last = torch.arange(blocks * BLOCK, x.shape[-1], device=x.device).expand_as(rest)
    values, at = torch.cat((inside, rest), -1).topk(count)
    return values, torch.cat((columns, last), -1).gather(-1, at)


@torch.inference_mode()
def sample(
    model: Seq2Seq,
    source: Tensor,
    source_mask: Tensor | None,
    *,
    start: int,
    end: int,
    limits: Tensor,
    temperature: float = 1.0,
    generators: list[torch.Generator],
) -> list[Hypothesis]:
    """One hypothesis a sentence, each token drawn from softmax(logits / temperature).

    generators: one a sentence, so that a draw does not depend on what shares the batch.
    """
    count = len(source)
    state = model.start(source, source_mask, 1)
    tokens = torch.full((count, 1), start, device=source.device)
    drawn: list[list[int]] = [[] for _ in range(count)]
    scores, ended, left = [0.0] * count, [False] * count, set(range(count))
    for position in range(int(limits.max()) + 1):
        logits, state = model.step(tokens, position, state)
        logged = logits[:, 0].log_softmax(-1).cpu()
        chances = (logged / temperature).softmax(-1)
        for row in sorted(left):
            token = int(torch.multinomial(chances[row], 1, generator=generators[row]))
            if token != end and position == limits[row]:  # cut off; at its limit a hypothesis may still end
                left.remove(row)
                continue
            scores[row] += logged[row, token].item()
            tokens[row, 0] = token
            if token == end:
                ended[row] = True
                left.remove(row)
            else:
                drawn[row].append(token)
        if not left:
            break
    return [Hypothesis(tuple(drawn[row]), scores[row], ended[row]) for row in range(count)]
