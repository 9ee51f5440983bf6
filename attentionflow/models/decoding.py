"""Beam search and sampling for any `Seq2Seq`, a whole batch at a time.

A hypothesis leaves the batch as soon as it is given up, so that each sentence has as many as are worth their time.
Letters: B sentences still open, N open hypotheses of all of them, W most hypotheses of a sentence, K candidates, V
vocabulary, T steps taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from attentionflow.attend import listener
from attentionflow.models.seq2seq import Seq2Seq


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
    threshold: float = math.inf,
    least: int = 0,
    no_repeat: int = 0,
) -> list[Hypothesis]:
    """The best hypothesis of every sentence; with `beams=1`, greedy decoding.

    source (B, S), source_mask (B, S) or None. limits (B,): most tokens of each sentence's hypothesis, end not counted,
    so that the answer does not depend on what shares the batch.
    Hypotheses are compared by log-probability / length^length_penalty, the end token counted (Wu et al. 2016 without
    their constants). An open one is given up once the best ended one beats it, length for length, since one that
    trails then seldom comes back; and once it is `threshold` nats behind the best open one (Freitag and Al-Onaizan
    2017, absolute threshold pruning). A sentence is finished when none is left.
    least: a hypothesis does not end before so many tokens. no_repeat: none has the same so many tokens in a row twice
    (Paulus et al. 2018, section 2.5); 0: it may.
    """
    device, count = source.device, len(source)
    if beams == 1:  # greedy ends where the end is likeliest, whatever a longer hypothesis might reach
        length_penalty = 0.0
    limits = limits.to(device)
    state = model.start(source, source_mask)
    owners = torch.arange(count, device=device)  # the sentence of each hypothesis, rising; each sentence's best first
    tokens, scores = torch.full((count,), start, device=device), torch.zeros(count, device=device)
    written = torch.empty((count, 0, 2), dtype=torch.long, device=device)  # each step's token, and the row it came from
    best = torch.full((count,), -torch.inf, device=device)  # normalised score of the best ended one of each sentence
    answers: list[Hypothesis] = [Hypothesis((), 0.0, False)] * count
    paths: list[list[int]] = [[]] * count

    def answer(sentences: Tensor, rows: Tensor, scores: Tensor, ended: bool) -> None:
        """Let what these rows have written be the answers of these sentences."""
        pages = written[rows].transpose(1, 2).tolist()
        facts = (t.tolist() for t in (sentences, rows, scores))
        for sentence, row, score, (text, path) in zip(*facts, pages, strict=True):
            answers[sentence] = Hypothesis(tuple(text), score, ended)
            paths[sentence] = [*path, row]

    position = 0
    while True:
        features, state = model.step(tokens, owners, position, state)
        barred = _barred(written[..., 0], end, least, no_repeat)
        spare = int((barred >= 0).sum(1).max()) if barred.shape[1] else 0  # so that as many are left
        logs, found = model.likeliest(features, owners, state, 2 * beams + spare)
        if spare:
            logs = logs.masked_fill((found[:, :, None] == barred[:, None]).any(-1), -torch.inf)
        sentences, place, sizes = owners.unique_consecutive(return_inverse=True, return_counts=True)
        firsts = sizes.cumsum(0) - sizes  # (B,) the row of each sentence's best
        board = logs.new_full((len(sentences), beams, logs.shape[1]), -torch.inf)  # (B, W, K)
        board[place, torch.arange(len(owners), device=device) - firsts[place]] = logs + scores[:, None]
        chosen, at = board.flatten(1).topk(min(2 * beams, board[0].numel()), dim=1)  # (B, K)
        # Where a sentence has fewer candidates, these are the first's, at no chance.
        parents = firsts[:, None] + torch.where(chosen > -torch.inf, at // board.shape[2], 0)
        picked = found[parents, at % board.shape[2]]
        ending = picked == end

        # Only an end among the best `beams` candidates counts, as one further down would have been pruned.
        value, at = torch.where(ending, chosen, -torch.inf)[:, :beams].max(dim=1)
        value /= float(position + 1) ** length_penalty
        better = (value > best[sentences]).nonzero()[:, 0]
        if len(better):
            best[sentences[better]] = value[better]
            answer(sentences[better], parents[better, at[better]], chosen[better, at[better]], ended=True)

        following, at = torch.where(ending, -torch.inf, chosen).topk(min(beams, chosen.shape[1]), dim=1)  # (B, W)
        # As if an open hypothesis ended with the next token at no cost.
        alive = following / float(position + 2) ** length_penalty > best[sentences, None]
        alive &= (position < limits[sentences])[:, None] & (following > following[:, :1] - threshold)
        cut = (~alive.any(1) & (best[sentences] == -torch.inf)).nonzero()[:, 0]  # at its limit, and none has ended
        if len(cut):
            answer(sentences[cut], firsts[cut], scores[firsts[cut]], ended=False)

        row, column = alive.nonzero().T
        if len(row) == 0:
            break
        at = at[row, column]
        parents, tokens, scores, owners = parents[row, at], picked[row, at], following[row, column], sentences[row]
        written = torch.cat((written[parents], torch.stack((tokens, parents), 1)[:, None]), dim=1)
        state = state.select(parents)
        position += 1
    _tell(paths)
    return answers


def _barred(written: Tensor, end: int, least: int, no_repeat: int) -> Tensor:
    """Tokens that may not come next in each hypothesis, (N, any), -1 where there is none. written (N, T): so far."""
    count, taken = written.shape
    barred = written.new_full((count, int(taken < least)), end)
    if 0 < no_repeat <= taken:
        rows = written.unfold(1, no_repeat, 1)  # (N, T - no_repeat + 1, no_repeat)
        again = (rows[..., :-1] == written[:, None, taken - no_repeat + 1 :]).all(-1)
        barred = torch.cat((barred, torch.where(again, rows[..., -1], -1)), dim=1)
    return barred


def _tell(paths: list[list[int]]) -> None:
    """Whoever records learns in which row of each step every answer was computed."""
    heard_by = listener.get()
    if heard_by is not None:
        rows = [torch.tensor(path) for path in paths]
        heard_by.follow(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1))


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
    least: int = 0,
    no_repeat: int = 0,
) -> list[Hypothesis]:
    """One hypothesis a sentence, each token drawn from softmax(logits / temperature).

    generators: one a sentence, so that a draw does not depend on what shares the batch. least, no_repeat: as in
    `beam_search`; what they bar is never drawn.
    """
    count, device = len(source), source.device
    state = model.start(source, source_mask)
    tokens, owners = torch.full((count,), start, device=device), torch.arange(count, device=device)
    drawn: list[list[int]] = [[] for _ in range(count)]
    scores, ended, left = [0.0] * count, [False] * count, set(range(count))
    for position in range(int(limits.max()) + 1):
        features, state = model.step(tokens, owners, position, state)
        logged = model.following(features, owners, state).cpu()
        logits = logged / temperature
        for row in sorted(left):
            barred = _barred(torch.tensor([drawn[row]], dtype=torch.long), end, least, no_repeat)
            logits[row, barred[barred >= 0]] = -torch.inf
            token = int(torch.multinomial(logits[row].softmax(-1), 1, generator=generators[row]))
            if token != end and position == limits[row]:  # cut off; at its limit a hypothesis may still end
                left.remove(row)
                continue
            scores[row] += logged[row, token].item()
            tokens[row] = token
            if token == end:
                ended[row] = True
                left.remove(row)
            else:
                drawn[row].append(token)
        if not left:
            break
    _tell([[row] * (len(text) + 1) for row, text in enumerate(drawn)])
    return [Hypothesis(tuple(drawn[row]), scores[row], ended[row]) for row in range(count)]
