"""The browser that tests of pages share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens HTML and, at the end, holds it to silence: no request, no word on the console."""
    contexts, heard = [], []

    def open_(text: str, count: int = 1, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 1000}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(text, encoding="utf-8")
        own = ("data:", "blob:", path.as_uri())
        tab.on("request", lambda request: None if request.url.startswith(own) else heard.append(request.url))
        tab.goto(path.as_uri())
        ready = "n => [...document.querySelectorAll('.attention-page')].filter(e => e.state?.sentence).length === n"
        tab.wait_for_function(ready, arg=count, timeout=60_000)
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert heard == []
