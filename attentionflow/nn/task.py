"""Task attention: which places of what all tasks share each task reads (Liu et al. 2019).

Letters: B batch, T tasks, P places, D features.
"""

from __future__ import annotations

from torch import Tensor, nn

from attentionflow.attend import Place, gate


class TaskAttention(nn.Module):
    """Gates g_t = σ(W x + b)_t a task and place; out_t = Σ_p g_tp x_p / Σ_p g_tp.

    Liu et al. 2019 (MTAN) gate every channel of several layers; here a place has one gate a task, so that the gates are
    a picture of what the task reads, and the places are averaged by them. Training begins near the mean of all places.
    """

    def __init__(self, width: int, tasks: int, place: Place) -> None:
        super().__init__()
        self.place = place
        self.score = nn.Linear(width, tasks)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, P, D): (B, T, D)."""
        gates = gate(self, self.score(x).sigmoid().transpose(1, 2)[:, None])[:, 0]  # of (B, 1, T, P)
        return gates @ x / gates.sum(-1, keepdim=True)
