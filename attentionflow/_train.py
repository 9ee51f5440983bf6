"""The one training loop. It sees the contract of `task.py`, never a named task.

plan -> data -> model -> measure -> loop -> finish; a resumed run enters the loop where its state left it.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import gather_object, set_seed
from torch import Tensor, nn

from attentionflow import _checkpoint
from attentionflow._device import choose_device, keep_freed_memory
from attentionflow._evaluate import agree, predict_all, score_page
from attentionflow._model_card import model_card
from attentionflow._plan import Plan, TrainingSettings, make_plan, reopen
from attentionflow._predict import Run, load
from attentionflow._progress import Progress, Stopper
from attentionflow._state import Progressed, restore_state, save_state
from attentionflow.errors import UserError
from attentionflow.settings import listed
from attentionflow.task import Batch, Loss, Task

# Of the time given by --max-minutes, what reading, the last evaluation and a noisy machine may take.
SPARE = 0.05
SECONDS_BETWEEN_STATES = 60.0


class Objective(nn.Module):
    """The losses as a module's forward pass, so that wrappers for several processes see the whole of it."""

    def __init__(self, task: Task[Any, Any], model: nn.Module) -> None:
        super().__init__()
        self.task, self.model = task, model

    def forward(self, batch: Batch) -> dict[str, Loss]:
        return self.task.losses(self.model, batch)


def train(
    task: str,
    data: str | Path | None = None,
    *,
    out: str | Path,
    architecture: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    max_minutes: float | None = None,
    resume: bool = False,
    quiet: bool = False,
) -> Run:
    """Train a model and return it; everything it needs is then in the folder `out`.

    data: a named data set, a folder or a table; without, the task's embedded data set. settings: by name, see
    `attentionflow tasks NAME`. max_minutes: a measurement of the first batches is turned into a number of steps.
    resume: go on with the run in `out`, with its own settings.
    """
    folder = Path(out)
    if resume:
        given = {
            "data": data,
            "architecture": architecture,
            "settings": settings,
            "seed": seed,
            "max_minutes": max_minutes,
        }
        if named := [name for name, value in given.items() if value]:
            raise UserError(f"a resumed run keeps its own settings; leave out {', '.join(named)}")
        plan = reopen(folder, task)
    else:
        plan = make_plan(task, data, architecture, settings or {}, seed or 0)
    accelerator = _accelerator(plan.training, device, folder)
    keep_freed_memory()
    if accelerator.is_main_process and not resume:
        _checkpoint.new_folder(folder)
    accelerator.wait_for_everyone()
    trainer = Trainer(plan, accelerator, folder, quiet, resume, max_minutes)
    trainer.run()
    accelerator.end_training()
    return load(folder, device=device)


def _accelerator(training: TrainingSettings, device: str, folder: Path) -> Accelerator:
    chosen = choose_device(device)
    if chosen.index is not None:
        raise UserError(f"training picks its own {chosen.type} device; choose one with CUDA_VISIBLE_DEVICES")
    if PartialState().num_processes == 1:
        # Accelerate keeps device and precision for the whole process; another run in a notebook may want others.
        AcceleratorState._reset_state(reset_partial_state=True)
    trackers = listed(training.trackers)
    try:
        return Accelerator(
            cpu=chosen.type == "cpu", mixed_precision=training.precision, log_with=trackers or None, project_dir=folder
        )
    except ValueError as error:
        raise UserError(f"trackers={training.trackers}: {error}; pip install the tracker's package") from None


