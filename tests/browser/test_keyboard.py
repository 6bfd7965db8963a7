"""Everything is reached and done by keyboard alone."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.looking import SETTLED_MS, page_of, settle
from tests.browser.product import PASSWORD, account
from tests.e2e.pipeline import Pipeline

TABS_MAX = 80


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until an element has the focus, and check that one can see it."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
            assert width >= 1, "the focus cannot be seen"
            return
    raise AssertionError(f"{wanted} is not reached by {TABS_MAX} tabs")


@pytest.mark.heavy
def test_a_player_signs_in_and_trades_by_keyboard(shown: Pipeline, browser: Browser) -> None:
    name = account(shown)
    with page_of(browser, shown.url) as (page, _):
        page.goto("/")
        settle(page)
        tab_to(page, page.get_by_role("link", name="Skip to content"))
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.goto("/")
        tab_to(page, page.get_by_role("navigation", name="Views").get_by_role("link", name="You"))
        page.keyboard.press("Enter")
        tab_to(page, page.get_by_label("Name or e-mail address"))
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(name, timeout=SETTLED_MS)
        tab_to(page, page.get_by_role("button", name="Place the order"))
        page.keyboard.press("Enter")
        steps = page.get_by_role("list", name="What became of the order").get_by_role("listitem")
        expect(steps.filter(has_text="on the board")).to_be_visible(timeout=SETTLED_MS)
        tab_to(page, page.get_by_role("button", name="Sign out"))
        page.keyboard.press("Enter")
        expect(page.get_by_label("Password")).to_be_visible(timeout=SETTLED_MS)
