"""The state of a run that is under way: all that going on to the same bit needs, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from attentionflow import _checkpoint
from attentionflow.errors import UserError


@dataclass
class Progressed:
    """Where the loop is; with the tensors and random states, all that resuming needs."""

    step: int = 0
    epoch: int = 0
    position: int = 0  # steps taken in this epoch
    best: float | None = None
    best_step: int = 0
    worse: int = 0  # validations since the best
    log_bytes: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)  # losses since the last line of the log
    counts: dict[str, int] = field(default_factory=dict)


def save_state(
    path: Path,
    accelerator: Accelerator,
    at: Progressed,
    parts: Mapping[str, Mapping[str, Tensor]],
    optimizer: torch.optim.Optimizer,
    notes: Sequence[str],
) -> None:
    """parts: sets of weights by name. All processes call it, since each has random states; the main one writes."""
    states = {"cpu": torch.get_rng_state()}
    if accelerator.device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(accelerator.device)
    shared = gather_object([states]) if accelerator.num_processes > 1 else [states]
    if not accelerator.is_main_process:
        return
    tensors = {f"random.{rank}.{kind}": state for rank, each in enumerate(shared) for kind, state in each.items()}
    for part, weights in parts.items():
        tensors |= {f"{part}.{name}": tensor for name, tensor in weights.items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    about = {"world": accelerator.num_processes, "notes": list(notes), "progressed": asdict(at)}
    _checkpoint.write_tensors(path, tensors, about)


def restore_state(
    path: Path, accelerator: Accelerator, parts: Sequence[str], optimizer: torch.optim.Optimizer
) -> tuple[Progressed, dict[str, dict[str, Tensor]]]:
    """Where the loop was, and the weights of each part; optimiser and random states are put back."""
    tensors, about = _checkpoint.read_tensors(path)
    if about["world"] != accelerator.num_processes:
        raise UserError(
            f"this run had {about['world']} processes, now there are {accelerator.num_processes}; "
            "start as many as before"
        )

    def under(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

    kept = optimizer.state_dict()
    for key, value in under("optimizer.").items():
        index, name = key.split(".")
        kept["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(kept)
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            # Fused optimisers walk through memory, so moments lie there as their weights do, such as channels last.
            if value.shape == parameter.shape and value.stride() != parameter.stride():
                values[name] = torch.empty_like(parameter).copy_(value)
    random = under(f"random.{accelerator.process_index}.")
    torch.set_rng_state(random["cpu"])
    if "cuda" in random:
        torch.cuda.set_rng_state(random["cuda"], accelerator.device)
    return Progressed(**about["progressed"]), {part: under(f"{part}.") for part in parts}
