"""What decides a run, known and checked before any data is read: task, architecture, data, seed and every setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from attentionflow import _checkpoint
from attentionflow.datasets import DATASETS, dataset_module
from attentionflow.errors import UserError, nearest
from attentionflow.settings import Settings, origins, resolve
from attentionflow.task import Task
from attentionflow.tasks import load_task


class TrainingSettings(Settings):
    epochs: float = Field(20.0, gt=0, description="passes over the training examples; steps goes before it")
    steps: int | None = Field(None, ge=1, description="optimiser steps; --max-minutes sets it from a measurement")
    learning_rate: float = Field(1e-3, gt=0, description="at its peak")
    warmup: float = Field(0.05, ge=0, lt=1, description="share of the steps over which the rate rises from 0")
    weight_decay: float = Field(0.0, ge=0, description="of matrices, decoupled (AdamW)")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(
        0.998, ge=0, lt=1, description="decay of the moving average of the weights that is kept; 0: none"
    )
    evaluations: int = Field(20, ge=1, description="validations over the run, evenly spread")
    patience: int = Field(0, ge=0, description="stop after this many validations without a better one; 0: never")
    precision: Literal["no", "bf16", "fp16"] = Field(
        "no", description="mixed precision; bf16 also speeds up CPUs that compute it"
    )
    log_every: int = Field(50, ge=1, description="steps between two lines of the log")
    trackers: str = Field("", description="comma-separated experiment trackers of Accelerate, such as tensorboard")


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run, known before any data is read."""

    task: Task[Any, Any]
    architecture: str
    model: Settings
    training: TrainingSettings
    data: str
    seed: int
    origins: Mapping[str, str]

    def page(self) -> dict[str, Any]:
        parts = {"task": self.task.settings, "model": self.model, "training": self.training}
        return {
            "task": self.task.name,
            "architecture": self.architecture,
            "data": self.data,
            "seed": self.seed,
            "settings": {part: settings.model_dump(mode="json") for part, settings in parts.items()},
            "origins": dict(self.origins),
        }


def make_plan(
    task: str, data: str | Path | None, architecture: str | None, settings: Mapping[str, Any], seed: int
) -> Plan:
    """Settings from the architecture, the data set and the user, in this order, each checked."""
    kind = load_task(task)
    data = kind.embedded if data is None else str(data)
    architecture = _chosen(kind, architecture, settings)
    chosen = kind.architectures[architecture]
    advice = dataset_module(data).ADVICE.get(architecture, {}) if data in DATASETS else {}
    layers = {f"architecture {architecture}": chosen.training, f"data set {data}": advice, "given": settings}
    parts = _parts(kind, chosen.settings)
    made = resolve(parts, layers)
    return Plan(kind(made["task"]), architecture, made["model"], made["training"], data, seed, origins(parts, layers))


def _chosen(kind: type[Task[Any, Any]], architecture: str | None, settings: Mapping[str, Any]) -> str:
    """The architecture by its name, or the one that needs a setting that is given, or the first."""
    needing = {one.needs: name for name, one in kind.architectures.items() if one.needs}
    given = [name for name in needing if settings.get(name)]
    if architecture in (None, "default"):
        return needing[given[0]] if given else next(iter(kind.architectures))
    assert architecture is not None
    if architecture not in kind.architectures:
        hint = nearest(architecture, kind.architectures)
        raise UserError(f"{kind.name} has no architecture {architecture!r}; {hint}")
    needed = kind.architectures[architecture].needs
    if needed and needed not in given:
        raise UserError(f"the architecture {architecture} needs a setting: --set {needed}=...")
    if others := [name for name in given if name != needed]:
        raise UserError(f"{others[0]} is for the architecture {needing[others[0]]}, not for {architecture}")
    return architecture


def reopen(folder: Path, task: str) -> Plan:
    """The plan of a run that was begun."""
    page = _checkpoint.read_json(folder / _checkpoint.SETTINGS)
    kind = load_task(task)
    if page["task"] != kind.name:
        raise UserError(f"the run in {folder} is one of {page['task']}, not {task}")
    parts = _parts(kind, kind.architectures[page["architecture"]].settings)
    made = resolve(parts, {str(folder): {k: v for part in page["settings"].values() for k, v in part.items()}})
    return Plan(
        kind.load(made["task"], folder),
        page["architecture"],
        made["model"],
        made["training"],
        page["data"],
        page["seed"],
        page["origins"],
    )


def _parts(kind: type[Task[Any, Any]], model: type[Settings]) -> dict[str, type[Settings]]:
    return {"task": kind.settings_type, "model": model, "training": TrainingSettings}
