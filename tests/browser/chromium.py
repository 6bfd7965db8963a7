"""Find Chromium, and open pages that report their faults."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

VARIABLE: Final = "CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHOUT_SANDBOX: Final = "--no-sandbox"
"""Chromium's sandbox does not start as root, as which containers run the tests. The pages are our own."""
PRECISE_MEMORY: Final = "--enable-precise-memory-info"


@cache
def find_chromium() -> str | None:
    """Return the program: the one that CHROMIUM names, one on PATH, or the one that Playwright installed."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    on_path = (shutil.which(name) for name in NAMES)
    return next(filter(None, on_path), None) or _playwrights_own()


def _playwrights_own() -> str | None:
    cache_folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = sorted(cache_folder.glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Run Chromium.

    Raises:
        FileNotFoundError: none is found.
    """
    program = find_chromium()
    if program is None:
        raise FileNotFoundError(f"no Chromium: name one with {VARIABLE}, or run `playwright install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[WITHOUT_SANDBOX, PRECISE_MEMORY, *more])
        try:
            yield browser
        finally:
            browser.close()


class Faults:
    """What a page's scripts report as wrong: errors and warnings of the console, exceptions, answers of 4xx and 5xx."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", self._raised)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.found.append(f"{message.type}: {message.text}")

    def _raised(self, error: Error) -> None:
        self.found.append(f"exception: {error}")
