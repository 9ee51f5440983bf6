"""Which labels are taken for which, as a picture: a row a true label, a column a label given.

Letters: C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

CELL, WIDEST = 28, 900  # pixels of a cell, and of all of them at most
FIGURES = 20  # labels up to which cells hold their number


def confusion_picture(counts: np.ndarray, names: Sequence[str]) -> str:
    """SVG of (C, C) counts. A cell is as dark as its share of its row; right answers are blue, wrong ones red."""
    size = len(names)
    cell = min(CELL, max(8, WIDEST // size))
    font = min(12, cell - 1)
    left = top = 20 + round(0.62 * font * max(len(name) for name in names))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    parts = []
    for row, name in enumerate(names):
        y = top + row * cell
        parts.append(f'<text x="{left - 4}" y="{y + 0.7 * cell:.1f}" text-anchor="end">{escape(name)}</text>')
        turned = f"translate({left + row * cell + 0.7 * cell:.1f} {top - 4}) rotate(-90)"
        parts.append(f'<text transform="{turned}">{escape(name)}</text>')
        for column, count in enumerate(counts[row]):
            if not count:
                continue
            x, share = left + column * cell, shares[row, column]
            colour = "#1f6fb5" if row == column else "#c4402f"
            told = f"{escape(name)} given as {escape(names[column])}: {count}"
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{colour}" '
                f'fill-opacity="{0.1 + 0.9 * share:.3f}">'
                f"<title>{told}</title></rect>"
            )
            if size <= FIGURES:
                ink = "#fff" if share > 0.5 else "#222"
                parts.append(
                    f'<text x="{x + cell / 2}" y="{y + 0.68 * cell:.1f}" text-anchor="middle" '
                    f'fill="{ink}">{count}</text>'
                )
    side = size * cell
    frame = f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#999"/>'
    width, height = left + side + 10, top + side + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="{font}" fill="#222"><title>true by row, given by column</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}{frame}</svg>\n'
    )
