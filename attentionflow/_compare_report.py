"""A comparison of a model with people: its table, files, figures and a paragraph for a paper."""

from __future__ import annotations

import csv
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from attentionflow._compare_rows import Row

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Comparison(ABC):
    """What `compare` found in N texts or pictures.

    ceiling: what people reach among themselves. cases: the texts or pictures, with what people made of each.
    deciding: the measure by which methods are ordered and tested against the baseline `beside`.
    """

    model: str
    human: str
    meaning: str
    rows: Sequence[Row]
    ceiling: Mapping[str, float]
    cases: Sequence[Any]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    deciding: str

    items: ClassVar[str]  # what the cases are
    beside: ClassVar[str]  # the baseline that methods are tested against
    deciding_name: ClassVar[Mapping[str, str]]  # of the deciding measures, in words
    formulas: ClassVar[Mapping[str, str]]  # of all measures, in their order
    outside: ClassVar[str]  # what relevance lies on that is not compared

    @property
    def best(self) -> Row:
        """The method of the model that is most like people by the deciding measure."""
        return max(
            (row for row in self.rows if not row.baseline), key=lambda row: np.nan_to_num(self._key(row), nan=-9)
        )

    def _key(self, row: Row) -> float:
        return row.mean(self.deciding)

    def __getitem__(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "human": self.human,
            **self.counted(),
            "deciding": self.deciding,
            "beside": self.beside,
            "rows": [row.to_json() for row in self.rows],
            "ceiling": dict(self.ceiling),
            "measures": dict(self.formulas),
            "notes": list(self.notes),
            "settings": dict(self.settings),
        }

    @abstractmethod
    def counted(self) -> dict[str, int]:
        """How much was compared, by its name."""

    def table(self, width: int) -> Table:
        """As many of the measures as a terminal of so many characters has room for, the others by name below; of the
        intervals, that of the deciding one."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        others = [name for name in self.formulas if name != self.deciding]
        cells: list[dict[str, str]] = []
        for row in self.rows:
            means = {name: "-" if row.scores[name] is None else f"{row.mean(name):.3f}" for name in others}
            pooled = {} if row.pooled is None else {"pooled": f"{row.pooled:.3f}"}
            p = "-" if row.p_corrected is None else f"{row.p_corrected:.2g}"
            cells.append({"": row.name, self.deciding: row.cell(self.deciding), **means, **pooled, "p": p})
        columns = dict.fromkeys(name for one in cells for name in one)
        wide = {name: 3 + max(len(name), *(len(one.get(name, "")) for one in cells)) for name in columns}
        left_out: list[str] = []
        while others and sum(wide[name] for name in columns) > width:
            left_out.insert(0, others.pop())
            del columns[left_out[0]]
        table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
        for one in cells:
            table.add_row(*(one.get(name, "-") for name in columns))
        told = [f"{name} {value:.3f}" for name, value in self.ceiling.items()]
        told += [f"in the report too: {', '.join(left_out)}"] if left_out else []
        table.caption = "; ".join(told)
        return table

    def paragraph(self) -> str:
        """The result in the words of a paper."""
        best, base = self.best, self[self.beside]
        tested = sum(not row.baseline for row in self.rows)
        cell, p = base.cell(self.deciding), best.p_corrected
        counted = ", ".join(f"{count} {what}" for what, count in self.counted().items())
        verdict = f"not distinguishable from {self.beside} alone ({cell}; p = {p if p is None else f'{p:.3g}'})"
        if p is not None and p < 0.05:
            verdict = (
                f"{'above' if self._key(best) > self._key(base) else 'below'} {self.beside} alone ({cell}; "
                f"paired permutation test, p = {p:.3g} after Holm's correction for {tested} methods)"
            )
        parts = [
            f"We compared {self.model} with people on {self.human} ({counted}). Relevance of the "
            f"{self.meaning.split(';')[0]} {self.how}.",
            f"Mean {self.deciding_name[self.deciding]} over {self.items} was highest for {best.name} "
            f"({best.cell(self.deciding)}), {verdict}.",
            *self._beyond(best),
            *self._among_people(),
            f"Intervals are 95 % bootstrap intervals over {self.items}.",
        ]
        return " ".join(parts)

    how: ClassVar[str]  # relevance and people were brought together, for the paragraph
    controls: ClassVar[str]  # what the partial correlation is given

    def _beyond(self, best: Row) -> list[str]:
        if (partial := best.scores["partial"]) is None:
            return []
        low, high = partial[1]
        holds = "its sign is reversed" if high < 0 else "nothing was shown to be explained"
        holds = "it explains something" if low > 0 else holds
        return [f"Given {self.controls}, its partial correlation was {best.cell('partial')}: {holds} beyond them."]

    @abstractmethod
    def _among_people(self) -> list[str]:
        """What people reach among themselves, for the paragraph."""

    def save(self, folder: str | Path) -> None:
        """results.json, results.csv, report.html and paragraph.txt, into a folder which is made where it is missing."""
        from attentionflow.view.comparison import comparison_page

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        found = self.to_json()
        page = json.dumps(found, ensure_ascii=False, indent=1, default=float)
        (folder / "results.json").write_text(page, encoding="utf-8")
        (folder / "results.csv").write_text(self._csv(), encoding="utf-8")
        (folder / "paragraph.txt").write_text(self.paragraph() + "\n", encoding="utf-8")
        shown = {
            "items": self.items,
            "deciding": self.deciding_name[self.deciding],
            "controls": self.controls,
            "outside": self.outside,
        }
        report = comparison_page(found, shown, self.paragraph(), self._examples())
        (folder / "report.html").write_text(report, encoding="utf-8")

    def _csv(self) -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        ends = [f"{name}{end}" for name in self.formulas for end in ("", "_low", "_high")]
        writer.writerow(["name", "baseline", *ends, "pooled", "undefined", "outside", "p", "p_corrected"])
        for row in self.rows:
            cells: list[Any] = [row.name, row.baseline]
            for name in self.formulas:
                one = row.scores[name]
                cells += ["", "", ""] if one is None else [one[0], *one[1]]
            writer.writerow([*cells, row.pooled, row.undefined, row.outside, row.p, row.p_corrected])
        return buffer.getvalue()

    def _examples(self, each: int = 3) -> list[dict[str, Any]]:
        """The cases in which the best method is most and least like people."""
        found = self.best.by_case
        fit = np.isfinite(found) & self.telling()
        order = [int(i) for i in np.argsort(-np.where(fit, found, -np.inf)) if fit[i]]
        chosen = dict.fromkeys([*order[:each], *order[-each:]])
        return [self.drawn(i) | {"score": float(found[i]), "method": self.best.name} for i in chosen]

    @abstractmethod
    def telling(self) -> np.ndarray:
        """(N,) bool, which cases are worth showing."""

    @abstractmethod
    def drawn(self, index: int) -> dict[str, Any]:
        """What the page shows of a case: people and the best method on it."""
