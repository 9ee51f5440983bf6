"""A language model of dialogues that also tells which reply fits a history.

Letters: B batch, N histories, R replies, L tokens of a reply, D features of the language model, E of a match, V
vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attentionflow.models.language_model import LanguageModel
from attentionflow.nn.dropout import Dropout


class Replier(nn.Module):
    """score(history, reply) = e^a · cos(b(history) + W f, b(reply) + g(b(reply))), f the features of the token that
    ends the history, b(x) the sum of the embeddings of the tokens of x over the root of their number.

    A dual encoder (Henderson et al. 2017, "Efficient natural language response suggestion", whose b and in-batch
    negatives these are). Different here: the history goes through the language model too, and the sums share their
    embeddings, so that what has words in common fits from the start, and which words count is learned.
    """

    def __init__(self, language: LanguageModel, width: int, dropout: float) -> None:
        super().__init__()
        vocabulary, features = language.output.shape
        self.language = language
        self.tokens = nn.Parameter(torch.randn(vocabulary, width) * width**-0.5)
        self.history = nn.Linear(features, width)
        last = nn.Linear(2 * width, width)
        self.reply = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), Dropout(dropout), last)
        self.sharpness = nn.Parameter(torch.tensor(2.5))
        for part in (self.history, last):  # at first nothing but the sums of embeddings counts
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)

    def scores(self, tokens: Tensor, features: Tensor, ends: Tensor, replies: Tensor, present: Tensor) -> Tensor:
        """(N, R) of each reply to each history.

        tokens (B, T) of dialogues, their features (B, T, D); ends (N,): the last token of each history, among all B·T.
        replies (R, L), whatever stands where nothing is present (R, L).
        """
        counts = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)[:, None]
        bags = F.embedding(tokens, self.tokens).cumsum(1) / counts.sqrt()
        histories = bags.flatten(0, 1)[ends] + self.history(features.flatten(0, 1)[ends])
        there = present[..., None].to(bags)
        bag = (F.embedding(replies, self.tokens) * there).sum(1) / there.sum(1).clamp_min(1).sqrt()
        fitting = F.normalize(histories, dim=-1) @ F.normalize(bag + self.reply(bag), dim=-1).T
        return fitting * self.sharpness.exp()


def mismatch(scores: Tensor) -> Tensor:
    """Sum of -log softmax of the right reply's score, the first of each row (N, C) that `among` or `others` gives."""
    return (scores.logsumexp(1) - scores[:, 0]).sum()


def among(scores: Tensor, choices: Tensor) -> Tensor:
    """(N, C) of scores (N, R); choices (N, C): which replies, the right one first, -1 for none: there -inf."""
    return scores.gather(1, choices.clamp_min(0)).masked_fill(choices < 0, -torch.inf)


def others(scores: Tensor, replies: Tensor, present: Tensor, dialogues: Tensor) -> Tensor:
    """(N, 1 + N) of scores (N, N), where history i goes with reply i: its own, and those of all other dialogues.

    dialogues (N,): which dialogue each is of. Turns of the same one are no candidates, since its history holds or
    resembles them; nor is an equal reply.
    """
    kinds = replies.masked_fill(~present, -1).unique(dim=0, return_inverse=True)[1]
    alike = (kinds[:, None] == kinds) | (dialogues[:, None] == dialogues)
    return torch.cat((scores.diagonal()[:, None], scores.masked_fill(alike, -torch.inf)), 1)
