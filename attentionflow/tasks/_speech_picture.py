"""Spoken spectrograms beside those of recordings, and which letter each moment says.

Letters: P moments of the way through the letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from attentionflow.readers.mel import picture
from attentionflow.tasks._speech import Speech

SECOND, TALL = 200, 80  # pixels of a second, and of the height of a spectrogram
LINE, SIZE = 14, 11  # pixels of a line of letters, and of the letters
MARGIN = 84  # pixels on the left
INK, PATH, PAPER = "#31425c", "#b3541e", "#ffffff"


def speech_picture(spoken: Sequence[Speech], recorded: Sequence[np.ndarray | None], texts: Sequence[str]) -> str:
    """An SVG: of each, the recording where there is one, what was said, and under it the way through the letters."""
    parts, top, wide = [], 0, 0.0
    for speech, frames, text in zip(spoken, recorded, texts, strict=True):
        parts.append(_words(4, top + LINE, f"{speech.speaker}: {text}" if speech.speaker else text))
        top += LINE + 6
        for name, shown in (("recording", frames), ("spoken", speech.frames)):
            if shown is not None:
                seconds = len(shown) / speech.made_by.frame_rate
                wide = max(wide, seconds * SECOND)
                parts.append(_words(4, top + TALL / 2, name))
                parts.append(
                    f'<image x="{MARGIN}" y="{top}" width="{seconds * SECOND:.1f}" height="{TALL}" '
                    f'preserveAspectRatio="none" href="{picture(shown)}"/>'
                )
                top += TALL + 4
        parts += _way(speech, top)
        top += LINE * len(speech.letters) + 16
    width = MARGIN + wide + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{top}" viewBox="0 0 {width:.0f} {top}">'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(parts)}</svg>\n'
    )


def _way(speech: Speech, top: float) -> list[str]:
    """A line a letter; a bar where rows read it."""
    row = SECOND * len(speech.frames) / len(speech.path) / speech.made_by.frame_rate
    parts = [
        _words(MARGIN - 16, top + (at + 0.8) * LINE, letter if not letter.isspace() else "␣")
        for at, letter in enumerate(speech.letters)
    ]
    starts = np.flatnonzero(np.diff(speech.path, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(speech.path)], strict=True):
        x, y = MARGIN + start * row, top + speech.path[start] * LINE + 2
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.0f}" width="{(end - start) * row:.1f}" height="{LINE - 4}" fill="{PATH}"/>'
        )
    return parts


def _words(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y:.0f}" font-size="{SIZE}" font-family="sans-serif" fill="{INK}">{escape(text)}</text>'
