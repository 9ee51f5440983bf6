"""Does a picture of relevance show what the model goes by? The model is asked again with parts of the input left out.

Each method orders the positions of an input. Without those that it puts first, the answer should become unlikely; from
those alone, it should stay likely. Every figure stands beside that of random orders of the same inputs, and each method
is also tried on the same model with its weights shuffled, where relevance that shows what was learned must change.

Letters: R reduced inputs, n positions, O orders, K sizes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import nn

from attentionflow import _measures as measures
from attentionflow._faithful_report import ALONE, RANDOM, Faithfulness, Verdict, answer, remarks, summary
from attentionflow._predict import Run, load, record_predictions
from attentionflow.errors import UserError
from attentionflow.flows import FLOWS, flow, load_flow
from attentionflow.human.statistics import spearman
from attentionflow.records import AttentionRecord, Axis, Relevance
from attentionflow.task import Prediction

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)  # those of ERASER (DeYoung et al. 2020)
CURVES = 4  # so many of the random orders get deletion and insertion curves
FEWEST_DRAWS = 20  # random orders with fewer of which no picture can be among the best 5 %
POSITIONS = 4096  # of the reduced inputs that are scored together


class Case(Protocol):
    """One input and the answer given to it."""

    @property
    def where(self) -> str: ...

    def record(self, model: nn.Module) -> AttentionRecord:
        """The attention behind this answer in the model or another of its kind, with gradients of the answer's score.

        The record's target is the row that the answer is read from; None where it is read from all.
        """

    def score(self, kept: np.ndarray) -> np.ndarray:
        """p of this answer (R,) with the positions `kept` (R, n) alone; what is no part of the input always stays."""


class Subject(Protocol):
    """A model that answers. meaning: what p is, in words."""

    model: nn.Module
    meaning: str

    def cases(self, examples: Sequence[Any]) -> tuple[Sequence[Case], list[str]]:
        """One case an example, in order, and notes on what was cut."""


@dataclass(frozen=True)
class RunCase:
    """A prediction of a run, scored again by `Task.rescore`."""

    run: Run
    example: Any
    prediction: Prediction

    @property
    def where(self) -> str:
        return self.prediction.where

    def record(self, model: nn.Module) -> AttentionRecord:
        flowing = ("self", "cross", "pool")  # nothing flows through gates
        return record_predictions(
            self.run.task, model, [self.example], [self.prediction], roles=flowing, gradients=True
        )

    def score(self, kept: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            found = self.run.task.rescore(self.run.model, self.example, self.prediction, kept)
        return found.double().exp().cpu().numpy()


class RunSubject:
    """A run. options: the task's prediction options."""

    meaning = "probability of the answer; where it has several tokens, their geometric mean"

    def __init__(self, run: Run, options: Mapping[str, Any]) -> None:
        self.run, self.model, self.options = run, run.model, run.options(options)

    def cases(self, examples: Sequence[Any]) -> tuple[Sequence[Case], list[str]]:
        task = self.run.task
        chosen = [given if hasattr(given, "where") else task.example(given) for given in examples]
        predictions, notes = self.run.predict_examples(chosen, self.options)
        return [RunCase(self.run, *pair) for pair in zip(chosen, predictions, strict=True)], notes


