"""Which letter each frame of a recording says, learned from nothing but the order of the letters.

Letters: B recordings, T frames, N letters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BLANK = -1.0  # score of no letter, before it is normalised with those of the letters


def diagonal_prior(frames: Tensor, letters: Tensor) -> Tensor:
    """(B, T, N) logarithms of how likely letter n is at frame t where nothing is heard yet, for counts (B,) of each.

    Beta-binomial with n = N - 1, alpha = t + 1, beta = T - t: broad in the middle, sharp at both ends (Badlani et al.
    2022, section 3.2). Beyond an utterance's own frames and letters the values mean nothing.
    """
    t = torch.arange(int(frames.max()), device=frames.device)[None, :, None]
    k = torch.arange(int(letters.max()), device=frames.device)[None, None]
    n = letters[:, None, None] - 1
    inside = (k <= n) & (t < frames[:, None, None])
    t, k = torch.where(inside, t, 0), torch.where(inside, k, 0)
    a, b = t + 1, frames[:, None, None] - t

    def log_beta(x: Tensor, y: Tensor) -> Tensor:
        return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)

    return log_beta(k + a, n - k + b) - log_beta(a, b) - log_beta(k + 1, n - k + 1) - torch.log(n + 1.0)


def forward_sum(logs: Tensor, frames: Sequence[int], letters: Sequence[int]) -> Tensor:
    """(B,) nats: less the likelier it is that the letters are heard in their order, over all ways to share the frames.

    logs (B, T, N): log-probability of each letter at each frame. CTC whose labels are the letters' own numbers, with a
    blank of score -1, as in Badlani et al. 2022, section 3.1.
    """
    labelled = F.pad(logs.float(), (1, 0), value=BLANK).log_softmax(-1).transpose(0, 1)
    targets = torch.arange(1, logs.shape[2] + 1).expand(len(logs), -1)
    counts = torch.tensor(frames), torch.tensor(letters)
    return F.ctc_loss(labelled, targets.to(logs.device), *counts, reduction="none", zero_infinity=True)


def best_durations(logs: np.ndarray) -> np.ndarray:
    """(N,) frames of each letter on the likeliest way from the first to the last that skips none (Viterbi).

    logs (T, N). With fewer frames than letters, the first ones have a frame each and the others none.
    """
    if len(logs) < logs.shape[1]:
        return (np.arange(logs.shape[1]) < len(logs)).astype(np.int64)
    return _search(np.ascontiguousarray(logs, np.float32))


@numba.njit(nogil=True, cache=True)
def _search(logs: np.ndarray) -> np.ndarray:
    frames, letters = logs.shape
    best = np.full(letters, -np.inf, np.float32)
    moved = np.zeros((frames, letters), np.bool_)  # whether the frame before said the letter before
    for t in range(frames):
        for n in range(min(t, letters - 1), -1, -1):
            stay, move = best[n], best[n - 1] if n else np.float32(0.0 if t == 0 else -np.inf)
            moved[t, n] = move > stay
            best[n] = max(stay, move) + logs[t, n]
    durations = np.zeros(letters, np.int64)
    n = letters - 1
    for t in range(frames - 1, -1, -1):
        durations[n] += 1
        if moved[t, n] and n:
            n -= 1
    return durations
