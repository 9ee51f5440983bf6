"""A comparison of a model with people: its table, files, figures and a paragraph for a paper."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attentionflow.human.measures import MEASURES
from attentionflow.human.statistics import holm

if TYPE_CHECKING:
    from rich.table import Table

Value = tuple[float, tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """A method or a baseline beside people.

    scores: measure -> mean over texts with its 95 % interval, None where it is defined for no text; "partial" is the
    rank correlation that word length, rarity and position leave unexplained. pooled: rank correlation over the words of
    all texts, each over the mean of its text. undefined: texts without a rank correlation, since all words are equal.
    outside: share of the relevance on positions that are no words. p: of the difference in rank correlation from that
    of word length, by a paired permutation test; p_corrected: by Holm for all methods of the table.
    """

    name: str
    baseline: bool
    scores: Mapping[str, Value | None]
    pooled: float
    undefined: int
    outside: float | None
    p: float | None
    by_text: np.ndarray = field(repr=False)
    p_corrected: float | None = None

    @staticmethod
    def corrected(rows: Sequence[Row]) -> list[Row]:
        tested = [row for row in rows if row.p is not None]
        found = dict(zip([row.name for row in tested], holm([row.p or 0.0 for row in tested]), strict=True))
        return [replace(row, p_corrected=float(found[row.name])) if row.name in found else row for row in rows]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "baseline": self.baseline,
            **{
                measure: None if one is None else {"mean": one[0], "interval": one[1]}
                for measure, one in self.scores.items()
            },
            "pooled_spearman": self.pooled,
            "undefined": self.undefined,
            "outside": self.outside,
            "p": self.p,
            "p_corrected": self.p_corrected,
        }


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
class Comparison:
    """What `compare` found. ceiling: what people reach among themselves."""

    model: str
    human: str
    meaning: str
    rows: Sequence[Row]
    ceiling: Mapping[str, float]
    texts: tuple[Text, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def best(self) -> Row:
        """The method of the model whose rank correlation is highest."""
        return max((row for row in self.rows if not row.baseline), key=lambda row: _mean(row, "spearman"))

    def __getitem__(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "human": self.human,
            "texts": len(self.texts),
            "words": int(sum(np.isfinite(one.people).sum() for one in self.texts)),
            "rows": [row.to_json() for row in self.rows],
            "ceiling": dict(self.ceiling),
            "measures": {name: measure.formula for name, measure in MEASURES.items()},
            "notes": list(self.notes),
            "settings": dict(self.settings),
        }

    def table(self) -> Table:
        """The measures for a terminal; of the intervals, that of the rank correlation."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        columns = [*MEASURES, "partial"]
        table = Table("", *columns, "pooled", "p", box=SIMPLE_HEAD, pad_edge=False)
        for row in self.rows:
            cells = [_cell(row, "spearman")]
            cells += ["-" if (one := row.scores[name]) is None else f"{one[0]:.3f}" for name in columns[1:]]
            p = "-" if row.p_corrected is None else f"{row.p_corrected:.2g}"
            table.add_row(row.name, *cells, f"{row.pooled:.3f}", p)
        table.caption = ", ".join(f"{name} {value:.3f}" for name, value in self.ceiling.items())
        return table

    def paragraph(self) -> str:
        """The result in the words of a paper."""
        words = self.to_json()["words"]
        best, length = self.best, self["word length"]
        tested = sum(not row.baseline for row in self.rows)
        difference = _mean(best, "spearman") - _mean(length, "spearman")
        sure = best.p_corrected is not None and best.p_corrected < 0.05
        verdict = (
            f"{'above' if difference > 0 else 'below'} word length alone ({_cell(length, 'spearman')}; "
            f"paired permutation test, p = {best.p_corrected:.3g} after Holm's correction for {tested} methods)"
            if sure
            else f"not distinguishable from word length alone ({_cell(length, 'spearman')}; p = {best.p_corrected:.3g})"
        )
        parts = [
            f"We compared {self.model} with people on {self.human} ({len(self.texts)} texts, {words} words). Relevance "
            f"of the {self.meaning.split(';')[0]} was summed over the sub-words of each word; people are the mean over "
            "readers of their shares.",
            f"Mean Spearman correlation over texts was highest for {best.name} ({_cell(best, 'spearman')}), {verdict}.",
        ]
        if (partial := best.scores["partial"]) is not None:
            low, high = partial[1]
            if low > 0:
                holds = "it explains something"
            else:
                holds = "its sign is reversed" if high < 0 else "nothing was shown to be explained"
            parts.append(
                f"Given word length, rarity and position, its partial rank correlation was {_cell(best, 'partial')}: "
                f"{holds} beyond them."
            )
        if "one reader against the rest" in self.ceiling:
            parts.append(
                f"One reader correlates {self.ceiling['one reader against the rest']:.2f} with the mean of the others; "
                f"the mean over readers has a split-half reliability of "
                f"{self.ceiling['split-half reliability of the mean']:.2f} (Spearman-Brown)."
            )
        parts.append("Intervals are 95 % bootstrap intervals over texts.")
        return " ".join(parts)

    def save(self, folder: str | Path) -> None:
        """results.json, results.csv, report.html and paragraph.txt, into a folder which is made where it is missing."""
        from attentionflow.view.comparison import comparison_page

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        page = json.dumps(self.to_json(), ensure_ascii=False, indent=1, default=float)
        (folder / "results.json").write_text(page, encoding="utf-8")
        (folder / "results.csv").write_text(self._csv(), encoding="utf-8")
        (folder / "paragraph.txt").write_text(self.paragraph() + "\n", encoding="utf-8")
        by_text = {row.name: row.by_text.tolist() for row in self.rows}
        (folder / "report.html").write_text(
            comparison_page(self.to_json(), self.paragraph(), by_text, self._examples()), encoding="utf-8"
        )

    def _csv(self) -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        columns = [*MEASURES, "partial"]
        ends = [f"{name}{end}" for name in columns for end in ("", "_low", "_high")]
        writer.writerow(["name", "baseline", *ends, "pooled_spearman", "undefined", "outside", "p", "p_corrected"])
        for row in self.rows:
            cells: list[Any] = [row.name, row.baseline]
            for name in columns:
                one = row.scores[name]
                cells += ["", "", ""] if one is None else [one[0], *one[1]]
            writer.writerow([*cells, row.pooled, row.undefined, row.outside, row.p, row.p_corrected])
        return buffer.getvalue()

    def _examples(self, each: int = 3) -> list[dict[str, Any]]:
        """The texts in which the best method is most and least like people, of those with a usual number of words."""
        found = self.best.by_text
        lengths = np.array([len(one.spans) for one in self.texts])
        fit = np.isfinite(found) & (lengths >= min(8, np.median(lengths)))
        order = [int(i) for i in np.argsort(-np.where(fit, found, -np.inf)) if fit[i]]
        chosen = dict.fromkeys([*order[:each], *order[-each:]])
        return [
            {
                "text": self.texts[i].text,
                "spans": [list(span) for span in self.texts[i].spans],
                "where": self.texts[i].where,
                "label": self.texts[i].label,
                "spearman": float(found[i]),
                "people": _painted(self.texts[i].people),
                "model": _painted(self.texts[i].methods[self.best.name]),
                "method": self.best.name,
            }
            for i in chosen
        ]


def _painted(values: np.ndarray) -> list[float]:
    """Values over the largest, 0 where nothing is known."""
    known = np.clip(np.nan_to_num(values), 0, None)
    return (known / known.max()).round(3).tolist() if known.max() > 0 else known.tolist()


def _mean(row: Row, measure: str) -> float:
    one = row.scores[measure]
    return -np.inf if one is None else one[0]


def _cell(row: Row, measure: str) -> str:
    one = row.scores[measure]
    return "undefined" if one is None else f"{one[0]:.3f} [{one[1][0]:.3f}, {one[1][1]:.3f}]"
