"""What a person does with the dashboard, and what axe says of what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import Faults
from tests.browser.product import PASSWORD

Scheme = Literal["light", "dark"]
WIDE: Final = (1400, 1000)
PHONE: Final = (360, 740)
SETTLED_MS: Final = 20_000
AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
"""The script of axe-core, which the package has."""
RUN_AXE: Final = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"
LOADING: Final = "main [aria-busy=true], main :text-is('Loading…')"


@contextmanager
def page_of(
    browser: Browser, url: str, *, size: tuple[int, int] = WIDE, scheme: Scheme = "light", zone: str = "Europe/Rome"
) -> Iterator[tuple[Page, Faults]]:
    """Return a page of a new person, with cookies and storage of their own, and what goes wrong in it."""
    width, height = size
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        timezone_id=zone,
        locale="en-GB",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(SETTLED_MS)
    try:
        yield page, Faults(page)
    finally:
        context.close()


def visit(page: Page, path: str) -> None:
    """Open a view, and wait until it shows what it has to show."""
    page.goto(path)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page is live and nothing in it is loading."""
    expect(page.locator("main h1").first).to_be_visible(timeout=SETTLED_MS)
    expect(page.locator(".connection")).to_have_attribute("data-state", "live", timeout=SETTLED_MS)
    expect(page.locator(LOADING)).to_have_count(0, timeout=SETTLED_MS)


def sign_in(page: Page, name: str) -> None:
    """Sign in with the form, as a person does."""
    page.goto("/player")
    page.get_by_label("Name or e-mail address").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=SETTLED_MS)
    settle(page)


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with the page as it is: the rule, and where."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE)
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
