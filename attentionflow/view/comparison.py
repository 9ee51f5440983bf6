"""The page of a comparison with people: figures, table and painted texts or pictures, without a script.

The depth plot shows each method's mean by the measure that decides, by the number of layers that relevance flowed
through, beside the baselines; the table holds all measures; the texts or pictures are those in which the best method is
most and least like people.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

# Fit for both themes, and told apart without colour by their marks; after Okabe and Ito 2008.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKS = ("circle", "square", "diamond", "triangle", "cross", "ring")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 780, 400, 56, 224, 16, 44

STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --faint: #6b6b6b; --line: #d9d9d9; --paper: #fff;
  --paint: 0, 114, 178; --human: 213, 94, 0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --faint: #a3a3a3; --line: #3d3d3d; --paper: #161616;
  --paint: 86, 180, 233; --human: 240, 150, 80; } }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
p.small, figcaption, caption { color: var(--faint); font-size: .87rem; text-align: left; }
figure { margin: 1rem 0; } svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .axis { stroke: var(--line); } svg .faint { fill: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
th, td { padding: .22rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } tr.baseline td { color: var(--faint); }
tr.best td { font-weight: 600; } td small { display: block; line-height: 1.1; color: var(--faint); font-weight: 400; }
.text { margin: 1.1rem 0; padding-left: .9rem; border-left: 3px solid var(--line); }
.text b { font-weight: 600; font-size: .8rem; color: var(--faint); display: inline-block; width: 4.6rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .6rem; margin: 0; } .pictures div { max-width: 19rem; }
.pictures img { max-width: 100%; display: block; border-radius: .2em; }
.words { line-height: 2; } .words span { padding: .12em .1em; border-radius: .2em; }
"""


def comparison_page(
    found: Mapping[str, Any], shown: Mapping[str, str], paragraph: str, examples: Sequence[Mapping[str, Any]]
) -> str:
    """A whole document. found: what `Comparison.to_json` gives. shown: `items` (texts or pictures), and in words the
    measure that is `deciding`, the `controls` of the partial correlation, and what lies `outside`. examples: texts with
    values of words in [0, 1], or pictures as data URIs."""
    model, human = html.escape(found["model"]), html.escape(found["human"])
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in found["notes"])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{model} beside people: {human}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{model} beside people: {human}</h1>\n<p>{html.escape(paragraph)}</p>\n"
        f"<h2>By depth</h2>\n{_depths(found, shown)}\n"
        f"<h2>All measures</h2>\n{_table(found, shown)}\n"
        f"<h2>{shown['items'].capitalize()}</h2>\n{_examples(examples, shown)}\n"
        + (f"<h2>What was left out</h2>\n<ul>{notes}</ul>\n" if notes else "")
        + "</body>\n</html>\n"
    )


def _by_method(found: Mapping[str, Any]) -> dict[str, list[tuple[int, float, float, float]]]:
    """Method -> (depth, mean, low, high) by the measure that decides."""
    by_method: dict[str, list[tuple[int, float, float, float]]] = {}
    for row in found["rows"]:
        one = row[found["deciding"]]
        if row["baseline"] or one is None:
            continue
        method, _, depth = row["name"].partition(", depth ")
        by_method.setdefault(method, []).append((int(depth or 1), one["mean"], *one["interval"]))
    return by_method


def _flat(found: Mapping[str, Any]) -> dict[str, float]:
    """What does not depend on depth: baselines, and people among themselves in the same measure."""
    name = found["deciding"]
    flat = {row["name"]: row[name]["mean"] for row in found["rows"] if row["baseline"] and row[name]}
    return flat | {what: value for what, value in found["ceiling"].items() if "reliability" not in what}


def _depths(found: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    methods, flat = _by_method(found), _flat(found)
    values = [value for points in methods.values() for _, *three in points for value in three] + list(flat.values())
    low, high = min(0.0, *values), max(values)
    step = next(one for one in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100) if (high - low) / one <= 8)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    deepest = max(depth for points in methods.values() for depth, *_ in points)

    def x(depth: float) -> float:
        return LEFT + 14 + (WIDTH - LEFT - RIGHT - 28) * (depth - 1) / max(1, deepest - 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / (top - bottom)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="likeness to people by depth">']
    for i in range(round((top - bottom) / step) + 1):
        value = bottom + i * step
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="faint" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2g}</text>')
    for depth in range(1, deepest + 1):
        parts.append(
            f'<text class="faint" x="{x(depth):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{depth}</text>'
        )
    parts.append(
        f'<text class="faint" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">layers</text>'
    )
    labels = []
    for name, value in flat.items():
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="var(--faint)" '
            'stroke-dasharray="4 4"/>'
        )
        labels.append((y(value), name, "var(--faint)"))
    for i, (method, points) in enumerate(methods.items()):
        colour, mark, aside = COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)], (i - (len(methods) - 1) / 2) * 4
        line = " ".join(f"{x(depth) + aside:.1f},{y(mean):.1f}" for depth, mean, *_ in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for depth, mean, lower, upper in points:
            at = x(depth) + aside
            parts.append(
                f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y(lower):.1f}" y2="{y(upper):.1f}" stroke="{colour}"/>'
                f"{_mark(mark, at, y(mean), colour)}"
            )
        labels.append((y(points[-1][1]), method, colour))
    parts += _labels(labels)
    parts.append("</svg>")
    caption = (
        f"Mean {shown['deciding']} over {shown['items']}, with 95 % bootstrap intervals; dashed: baselines and people."
    )
    return f"<figure>{''.join(parts)}<figcaption>{caption}</figcaption></figure>"


