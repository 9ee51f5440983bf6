"""Which device to compute on."""

from __future__ import annotations

import torch

from attentionflow.errors import UserError


def choose_device(name: str) -> torch.device:
    """ "auto" is CUDA, else Apple's MPS, else the CPU; anything else as torch names it."""
    if name == "auto":
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        there = torch.accelerator.current_accelerator(check_available=True)
        raise UserError(
            f"device {name!r} cannot be used here ({error}); there is cpu{f', {there}' * bool(there)}"
        ) from None
    return device
