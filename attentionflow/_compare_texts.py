"""A model's relevance of words beside people's reading times and marks.

Letters: n words of a text, N texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from rich.console import Console
from rich.progress import track

from attentionflow._compare_report import Comparison
from attentionflow._compare_rows import SAMPLES, Row, by_depth, scored_rows
from attentionflow._faithful import Subject
from attentionflow.errors import UserError
from attentionflow.human.agreement import consensus, one_against_rest, split_half
from attentionflow.human.alignment import onto_words
from attentionflow.human.baselines import FEATURES, chance, features, regression
from attentionflow.human.measures import MEASURES
from attentionflow.human.statistics import partial_spearman, spearman
from attentionflow.readers.reading import Reading
from attentionflow.records import AttentionRecord, Relevance

FEWEST_WORDS = 3  # of a text; with fewer a rank correlation says nothing
BASELINE = "word length"  # what every method is tested against
LAST = " of the last row"  # behind a method's name: relevance read from there alone
ALONE, RELIABILITY = "one reader against the rest", "split-half reliability of the mean"


@dataclass(frozen=True)
class Text:
    """A text with people's shares (n,), NaN where not known, and each method's relevance of its words."""

    text: str
    spans: tuple[tuple[int, int], ...]
    where: str
    label: str
    people: np.ndarray
    methods: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TextComparison(Comparison):
    """A model beside people who read, or marked, the same words."""

    cases: Sequence[Text]

    items = "texts"
    beside = BASELINE
    deciding_name: ClassVar[Mapping[str, str]] = {"spearman": "Spearman correlation"}
    formulas: ClassVar[Mapping[str, str]] = {
        **{name: measure.formula for name, measure in MEASURES.items()},
        "partial": "rank correlation given word length, rarity and position",
    }
    outside = "special tokens and punctuation"
    how = "was summed over the sub-words of each word; people are the mean over readers of their shares"
    controls = "word length, rarity and position"

    @property
    def texts(self) -> Sequence[Text]:
        return self.cases

    def counted(self) -> dict[str, int]:
        return {"texts": len(self.cases), "words": int(sum(np.isfinite(one.people).sum() for one in self.cases))}

    def _among_people(self) -> list[str]:
        if ALONE not in self.ceiling:
            return []
        return [
            f"One reader correlates {self.ceiling[ALONE]:.2f} with the mean of the others; the mean over readers has a "
            f"split-half reliability of {self.ceiling[RELIABILITY]:.2f} (Spearman-Brown)."
        ]

    def telling(self) -> np.ndarray:
        """Those of a usual number of words."""
        lengths = np.array([len(one.spans) for one in self.cases])
        return lengths >= min(8, np.median(lengths))

    def drawn(self, index: int) -> dict[str, Any]:
        one = self.cases[index]
        return {
            "text": one.text,
            "spans": [list(span) for span in one.spans],
            "where": one.where,
            "label": one.label,
            "people": _painted(one.people),
            "model": _painted(one.methods[self.best.name]),
        }


def _painted(values: np.ndarray) -> list[float]:
    """Values over the largest, 0 where nothing is known."""
    known = np.clip(np.nan_to_num(values), 0, None)
    return (known / known.max()).round(3).tolist() if known.max() > 0 else known.tolist()


def compare_texts(
    subject: Subject,
    readings: Sequence[Reading],
    methods: Sequence[str],
    *,
    names: tuple[str, str],
    notes: Sequence[str],
    language: str,
    most: int | None,
    seed: int,
    quiet: bool,
) -> TextComparison:
    """names: of the model and of the people's data. See `compare`."""
    chosen, more = _usable(readings, most)
    people = [consensus(one.attention) for one in chosen]
    described = [features(one.words, language) for one in chosen]
    columns = _baselines(described, people, seed)
    cases, cut = subject.cases([one.text for one in chosen])
    console = Console(stderr=True, quiet=quiet)
    outside: dict[str, list[float]] = {}
    backwards = False
    for number, (case, reading) in enumerate(
        track(zip(cases, chosen, strict=True), "texts", len(chosen), console=console, disable=quiet)
    ):
        record = case.record(subject.model)
        backwards = looks_back(record) if number == 0 else backwards
        for label, relevance in by_depth(record, methods).items():
            for name, values in _read(label, relevance, backwards).items():
                aligned = onto_words(values, relevance.axis, reading.spans, reading.text, reading.where)
                columns.setdefault(name, []).append(aligned.values)
                outside.setdefault(name, []).append(aligned.outside)
    shares = {name: float(np.mean(found)) for name, found in outside.items()}
    shown = [
        Text(one.text, one.spans, one.where, one.label, found, {label: column[i] for label, column in columns.items()})
        for i, (one, found) in enumerate(zip(chosen, people, strict=True))
    ]
    return TextComparison(
        model=names[0],
        human=names[1],
        meaning=subject.meaning,
        rows=_scored(columns, people, described, shares, seed),
        ceiling=_ceiling(chosen, seed),
        cases=tuple(shown),
        notes=(*notes, *more, *cut),
        settings={"methods": list(methods), "seed": seed, "samples": SAMPLES, "language": language},
        deciding="spearman",
    )


def looks_back(record: AttentionRecord) -> bool:
    """Whether no position attends to a later one, as in causal models; False without self attention."""
    own = [site for site in record.unfolded().sites if site.role == "self" and site.queries == site.keys]
    return bool(own) and not any(np.triu(site.weights.max((0, 1)), 1).any() for site in own)


def _read(label: str, relevance: Relevance, backwards: bool) -> dict[str, np.ndarray]:
    """Name -> (n,): the mean of the rows; of a model that only looks back also the last row, which alone saw all.

    In the mean of such rows early words have the advantage that more rows see them, as their position tells.
    """
    found = {label: relevance.values.mean(0)}
    if backwards:
        method, comma, depth = label.partition(", depth ")
        found[f"{method}{LAST}{comma}{depth}"] = relevance.values[-1]
    return found


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
    known = [np.isfinite(one) for one in people]
    table = np.full((len(people), len(columns), len(MEASURES) + 1), np.nan)
    for i, (person, seen) in enumerate(zip(people, known, strict=True)):
        for j, (name, column) in enumerate(columns.items()):
            values = _settled(column[i][seen])
            if name in outside:
                table[i, j, -1] = partial_spearman(person[seen], values, described[i][:, seen])
            if values.sum() > 0:
                table[i, j, :-1] = [measure.of(person[seen], values) for measure in MEASURES.values()]
    pooled = {name: spearman(_pooled(column, known), _pooled(people, known)) for name, column in columns.items()}
    measures = [*MEASURES, "partial"]
    told: dict[str, Any] = {"deciding": "spearman", "beside": BASELINE, "outside": outside, "seed": seed}
    return scored_rows(table, list(columns), measures, pooled=pooled, **told)


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
        ceiling[ALONE] = float(np.nanmean(found))
    if np.isfinite(halves).any():
        reliability = float(np.nanmean(halves))
        ceiling[RELIABILITY] = reliability
        ceiling["highest correlation to be expected"] = float(np.sqrt(max(0.0, reliability)))
    return ceiling