def faithful(
    subject: Run | str | Path | Subject,
    examples: Iterable[Any],
    methods: str | Sequence[str] = tuple(FLOWS),
    *,
    shares: Sequence[float] = SHARES,
    steps: int = 10,
    draws: int = 40,
    samples: int = 10_000,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = True,
    **options: Any,
) -> Faithfulness:
    """How faithful flow methods are to a model, beside chance and beside the same model with shuffled weights.

    subject: a run or its folder, or another `Subject`, such as `attentionflow._faithful_hf.TextEncoder`.
    examples: inputs as for `Run.predict`, or examples of the task. methods: names in FLOWS.
    shares: of the positions, rounded, at least one. steps: of the deletion and insertion curves.
    draws: random orders an example. samples: of the bootstrap over examples. options: the run's prediction options.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    if not methods:
        raise UserError(f"no method was given; there are {', '.join(FLOWS)}")
    for name in methods:
        load_flow(name)
    _check(shares, steps=(steps, 1), draws=(draws, FEWEST_DRAWS), samples=(samples, 1))
    if isinstance(subject, str | Path):
        subject = load(subject, device=device)
    if isinstance(subject, Run):
        subject = RunSubject(subject, options)
    elif options:
        raise UserError(f"{', '.join(options)}: only a run has prediction options, and this is none")
    cases, cut = subject.cases(list(examples))
    if not cases:
        raise UserError("there is no example to judge the methods on")
    shuffled = shuffle_weights(subject.model, seed)
    where, verdicts, found = [], [], []
    console = Console(stderr=True, quiet=quiet)
    for index, case in enumerate(track(cases, "examples", console=console, disable=quiet)):
        relevance = relevances(case, subject.model, methods)
        free = free_positions(relevance[methods[0]].axis)
        if free.sum() < 2:
            continue
        values = {name: one.values.mean(0)[free] for name, one in relevance.items()}
        judged, measured = _judge(case, free, values, shares, steps, draws, np.random.default_rng([seed, index]))
        for name, other in relevances(case, shuffled, methods).items():
            measured[name]["randomised"] = spearman(values[name], other.values.mean(0)[free])
        where.append(case.where)
        verdicts.append(judged)
        found.append(measured)
    if not found:
        raise UserError("no example has two positions that could be taken out, so there is no order to judge")
    scores = summary(found, samples, seed)
    return Faithfulness(
        scores=scores,
        better={name: answer(one["gain"], len(found)) for name, one in scores.items() if "gain" in one},
        examples=tuple(where),
        verdicts=tuple(verdicts),
        settings={
            "model": type(subject.model).__name__,
            "p": subject.meaning,
            "shares": list(shares),
            "steps": steps,
            "draws": draws,
            "samples": samples,
            "seed": seed,
        },
        notes=(*cut, *remarks(scores, found, len(cases) - len(found))),
    )


def verdict(
    case: Case, relevance: Relevance, *, shares: Sequence[float] = SHARES, draws: int = 100, seed: int = 0
) -> Verdict:
    """Whether one picture is better than random orders of the same input, see `Verdict`.

    The mean of its rows is judged by the whole answer.
    """
    _check(shares, draws=(draws, FEWEST_DRAWS))
    free = free_positions(relevance.axis)
    if free.sum() < 2:
        raise UserError("fewer than two positions of this input can be taken out, so there is no order to judge")
    values = {relevance.method: relevance.values.mean(0)[free]}
    return _judge(case, free, values, shares, None, draws, np.random.default_rng([seed, 0]))[0][relevance.method]


def relevances(case: Case, model: nn.Module, methods: Sequence[str]) -> dict[str, Relevance]:
    """What stands behind the answer of a case by each method: in the rows that the answer is read from."""
    record = case.record(model)
    return {name: flow(record, name, target=record.target) for name in methods}


def free_positions(axis: Axis) -> np.ndarray:
    """Which positions can be taken out: all but those that cover nothing of the input, such as end tokens."""
    return np.array([axis.spans is None or axis.spans[i] is not None for i in range(len(axis))], bool)


def shuffle_weights(model: nn.Module, seed: int) -> nn.Module:
    """A copy in which the entries of every parameter have changed places: nothing learned is left, but each scale is.

    Adebayo et al. 2018 draw new weights; shuffled ones keep the size of activations in any architecture.
    """
    copied = copy.deepcopy(model).eval()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in copied.parameters():
            order = torch.randperm(parameter.numel(), generator=draw).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return copied


def _judge(
    case: Case,
    free: np.ndarray,
    relevance: Mapping[str, np.ndarray],
    shares: Sequence[float],
    steps: int | None,
    draws: int,
    random: np.random.Generator,
) -> tuple[dict[str, Verdict], dict[str, dict[str, float]]]:
    """Of one example: method -> its verdict, and unless steps is None, method -> measure -> value.

    relevance: (n,) of the free positions, by method; equal ones come in one random order, the same for all methods.
    """
    n = int(free.sum())
    for name, values in relevance.items():
        if not np.isfinite(values).all():
            raise UserError(f"{_named(case)}: the relevance by {name} is not finite, so there is no order to judge")
    ties, orders = random.permutation(n), random.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)

    def ask(kept: np.ndarray) -> np.ndarray:
        return _score(case, free, kept)

    full = float(ask(np.ones((1, n), bool))[0])
    if steps is not None:
        relevance = {**relevance, ALONE: full - ask(~np.eye(n, dtype=bool))}
    names, first = list(relevance), len(relevance)  # of all orders, the methods' come first
    ranks = np.concatenate([[measures.ranked(relevance[name], ties) for name in names], orders])
    kept = measures.without_top(ranks, measures.share_sizes(shares, n))
    lost, short = measures.comprehensiveness(full, ask(kept)), measures.sufficiency(full, ask(~kept))
    margins = (lost - short)[first:]
    verdicts = {name: Verdict.of(float(lost[i]), float(short[i]), margins) for i, name in enumerate(names)}
    if steps is None:
        return verdicts, {}
    sizes = measures.curve_sizes(steps, n)
    kept = measures.without_top(ranks[: first + CURVES], sizes)
    deletion, insertion = measures.area(ask(kept), sizes), measures.area(ask(~kept), sizes)
    columns = {"comprehensiveness": lost, "sufficiency": short, "deletion": deletion, "insertion": insertion}
    measured = {name: {what: float(column[i]) for what, column in columns.items()} for i, name in enumerate(names)}
    for name, one in verdicts.items():
        measured[name]["gain"] = one.margin - one.random
    measured[RANDOM] = {what: float(column[first:].mean()) for what, column in columns.items()}
    return verdicts, measured


def _score(case: Case, free: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """p (...) of reduced inputs, given by which of the free positions stay (..., n); each is scored once."""
    rows, back = np.unique(kept.reshape(-1, kept.shape[-1]), axis=0, return_inverse=True)
    whole = np.ones((len(rows), len(free)), bool)
    whole[:, free] = rows
    size = max(1, POSITIONS // len(free))
    found = np.concatenate([case.score(whole[at : at + size]) for at in range(0, len(rows), size)])
    if not np.isfinite(found).all():
        raise UserError(f"{_named(case)}: the model's score of a reduced input is not finite")
    return found[back.reshape(kept.shape[:-1])]


def _named(case: Case) -> str:
    return case.where or "an example"


def _check(shares: Sequence[float], **counts: tuple[int, int]) -> None:
    if not shares or not all(0 < share <= 1 for share in shares):
        raise UserError(f"shares must be numbers above 0 and at most 1, got {shares}")
    for name, (value, least) in counts.items():
        if value < least:
            raise UserError(f"{name} must be at least {least}, got {value}")