class Trainer:
    """One run. `run` reads from top to bottom; the rest are its steps."""

    def __init__(
        self,
        plan: Plan,
        accelerator: Accelerator,
        folder: Path,
        quiet: bool,
        resume: bool,
        max_minutes: float | None,
    ) -> None:
        self.plan, self.task, self.folder, self.resume = plan, plan.task, folder, resume
        self.training, self.max_minutes = plan.training, max_minutes
        self.accelerator, self.rank, self.world = accelerator, accelerator.process_index, accelerator.num_processes
        self.progress = Progress(quiet or not accelerator.is_main_process)
        self.at = Progressed()

    def run(self) -> None:
        self.read_data()
        self.build()
        if self.resume:
            self.restore()
        else:
            self.decide_steps()
            self.at = Progressed()  # what measuring counted is forgotten
            self.save_plan()
        with Stopper() as stopper, self.progress.bar(self.steps, self.at.step, self.task.unit):
            stopped = self.loop(stopper)
        self.finish()
        if stopped:
            raise KeyboardInterrupt

    def read_data(self) -> None:
        splits, notes = self.task.read(self.plan.data, self.plan.seed)
        if not self.resume:
            self.task.learn(splits["train"])
        self.examples = splits["val"]
        self.train, left_out = self.task.prepare(splits["train"], training=True)
        self.val, cut = self.task.prepare(self.examples, training=False)
        self.steps_per_epoch = len(list(self.groups(0)))
        if self.steps_per_epoch == 0:
            raise UserError(
                f"{self.plan.data} has no training example left; see: attentionflow data check {self.task.name}"
            )
        self.notes = [*notes, *left_out, *(f"val: {note}" for note in cut)]
        for note in self.notes:
            self.progress.say(f"note: {note}")

    def groups(self, epoch: int) -> Iterator[list[np.ndarray]]:
        """Each step's batches, one a process; the last group may be short."""
        batches = self.task.batches(self.train, self.plan.seed, epoch)
        for start in range(0, len(batches), self.world):
            yield batches[start : start + self.world]

    def build(self) -> None:
        set_seed(self.plan.seed)  # the same weights in every process ...
        self.model = self.task.build(self.plan.architecture, self.plan.model).to(self.accelerator.device)
        set_seed(self.plan.seed, device_specific=True)  # ... and its own dropout
        self.average = copy.deepcopy(self.model) if self.training.ema else self.model
        self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        decayed = [p for p in self.model.parameters() if p.dim() > 1]
        plain = [p for p in self.model.parameters() if p.dim() <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.training.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), fused=True)
        self.objective, self.optimizer = self.accelerator.prepare(Objective(self.task, self.model), optimizer)
        self.steps = self.training.steps or max(1, round(self.training.epochs * self.steps_per_epoch))

    def decide_steps(self) -> None:
        """Time a few batches, undo what they did, and say how long the run will take; with max_minutes, fit it in."""
        seconds = agree(self.measure())
        if self.max_minutes is not None:
            left = self.max_minutes * 60 * (1 - SPARE) - self.training.evaluations * seconds["validation"]
            self.steps = max(1, int(left / seconds["step"]))
            self.training = self.training.model_copy(update={"steps": self.steps})
            told = {**self.plan.origins, "steps": f"max_minutes={self.max_minutes:g}"}
            self.plan = replace(self.plan, training=self.training, origins=told)
        total = self.steps * seconds["step"] + self.training.evaluations * seconds["validation"]
        parameters = sum(p.numel() for p in self.model.parameters())
        self.progress.say(
            f"{self.plan.architecture} with {parameters:,} parameters on {self.accelerator.device}"
            f"{f', {self.world} processes' * (self.world > 1)}: {self.steps:,} steps, "
            f"{self.steps / self.steps_per_epoch:.1f} epochs, about {total / 60:.1f} minutes"
        )

    def measure(self) -> dict[str, float]:
        """Seconds of a step and of a validation, from a few batches. The model and random state stay as they were."""
        weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        groups = list(self.groups(0))
        chosen = [groups[i] for i in np.linspace(0, len(groups) - 1, min(len(groups), 24)).astype(int)]
        with torch.random.fork_rng():
            self.set_rate(0.0)
            step = math.inf
            for _ in range(2):  # the first round pays for allocations, and a stall spoils at most one
                started = time.perf_counter()
                for group in chosen:
                    self.optimise(group, 0)
                step = min(step, (time.perf_counter() - started) / len(chosen))
            batches = self.task.batches(self.val, 0, None)
            started = time.perf_counter()
            with torch.no_grad():
                self.model.eval()
                for indices in batches[:: max(1, len(batches) // 4)]:
                    self.task.losses(self.model, self.collate(self.val, indices, None))
            forward = (time.perf_counter() - started) / len(batches[:: max(1, len(batches) // 4)]) * len(batches)
        self.model.load_state_dict(weights)
        self.optimizer.state.clear()
        # Predicting costs several forward passes; four is what greedy decoding takes.
        return {"step": step, "validation": (1 + 4) * forward / self.world}

    def collate(self, prepared: Any, indices: np.ndarray, epoch: int | None) -> Batch:
        return self.task.collate(prepared, indices, self.plan.seed, epoch).to(self.accelerator.device)

    def set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def rate(self, step: int) -> float:
        """Linear from 0 to the peak over the warm-up, then linear to 0 at the last step."""
        warmup = max(1, round(self.training.warmup * self.steps))
        rising, falling = (step + 1) / warmup, (self.steps - step) / max(1, self.steps - warmup)
        return self.training.learning_rate * min(rising, falling, 1.0)

    def optimise(self, group: Sequence[np.ndarray], epoch: int) -> dict[str, int]:
        """One optimiser step over one batch a process; what each loss was a mean of, over all processes."""
        # A process without a batch of its own repeats the first at no weight, as all must take part in the step.
        own = group[self.rank] if self.rank < len(group) else group[0]
        share = float(self.rank < len(group))
        self.model.train()
        losses = self.objective(self.collate(self.train, own, epoch))
        counts = {name: int(loss.count * share) for name, loss in losses.items()}
        sums = {name: loss.total.detach() * share for name, loss in losses.items()}
        if self.world > 1:
            totals = self.accelerator.reduce(torch.tensor([*counts.values()], device=self.accelerator.device))
            counts = dict(zip(counts, totals.tolist(), strict=True))
            sums = {name: self.accelerator.reduce(value) for name, value in sums.items()}
        # Wrappers average gradients over processes; the mean over all examples needs their sum.
        scale = share * self.world
        total = torch.stack([scale * loss.total / max(1, counts[name]) for name, loss in losses.items()]).sum()
        self.accelerator.backward(total)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), self.training.clip)
        if not torch.isfinite(torch.as_tensor(norm)) and self.training.precision != "fp16":
            raise UserError(
                f"the loss is no longer a finite number at step {self.at.step}; lower learning_rate, "
                f"now {self.training.learning_rate:g}. The last state is kept in {self.folder}"
            )
        self.optimizer.step()
        self.optimizer.zero_grad()
        for name, value in sums.items():
            self.at.sums[name] = self.at.sums.get(name, 0.0) + value.item()
            self.at.counts[name] = self.at.counts.get(name, 0) + counts[name]
        return counts

    def loop(self, stopper: Stopper) -> bool:
        """Train until the steps, the patience or the user says stop; True where the user did."""
        self.accelerator.init_trackers("attentionflow", config=_flat(self.plan.page()["settings"]))
        every = max(1, self.steps // self.training.evaluations)
        clock = saved = time.monotonic()
        while self.at.step < self.steps:
            groups = list(self.groups(self.at.epoch))
            while self.at.position < len(groups) and self.at.step < self.steps:
                self.set_rate(self.rate(self.at.step))
                counts = self.optimise(groups[self.at.position], self.at.epoch)
                self.follow_average()
                self.at.step += 1
                self.at.position += 1
                now = time.monotonic()
                self.at.seconds, clock = self.at.seconds + now - clock, now
                self.progress.advance(max(counts.values()))  # losses may be of the same work
                last = self.at.step == self.steps
                if self.at.step % self.training.log_every == 0 or last:
                    self.write_losses()
                if self.at.step % every == 0 or last:
                    self.validate()
                    if self.training.patience and self.at.worse >= self.training.patience:
                        self.progress.say(f"no better {self.task.deciding} for {self.at.worse} validations: stopping")
                        return False
                stop, save = agree((stopper.stop, now - saved > SECONDS_BETWEEN_STATES))
                if stop or save or self.at.step % every == 0:
                    self.save_state()
                    saved = time.monotonic()
                if stop and not last:
                    return True
            self.at.epoch, self.at.position = self.at.epoch + 1, 0
        return False

    @torch.no_grad()
    def follow_average(self) -> None:
        """Move the average towards the weights, faster at the beginning."""
        if self.training.ema:
            decay = min(self.training.ema, (1 + self.at.step) / (10 + self.at.step))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
            for kept, now in zip(self.average.buffers(), self.model.buffers(), strict=True):
                kept.copy_(now)  # running statistics and the like are averages already

    def validate(self) -> None:
        """Score the averaged weights on the validation split and keep them if they are the best so far."""
        self.average.eval()
        predictions = predict_all(self.task, self.average, self.val, self.examples, self.task.validation_options)
        scores = self.task.metrics(predictions, self.examples, cheap=True)
        value = scores[self.task.deciding].value
        sign = 1 if self.task.higher_is_better else -1
        better = self.at.best is None or sign * value > sign * self.at.best
        if better:
            self.at.best, self.at.best_step, self.at.worse = value, self.at.step, 0
            self.best = {name: tensor.clone() for name, tensor in self.average.state_dict().items()}
        else:
            self.at.worse += 1
        self.log({f"val_{name}": score.value for name, score in scores.items()} | self.validation_losses())
        self.progress.validated(self.task.deciding, value, better)

    @torch.no_grad()
    def validation_losses(self) -> dict[str, float]:
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for indices in self.task.batches(self.val, 0, None)[self.rank :: self.world]:
            for name, loss in self.task.losses(self.average, self.collate(self.val, indices, None)).items():
                sums[name] = sums.get(name, 0.0) + loss.total.item()
                counts[name] = counts.get(name, 0) + loss.count
        shares = gather_object([(sums, counts)]) if self.world > 1 else [(sums, counts)]
        names = dict.fromkeys(name for share in shares for name in share[0])
        return {
            f"val_{name}": sum(s.get(name, 0.0) for s, _ in shares) / max(1, sum(c.get(name, 0) for _, c in shares))
            for name in names
        }

    def write_losses(self) -> None:
        means = {name: self.at.sums[name] / max(1, self.at.counts[name]) for name in self.at.sums}
        self.at.sums, self.at.counts = {}, {}
        self.log({**means, "learning_rate": self.rate(self.at.step - 1)})
        self.progress.show(means)

    def log(self, values: Mapping[str, float]) -> None:
        """One line of log.jsonl. No times in it: a resumed run must write the same lines."""
        line = json.dumps({"step": self.at.step, "epoch": self.at.epoch, **values}) + "\n"
        if self.accelerator.is_main_process:
            with (self.folder / _checkpoint.LOG).open("a", encoding="utf-8") as file:
                file.write(line)
        self.at.log_bytes += len(line.encode())
        self.accelerator.log(dict(values), step=self.at.step)

    def save_plan(self) -> None:
        if self.accelerator.is_main_process:
            self.task.save(self.folder)
            _checkpoint.write_json(self.folder / _checkpoint.SETTINGS, self.plan.page())
        self.save_state()

    def save_state(self) -> None:
        path = self.folder / _checkpoint.STATE
        save_state(path, self.accelerator, self.at, self.parts(), self.optimizer, self.notes)

    def parts(self) -> dict[str, Mapping[str, Tensor]]:
        average = {"average": self.average.state_dict()} if self.training.ema else {}
        return {"model": self.model.state_dict(), "best": self.best, **average}

    def restore(self) -> None:
        """Put weights, optimiser, random states and place in the data back to where the state was saved."""
        path = self.folder / _checkpoint.STATE
        self.at, weights = restore_state(path, self.accelerator, list(self.parts()), self.optimizer)
        self.model.load_state_dict(weights["model"])
        self.best = {name: t.to(self.accelerator.device) for name, t in weights["best"].items()}
        if self.training.ema:
            self.average.load_state_dict(weights["average"])
        if self.accelerator.is_main_process:
            log = self.folder / _checkpoint.LOG
            log.touch()
            with log.open("r+b") as file:
                file.truncate(self.at.log_bytes)
        self.progress.say(f"resumed at step {self.at.step:,} of {self.steps:,}")

    def finish(self) -> None:
        """Calibrate and score the best weights on the validation split in full, and write the model and its card."""
        if self.at.best is None:  # stopped before the first validation: the weights as they are
            self.best = {name: tensor.clone() for name, tensor in self.average.state_dict().items()}
        self.average.load_state_dict(self.best)
        self.average.eval()
        options = self.task.options_type()
        predictions = predict_all(self.task, self.average, self.val, self.examples, options)
        if self.task.calibrate(self.average, predictions, self.examples):
            predictions = predict_all(self.task, self.average, self.val, self.examples, options)
        for remark in self.task.remarks:
            self.progress.say(f"note: {remark}")
        scores = self.task.metrics(predictions, self.examples, cheap=False)
        for note in self.task.conclude(self.average, self.examples):
            self.notes.append(note)
            self.progress.say(f"note: {note}")
        if self.accelerator.is_main_process:
            _checkpoint.write_tensors(self.folder / _checkpoint.MODEL, self.average.state_dict())
            page = {
                "val": {"metrics": score_page(scores), "examples": len(self.examples), "chosen_step": self.at.best_step}
            }
            _checkpoint.write_json(self.folder / _checkpoint.METRICS, page)
            notes = [*self.notes, *self.task.remarks]
            card = model_card(self.plan.page(), self.task, page, notes, self.at.step, self.steps, self.at.seconds)
            _checkpoint.write(self.folder / _checkpoint.CARD, lambda path: path.write_text(card, encoding="utf-8"))
            learned = self.task.save(self.folder)
            _checkpoint.seal(self.folder, [_checkpoint.SETTINGS, _checkpoint.MODEL, *learned])
        self.accelerator.wait_for_everyone()


def _flat(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Settings of all parts in one mapping, as trackers want them."""
    return {k: v for part in settings.values() for k, v in part.items() if isinstance(v, int | float | str | bool)}
