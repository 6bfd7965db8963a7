"""Users find each other, follow each other and let their constellations battle."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import SETTLED_MS, page_of, settle, sign_in, violations, visit
from tests.browser.product import account
from tests.e2e.pipeline import Pipeline


@pytest.mark.heavy
def test_users_follow_each_other_and_their_constellations_battle(shown: Pipeline, browser: Browser) -> None:
    one, other = account(shown), account(shown)
    with page_of(browser, shown.url) as (page, faults), page_of(browser, shown.url) as (second, _):
        sign_in(page, one)
        sign_in(second, other)
        befriend(page, second)
        for each, name in ((page, f"North {one[-4:]}"), (second, f"South {other[-4:]}")):
            found_constellation(each, name)
        second.get_by_role("link", name=f"North {one[-4:]}").first.click()
        second.get_by_role("button", name="Challenge").click()
        expect(second.get_by_text("Challenge sent.")).to_be_visible(timeout=SETTLED_MS)
        page.get_by_role("button", name="Accept").click()
        battle = page.locator("li", has=page.get_by_role("link", name=f"South {other[-4:]}"))
        expect(battle.get_by_role("timer")).to_be_visible(timeout=SETTLED_MS)
        assert violations(page) == []
        second.get_by_role("button", name="Challenge").click()
        expect(second.get_by_text("Refused: in a battle")).to_be_visible(timeout=SETTLED_MS)
        assert faults.found == []


def befriend(page: Page, second: Page) -> None:
    """Let two users follow each other."""
    for each, other in ((page, second), (second, page)):
        user_id = other.evaluate("JSON.parse(localStorage['astra-session']).user_id")
        visit(each, "/community")
        each.get_by_role("search").get_by_label("User").fill(user_id)
        each.keyboard.press("Enter")
        each.get_by_role("button", name="Follow").click()
        expect(each.get_by_role("button", name="Unfollow")).to_be_visible(timeout=SETTLED_MS)
    expect(page.get_by_text("You are friends")).to_be_visible(timeout=SETTLED_MS)


def found_constellation(page: Page, name: str) -> None:
    visit(page, "/community")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Found a constellation").click()
    expect(page.get_by_text(f"You belong to {name}, as owner.")).to_be_visible(timeout=SETTLED_MS)
    settle(page)
