"""Location-aware attention (Chorowski et al. 2015, section 2.2), which knows where it looked one step before.

Letters: B batch, K keys, D features, A attention width, C channels of the convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attentionflow.attend import Place, weigh


class LocationAttention(nn.Module):
    """score_j = vᵀ tanh(W q + U k_j + L f_j + b), f = convolution of the weights of the step before. One head.

    The paper's, with a softmax that is neither sharpened nor smoothed.
    """

    def __init__(
        self, query_width: int, key_width: int, width: int, place: Place, *, channels: int = 10, kernel: int = 21
    ) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"the kernel must be odd, got {kernel}")
        self.place = place
        self.query = nn.Linear(query_width, width, bias=False)
        self.key = nn.Linear(key_width, width)
        self.convolution = nn.Conv1d(1, channels, kernel, padding=kernel // 2, bias=False)
        self.location = nn.Linear(channels, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def remember(self, memory: Tensor) -> Tensor:
        """U k + b (B, K, A) of a memory (B, K, D), to be computed once a sequence."""
        return self.key(memory)

    def forward(
        self, query: Tensor, memory: Tensor, keys: Tensor, before: Tensor, mask: Tensor | None = None, step: int = 0
    ) -> tuple[Tensor, Tensor]:
        """query (B, D), memory (B, K, D), keys of `remember`, mask (B, K) True where present: context (B, D), weights.

        before: the weights (B, K) of the step before, zeros at the first.
        """
        located = self.location(self.convolution(before[:, None]).transpose(1, 2))  # (B, K, A)
        scores = self.score(torch.tanh(self.query(query)[:, None] + keys + located))  # (B, K, 1)
        seen = None if mask is None else mask[:, None, None]
        weights = weigh(self, scores[:, None, None, :, 0], mask=seen, step=step)[:, 0]  # (B, 1, K)
        return (weights @ memory)[:, 0], weights[:, 0]
