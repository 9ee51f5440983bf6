"""Which device to compute on."""

from __future__ import annotations

import ctypes

import torch

from attentionflow.errors import UserError

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


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


def keep_freed_memory() -> None:
    """Let the C library keep the memory that it frees for the next request, instead of handing it back to the system.

    Training frees and asks for the same large blocks at every step; with glibc's defaults each of them is mapped anew,
    and the page faults cost a tenth of a CPU step. Other C libraries are left alone.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 25)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
