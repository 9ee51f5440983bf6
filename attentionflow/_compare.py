"""Does a model look where people look? Flow methods by depth beside people, beside baselines, with statistics.

Letters: n words of a text, N texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from attentionflow._compare_report import Comparison, Row, Text
from attentionflow._faithful import RunSubject, Subject
from attentionflow._predict import Run, load
from attentionflow.datasets import DATASETS, module_for
from attentionflow.errors import UserError
from attentionflow.flows import flow, load_flow
from attentionflow.human.agreement import consensus, one_against_rest, split_half
from attentionflow.human.alignment import onto_words
from attentionflow.human.baselines import FEATURES, chance, features, regression
from attentionflow.human.measures import MEASURES
from attentionflow.human.statistics import intervals, partial_spearman, permutation_p, spearman
from attentionflow.readers.reading import Reading, read_readings
from attentionflow.records import AttentionRecord

METHODS = ("raw", "rollout", "maxflow", "gradient")
HUMAN = "human attention"  # what such data sets are for, where a task is named otherwise
FEWEST_WORDS = 3  # of a text; with fewer a rank correlation says nothing
BASELINE = "word length"  # what every method is tested against
SAMPLES = 10_000


def human_data(name: str) -> tuple[str, str, list[Reading], list[str]]:
    """Name, language, readings and notes of a named set of human attention, or of a table of the user's."""
    given = name.replace("-", "_")
    if module := module_for(given if given in DATASETS else name, HUMAN):
        readings, notes = module.read()
        return given, module.LANGUAGE, readings, notes
    readings, notes = read_readings(name)
    return Path(name).name, "en", readings, notes


def compare(
    subject: Run | str | Path | Subject,
    human: str | Path | Sequence[Reading],
    methods: str | Sequence[str] = METHODS,
    *,
    language: str | None = None,
    texts: int | None = None,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = True,
    **options: Any,
) -> Comparison:
    """How alike a model's attention is to people's, text by text.

    subject: a run, its folder, "hf:PATH_OR_NAME", or another `Subject`. human: a named set, a table of reading times or
    marks, or readings. methods: names in FLOWS; each is computed at every depth, from the first layer alone to all.
    language: of the words, for their frequency; texts: at most so many, evenly spread. options: the run's own.

    Relevance is that of the answer (the class, or the embedding of a model without classes), its rows averaged, summed
    over the sub-words of each word that people read. People are the mean over readers of their shares of time.
    """
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    for name in methods or ("",):
        load_flow(name)
    name, known_language, readings, notes = (
        human_data(str(human)) if isinstance(human, str | Path) else ("readings", "en", list(human), [])
    )
    subject, model = _subject(subject, options, device)
    chosen, more = _usable(readings, texts)
    people = [consensus(one.attention) for one in chosen]
    described = [features(one.words, language or known_language) for one in chosen]
    columns = _baselines(described, people, seed)
    cases, cut = subject.cases([one.text for one in chosen])
    console = Console(stderr=True, quiet=quiet)
    outside: dict[str, list[float]] = {}
    for case, reading in track(zip(cases, chosen, strict=True), "texts", len(chosen), console=console, disable=quiet):
        for label, relevance in _by_depth(case.record(subject.model), methods).items():
            aligned = onto_words(relevance.values.mean(0), relevance.axis, reading.spans, reading.text, reading.where)
            columns.setdefault(label, []).append(aligned.values)
            outside.setdefault(label, []).append(aligned.outside)
    rows = _scored(columns, people, described, {name: float(np.mean(found)) for name, found in outside.items()}, seed)
    shown = [
        Text(one.text, one.spans, one.where, one.label, found, {label: column[i] for label, column in columns.items()})
        for i, (one, found) in enumerate(zip(chosen, people, strict=True))
    ]
    return Comparison(
        model=model,
        human=name,
        meaning=subject.meaning,
        rows=rows,
        ceiling=_ceiling(chosen, seed),
        texts=tuple(shown),
        notes=(*notes, *more, *cut),
        settings={"methods": list(methods), "seed": seed, "samples": SAMPLES, "language": language or known_language},
    )


def _subject(subject: Any, options: Mapping[str, Any], device: str) -> tuple[Subject, str]:
    if isinstance(subject, str) and subject.startswith("hf:"):
        from attentionflow import hf
        from attentionflow._faithful_hf import TextEncoder

        if options:
            raise UserError(f"a Hugging Face model takes no prediction options here, got {', '.join(options)}")
        model, tokenizer = hf.load(subject)
        return TextEncoder(model, tokenizer), f"{type(model).__name__} ({Path(subject.removeprefix('hf:')).name})"
    if isinstance(subject, str | Path):
        subject = load(subject, device=device)
    if isinstance(subject, Run):
        return RunSubject(subject, options), f"{subject.task.name}: {subject.folder.name}"
    return subject, type(subject.model).__name__


