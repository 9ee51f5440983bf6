"""What came out: a verdict for one picture, and for a data set a table with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from attentionflow._evaluate import score_page
from attentionflow.human.statistics import intervals
from attentionflow.task import Score

if TYPE_CHECKING:
    from rich.table import Table

Answer = Literal["yes", "no", "cannot tell"]

# Rows to compare with: chance, and the loss of p as each position alone is taken out, which needs no attention.
RANDOM, ALONE = "random", "leave-one-out"
MEASURES = {
    "comprehensiveness": "loss of p without the top shares; high is good",
    "sufficiency": "loss of p with the top shares alone; low is good",
    "deletion": "area under p while the positions go, top first; low is good",
    "insertion": "area under p while the positions come, top first; high is good",
    "gain": "comprehensiveness - sufficiency, less the same of random orders; above 0 is better than random",
    "randomised": "rank correlation with the relevance after the weights were shuffled; near 0 is good",
}
SHORT = dict(zip(MEASURES, ("comp.", "suff.", "del.", "ins.", "gain", "shuf."), strict=True))  # for narrow terminals
FEWEST = 10  # examples below which an interval is too uncertain for a verdict
SHARED = 0.5  # share of the variance of ranks that a method may have in common with a model that has learned nothing


@dataclass(frozen=True)
class Verdict:
    """Whether one picture is better than random orders of the same input.

    margin: comprehensiveness - sufficiency, that is p(its top shares alone) - p(all but them), the mean over shares.
    random: mean margin of the random orders. above, below: the picture is above, or below, so many of them.
    better: yes where at most 5 % of random orders are as good, counting the picture itself as one of them; no where
            more than half are better; else it cannot be told, as always where there are few positions.
    """

    better: Answer
    comprehensiveness: float
    sufficiency: float
    margin: float
    random: float
    above: int
    below: int
    draws: int

    @classmethod
    def of(cls, comprehensiveness: float, sufficiency: float, random: np.ndarray) -> Verdict:
        """random: margins of the random orders, (O,)."""
        margin, draws = comprehensiveness - sufficiency, len(random)
        above, below = int((random < margin).sum()), int((random > margin).sum())
        as_good = (1 + draws - above) / (1 + draws)
        better: Answer = "yes" if as_good <= 0.05 else "no" if below > draws / 2 else "cannot tell"
        return cls(better, comprehensiveness, sufficiency, margin, float(random.mean()), above, below, draws)

    def __str__(self) -> str:
        return f"better than random: {self.better} (above {self.above} of {self.draws} random orders)"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


Measured = Mapping[str, Mapping[str, float]]  # method -> measure -> value, of one example


@dataclass(frozen=True)
class Faithfulness:
    """What the scores of reduced inputs say of each method, over a data set.

    scores:   method -> measure -> mean over the examples, with its interval; also of RANDOM and ALONE.
    better:   method -> yes where the interval of its gain lies above 0, no where below, else it cannot be told.
    examples: where each comes from. verdicts: for each, method -> its own verdict.
    settings: what was asked for. notes: what a reader must know.
    """

    scores: Mapping[str, Mapping[str, Score]]
    better: Mapping[str, Answer]
    examples: tuple[str, ...]
    verdicts: tuple[Mapping[str, Verdict], ...]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "settings": dict(self.settings),
            "scores": {name: score_page(dict(scores)) for name, scores in self.scores.items()},
            "better": dict(self.better),
            "examples": [
                {"where": where, "verdicts": {name: one.to_json() for name, one in verdicts.items()}}
                for where, verdicts in zip(self.examples, self.verdicts, strict=True)
            ],
            "notes": list(self.notes),
        }

    def rows(self) -> list[list[str]]:
        """A heading, and a row a method: measures with intervals, verdict, share of examples with a yes."""
        rows = [["method", *MEASURES, "better than random", "examples: yes"]]
        for name, scores in self.scores.items():
            cells = [_cell(scores[measure]) if measure in scores else "" for measure in MEASURES]
            rows.append([name, *cells, *self._answers(name)])
        return rows

    def table(self) -> Table:
        """The same for a terminal, with what each column means; of the intervals, that of the gain."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        says = [f"p: {self.settings['p']}"]
        says += [f"{SHORT[name]}{f' {name}' * (SHORT[name] != name)}: {what}" for name, what in MEASURES.items()]
        says += ["better: than random, by the interval of the gain", "yes: examples that are a yes by themselves"]
        headings = ["method", *SHORT.values(), "better", "yes"]
        table = Table(*headings, box=SIMPLE_HEAD, padding=0, pad_edge=False, caption_justify="left")
        table.caption = "\n".join(says)
        for name, scores in self.scores.items():
            cells = [f"{scores[measure].value:.3f}" if measure in scores else "" for measure in MEASURES]
            if "gain" in scores:
                cells[list(MEASURES).index("gain")] = _cell(scores["gain"], "\n{} to {}")
            table.add_row(name, *cells, *self._answers(name))
        return table

    def _answers(self, name: str) -> tuple[str, str]:
        own = [verdicts[name].better == "yes" for verdicts in self.verdicts if name in verdicts]
        return self.better.get(name, ""), f"{np.mean(own):.0%}" if own else ""


def summary(found: Sequence[Measured], samples: int, seed: int) -> dict[str, dict[str, Score]]:
    """Means over examples with bootstrap intervals, chance first."""
    names = [RANDOM, *(name for name in found[0] if name != RANDOM)]
    keys = [(name, measure) for name in names for measure in MEASURES if measure in found[0][name]]
    columns = np.array([[one[name][measure] for name, measure in keys] for one in found])
    scores: dict[str, dict[str, Score]] = {name: {} for name in names}
    for (name, measure), column, (low, high) in zip(keys, columns.T, intervals(columns, samples, seed).T, strict=True):
        known = column[np.isfinite(column)]
        value = float(known.mean()) if len(known) else float("nan")
        interval = (float(low), float(high)) if len(known) > 1 else None
        scores[name][measure] = Score(value, interval=interval, signature=MEASURES[measure])
    return scores


def answer(gain: Score, examples: int) -> Answer:
    """Whether a gain over random orders is shown over a data set."""
    if gain.interval is None or examples < FEWEST:
        return "cannot tell"
    return "yes" if gain.interval[0] > 0 else "no" if gain.interval[1] < 0 else "cannot tell"


def remarks(scores: Mapping[str, Mapping[str, Score]], found: Sequence[Measured], left_out: int) -> list[str]:
    """What a reader of the scores must know."""
    notes = []
    if left_out:
        notes.append(f"{left_out} examples without two positions that could be taken out are left out")
    if len(found) < FEWEST:
        notes.append(f"{len(found)} examples are too few for a verdict over all of them; take {FEWEST} or more")
    for name, one in scores.items():
        if "randomised" not in one:
            continue
        unknown = sum(not np.isfinite(measured[name]["randomised"]) for measured in found)
        if unknown:
            notes.append(f"{name}: in {unknown} examples all positions are equal, so there is no rank correlation")
        correlation = one["randomised"]
        if correlation.interval is not None and correlation.interval[0] > SHARED**0.5:
            notes.append(
                f"{name} hardly changes when the weights are shuffled (rank correlation {correlation.value:.2f}): "
                "it shows the architecture and the input more than what was learned"
            )
    return notes


def _cell(score: Score, interval: str = " ({} to {})") -> str:
    return f"{score.value:.3f}{interval.format(*(f'{end:.3f}' for end in score.interval)) if score.interval else ''}"
