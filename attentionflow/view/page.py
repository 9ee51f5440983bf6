"""The attention page: a record, and the relevance that flow methods find in it, as one self-contained HTML component.

Weights travel in T = 65,535 steps a row up to 2 million weights, in T = 255 beyond. In a row of non-negative weights
with the largest r, a weight v on the page differs from the recorded one by at most sqrt(v r) / T + r / (4 T^2): about
r / T at worst, far less where v is small. Where weights are negative, v and r count from the row's smallest. Sums over
merged sub-words add their errors. The same holds for relevance, in 65,535 steps.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from attentionflow.errors import UserError, nearest
from attentionflow.records import AttentionRecord
from attentionflow.view.payload import payload
from attentionflow.view.relevance import AllPaths, Relevances, relevance_groups

THEMES = ("auto", "light", "dark")
LANGUAGES = ("auto", "en", "zh")
SCRIPTS = ("draw.", "picture.", "strip.", "flow.", "relevance.", "build.", "")


@dataclass(frozen=True)
class Page:
    """A page to show or save. In a notebook it shows itself."""

    title: str
    payload: str

    @property
    def html(self) -> str:
        """A whole document that needs nothing else, and may ask for nothing else: its content policy forbids it."""
        allowed = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
        policy = f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'"
        return (
            '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
            f"<title>{_plain(self.title)}</title>\n<style>body {{ margin: 0 }}</style>\n</head>\n<body>\n"
            f"{self._fragment('data-alone')}\n</body>\n</html>\n"
        )

    def _repr_html_(self) -> str:
        return self._fragment("")

    def save(self, path: str | Path) -> Path:
        """Write the document under a temporary name, then rename it, so that no half page is ever seen."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_bytes(self.html.encode())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return path

    def _fragment(self, attributes: str) -> str:
        # The last attribute keeps JupyterLab's single-key commands away from the page's own keys.
        return (
            f'<{_tag()} class="attention-page" {attributes} data-lm-suppress-shortcuts="true">'
            f'<script type="application/json">{self.payload}</script>'
            f"<p>{_plain(self.title)}: this view needs JavaScript; in a notebook, trust the notebook first.</p>"
            f"</{_tag()}>\n<script>{_script()}</script>"
        )


def page(
    record: AttentionRecord,
    relevance: Relevances = None,
    *,
    paths: AllPaths = None,
    title: str = "",
    example: int = 0,
    theme: str = "auto",
    language: str = "auto",
) -> Page:
    """Show a record, starting with one of its examples; up to 8 small examples travel together.

    relevance: one, or several to switch between, of that example; the page then opens on it and shows no other example.
    paths: what `flows.paths.trace` found, to be drawn as a flow diagram: one, or several of different targets, of the
    first relevance; or a mapping from the method of each to its own.
    theme is "auto", "light" or "dark"; language is "auto", "en" or "zh". A reader can change both.
    """
    for what, given, known in (("theme", theme, THEMES), ("language", language, LANGUAGES)):
        if given not in known:
            raise UserError(f"unknown {what} {given!r}; {nearest(given, known)}")
    content = payload(record, example, alone=relevance is not None)
    content["examples"][0]["groups"][:0] = relevance_groups(record, example, relevance, paths)
    title = title or record.model or "Attention"
    content |= {"title": title, "theme": theme, "language": language}
    content |= {"strings": json.loads(_read("page.i18n.json")), "style": _read("page.css")}
    # ASCII alone, and no character with a meaning in HTML: no label can end the script element early.
    text = json.dumps(content, separators=(",", ":"))
    return Page(title, text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _plain(text: str) -> str:
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _read(name: str) -> str:
    return files("attentionflow.view").joinpath(name).read_text(encoding="utf-8")


def _source() -> str:
    return "".join(map(_read, (f"page.{part}js" for part in SCRIPTS)))


def _tag() -> str:
    """Named by its content, so that outputs of two versions live side by side in one notebook."""
    return f"attention-page-{hashlib.sha256(_source().encode()).hexdigest()[:8]}"


def _script() -> str:
    return f'(() => {{\n"use strict";\nconst TAG = "{_tag()}";\n{_source()}}})();'
