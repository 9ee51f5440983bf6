"""Embeddings of the last few tokens together.

Letters: B batch, T time, N longest run of tokens, R rows of a table, D features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FACTORS = 1_000_003, 2_654_435_761  # of the hash; odd, so that no bit is lost
BITS = 15  # of the hash, the lowest, that are not used


class RecentTokens(nn.Module):
    """What stands at a position begins with what the last 2, 3 .. N tokens together have meant so far.

    Every run of n tokens that ends at the position has a vector of its own, found by a hash in a table of R rows, where
    few runs share one; the vectors of all n go side by side through a linear map. So the counts of an n-gram model are
    there to be learned at the price of a look-up, and the layers above need not spend themselves on spelling. The idea
    is that of hashed character n-grams (Clark et al. 2022, CANINE); different here: longer runs, each length with a
    table of its own.

    A long run is met again only where the text repeats itself, so its vector soon knows the training text by heart. In
    training therefore, at a share `shortened` of the positions, only the runs up to a length drawn at random are there:
    what comes is to be foreseen from shorter ones too, as with a long run that was never met.
    """

    def __init__(self, longest: int, rows: int, features: int, width: int, shortened: float = 0.0) -> None:
        super().__init__()
        if longest < 2:
            raise ValueError(f"runs have at least two tokens, got longest={longest}")
        self.longest, self.rows, self.shortened = longest, rows, shortened
        self.table = nn.Parameter(torch.randn((longest - 1) * rows, features) * 0.02)
        self.out = nn.Linear((longest - 1) * features, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (B, T): (B, T, D). Before the first of them stands token 0, as often as needed."""
        found = F.embedding(self.places(tokens), self.table)  # (B, T, N - 1, features)
        if self.training and self.shortened:
            count = self.longest - 1
            kept = torch.randint(count, tokens.shape, device=tokens.device)
            kept = kept.masked_fill(torch.rand(tokens.shape, device=tokens.device) >= self.shortened, count)
            found = found * (torch.arange(count, device=tokens.device) < kept[..., None])[..., None]
        return self.out(found.flatten(-2))

    def places(self, tokens: Tensor) -> Tensor:
        """(B, T, N - 1): row of the table for the runs of 2, 3 .. N tokens that end at each position."""
        found, hashed = [], tokens + 1
        for back in range(1, self.longest):
            before = F.pad(tokens, (back, 0))[:, : tokens.shape[1]]
            hashed = hashed * FACTORS[0] + before + 1
            found.append(((hashed * FACTORS[1]) >> BITS) % self.rows + (back - 1) * self.rows)
        return torch.stack(found, -1)
