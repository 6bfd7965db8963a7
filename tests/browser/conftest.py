"""A product and a Chromium for the browser tests, in one process of pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium, find_chromium
from tests.browser.product import product
from tests.e2e.pipeline import Pipeline
from tests.selection import keep_in_one_process

SAYS_SO: Final = "test_chromium_is_found.py"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out all tests but one where no Chromium is found; that one says so."""
    if not collection_path.is_file():
        return None
    return (collection_path.name != SAYS_SO and find_chromium() is None) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    keep_in_one_process(items, Path(__file__).parent)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Return a product that no test breaks."""
    with product(tmp_path_factory.mktemp("browser")) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a Chromium.

    Each module has its own, because Playwright's event loop runs until it ends, and asynchronous tests of other
    modules need theirs.
    """
    with chromium() as running:
        yield running