def _usable(readings: Sequence[Reading], most: int | None) -> tuple[list[Reading], list[str]]:
    """Texts of which people's attention to three words at least is known and not the same everywhere."""
    kept, short = [], 0
    for one in readings:
        found = consensus(one.attention)
        known = found[np.isfinite(found)]
        if len(known) >= FEWEST_WORDS and known.min() < known.max():
            kept.append(one)
        else:
            short += 1
    if not kept:
        raise UserError(
            f"no text has {FEWEST_WORDS} words that people looked at differently, so nothing can be compared"
        )
    notes = [f"{short} texts of fewer than {FEWEST_WORDS} words, or looked at evenly, are left out"] if short else []
    if most is not None and len(kept) > most:
        notes.append(f"{most} of {len(kept)} texts, evenly spread, are compared")
        kept = [kept[i] for i in np.linspace(0, len(kept) - 1, most).round().astype(int)]
    return kept, notes


def _by_depth(record: AttentionRecord, methods: Sequence[str]) -> dict[str, Any]:
    """Relevance by each method through the first d self-attention layers, d from one to all: "maxflow, depth 2"."""
    layers = sorted({site.layer for site in record.sites if site.role == "self"})
    found = {}
    for depth in range(1, len(layers) + 1) if layers else [0]:
        sites = tuple(site for site in record.sites if site.role != "self" or site.layer < depth)
        part = replace(record, sites=sites)
        for method in methods:
            label = f"{method}, depth {depth}" if len(layers) > 1 else method
            found[label] = flow(part, method, target=record.target)
    return found


def _baselines(described: Sequence[np.ndarray], people: Sequence[np.ndarray], seed: int) -> dict[str, list[np.ndarray]]:
    columns = {"chance": [chance(one.shape[1], (seed, i)) for i, one in enumerate(described)]}
    for place, name in enumerate(FEATURES):
        columns[{"length": BASELINE, "rarity": "word rarity", "position": "earlier words"}[name]] = [
            one[place] for one in described
        ]
    if len(described) > 1:
        columns["regression on the three"] = regression(described, people)
    return columns


def _scored(
    columns: Mapping[str, Sequence[np.ndarray]],
    people: Sequence[np.ndarray],
    described: Sequence[np.ndarray],
    outside: Mapping[str, float],
    seed: int,
) -> list[Row]:
    """A row a method and baseline: each measure a text, means with intervals, and the test against BASELINE."""
    known = [np.isfinite(one) for one in people]
    names = list(columns)
    table = np.full((len(people), len(names), len(MEASURES) + 1), np.nan)
    for i, (person, seen) in enumerate(zip(people, known, strict=True)):
        for j, name in enumerate(names):
            values = _settled(columns[name][i][seen])
            table[i, j, -1] = (
                partial_spearman(person[seen], values, described[i][:, seen]) if name in outside else np.nan
            )
            if values.sum() > 0:
                table[i, j, :-1] = [measure.of(person[seen], values) for measure in MEASURES.values()]
    ends = intervals(table.reshape(len(people), -1), SAMPLES, seed).reshape(2, len(names), -1)
    base = table[:, names.index(BASELINE), 0]
    rows = []
    for j, name in enumerate(names):
        scores = dict(zip((*MEASURES, "partial"), map(_mean, table[:, j].T, *ends[:, j]), strict=True))
        pooled = spearman(_pooled(columns[name], known), _pooled(people, known))
        p = permutation_p(table[:, j, 0] - base, SAMPLES, seed) if name in outside else None
        undefined = int((~np.isfinite(table[:, j, 0])).sum())
        rows.append(Row(name, name not in outside, scores, pooled, undefined, outside.get(name), p, table[:, j, 0]))
    return Row.corrected(rows)


def _mean(values: np.ndarray, low: float, high: float) -> tuple[float, tuple[float, float]] | None:
    return (float(np.nanmean(values)), (float(low), float(high))) if np.isfinite(values).any() else None


def _settled(values: np.ndarray) -> np.ndarray:
    """Values of the known words over the largest, equal where they differ by rounding errors alone, none below zero."""
    known = np.clip(values, 0, None)
    return np.round(known / known.max(), 6) if known.max() > 0 else known


def _pooled(values: Sequence[np.ndarray], known: Sequence[np.ndarray]) -> np.ndarray:
    """The known words of all texts, each over the mean of its text, so that texts of any length pool."""
    settled = [_settled(one[seen]) for one, seen in zip(values, known, strict=True)]
    return np.concatenate([one / one.mean() if one.max() > 0 else one for one in settled])


def _ceiling(readings: Sequence[Reading], seed: int) -> dict[str, float]:
    """What people reach among themselves; empty where they are averaged."""
    alone = [one_against_rest(one.attention) for one in readings]
    halves = np.array([split_half(one.attention, seed + i) for i, one in enumerate(readings)])
    found = np.concatenate(alone)
    ceiling = {}
    if np.isfinite(found).any():
        ceiling["one reader against the rest"] = float(np.nanmean(found))
    if np.isfinite(halves).any():
        reliability = float(np.nanmean(halves))
        ceiling["split-half reliability of the mean"] = reliability
        ceiling["highest correlation to be expected"] = float(np.sqrt(max(0.0, reliability)))
    return ceiling
