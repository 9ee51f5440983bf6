"""Work that is cut into pieces, a core for each: on a CPU, threads that share a small operation wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")


def over_cores(work: Callable[[I], R], items: Sequence[I]) -> Iterator[R]:
    """`map(work, items)` in threads, as many as PyTorch may use here, each of which has PyTorch to itself.

    The caller's context variables, such as an open recording, are not seen by `work`. Where the caller stops early,
    what has not begun is not done.
    """
    threads = torch.get_num_threads()
    if min(threads, len(items)) < 2:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # else it would be 1 for every thread to come