def _mark(kind: str, x: float, y: float, colour: str) -> str:
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>',
        "ring": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="var(--paper)" stroke="{colour}" stroke-width="2"/>',
        "square": f'<rect x="{x - 3.6:.1f}" y="{y - 3.6:.1f}" width="7.2" height="7.2" fill="{colour}"/>',
        "diamond": f'<path d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z" fill="{colour}"/>',
        "triangle": f'<path d="M{x:.1f} {y - 5:.1f}l4.8 8.5h-9.6z" fill="{colour}"/>',
        "cross": f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="{colour}" stroke-width="2"/>',
    }
    return shapes[kind]


def _labels(labels: Sequence[tuple[float, str, str]], apart: float = 15.0) -> list[str]:
    """Names at the right edge, pushed apart where they would lie on each other."""
    order = sorted(labels)
    places: list[float] = []
    for at, *_ in order:
        places.append(max(at, places[-1] + apart) if places else at)
    over = places[-1] - (HEIGHT - BOTTOM) if places else 0
    if over > 0:
        places[-1] -= over
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - apart)
    return [
        f'<text x="{WIDTH - RIGHT + 8}" y="{place + 4:.1f}" style="fill: {colour}">{html.escape(name)}</text>'
        for place, (_, name, colour) in zip(places, order, strict=True)
    ]


def _table(found: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    decides, measures = found["deciding"], list(found["measures"])
    means = [row[decides]["mean"] for row in found["rows"] if not row["baseline"] and row[decides]]
    pooled = any(row["pooled"] is not None for row in found["rows"])
    head = (*measures, *(["pooled"] if pooled else []), "outside", "p")
    body = []
    for row in found["rows"]:
        best = not row["baseline"] and row[decides] and row[decides]["mean"] == max(means)
        cells = []
        for name in measures:
            one = row[name]
            cells.append("–" if one is None else f"{one['mean']:.3f} <small>{_ends(one['interval'])}</small>")
        if pooled:
            cells.append("–" if math.isnan(row["pooled"]) else f"{row['pooled']:.3f}")
        cells.append("–" if row["outside"] is None else f"{row['outside']:.0%}")
        cells.append("–" if row["p_corrected"] is None else f"{row['p_corrected']:.2g}")
        kind = "baseline" if row["baseline"] else "best" if best else ""
        body.append(
            f'<tr class="{kind}"><td>{html.escape(row["name"])}</td>'
            + "".join(f"<td>{c}</td>" for c in cells)
            + "</tr>"
        )
    said = "; ".join(f"{name}: {formula}" for name, formula in found["measures"].items())
    caption = (
        f"{html.escape(said)}; {'pooled: over the words of all texts; ' if pooled else ''}outside: share of the "
        f"relevance on {shown['outside']}; p: of the {shown['deciding']} against {found['beside']}, paired permutation "
        "test, Holm's correction."
    )
    return (
        f'<div class="scroll"><table><thead><tr><th></th>{"".join(f"<th>{name}</th>" for name in head)}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
        f'<p class="small">{caption}</p>'
    )


def _ends(interval: Sequence[float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _examples(examples: Sequence[Mapping[str, Any]], shown: Mapping[str, str]) -> str:
    parts = []
    for one in examples:
        label = f", {html.escape(one['label'])}" if one["label"] else ""
        parts.append(
            f'<div class="text"><p class="small">{html.escape(one["where"])}{label}: '
            f"{shown['deciding']} {one['score']:.2f}</p>{_pictures(one) if 'picture' in one else _words(one)}</div>"
        )
    method = html.escape(examples[0]["method"]) if examples else ""
    return f'<p class="small">The model by {method}; where the colour is strongest is the most.</p>{"".join(parts)}'


def _words(one: Mapping[str, Any]) -> str:
    return (
        f'<div class="words"><b>people</b> {_painted(one, "people", "--human")}</div>'
        f'<div class="words"><b>model</b> {_painted(one, "model", "--paint")}</div>'
    )


def _pictures(one: Mapping[str, Any]) -> str:
    sides = "".join(
        f'<div><img src="{one[whose]}" alt="{whose}"><b>{whose}</b></div>' for whose in ("picture", "people", "model")
    )
    return f'<div class="pictures">{sides}</div>'


def _painted(one: Mapping[str, Any], whose: str, colour: str) -> str:
    text, at, parts = one["text"], 0, []
    for (first, last), value in zip(one["spans"], one[whose], strict=True):
        parts.append(html.escape(text[at:first]))
        parts.append(
            f'<span style="background: rgba(var({colour}), {0.85 * value:.3f})" title="{value:.2f}">'
            f"{html.escape(text[first:last])}</span>"
        )
        at = last
    return "".join(parts) + html.escape(text[at:])
