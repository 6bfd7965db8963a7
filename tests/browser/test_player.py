"""A player signs in, trades and sees the trade travel; nobody sees what belongs to another."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import SETTLED_MS, page_of, settle, sign_in, violations, visit
from tests.browser.product import PASSWORD, account
from tests.e2e.pipeline import Pipeline

JOURNEY = re.compile(r"accepted\d+ ms;executed at [\d,.]+\d ms;(\+\d+ XP, [a-z ]+\d+ ms;)+rank \d+ on the board\d+ ms")
"""The steps of a trade in the order of their causes."""
CLOSE = re.compile(
    r"accepted\d+ ms;closed at [\d,.]+, profit −?[\d.]+ USD\d+ ms;"
    r"(\+\d+ XP, [a-z ]+\d+ ms;)*rank \d+ on the board\d+ ms"
)
"""The steps of the close of a trade."""


def test_a_new_player_places_a_trade_and_sees_it_travel(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, faults):
        page.goto("/player?account=new")
        page.get_by_label("Name").fill("nova-of-the-test")
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Create account").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("nova-of-the-test", timeout=SETTLED_MS)
        settle(page)
        page.get_by_label("Market").select_option(index=0)
        page.get_by_role("button", name="Place the order").click()
        steps = page.get_by_role("list", name="What became of the order").get_by_role("listitem")
        expect(steps.filter(has_text="on the board")).to_be_visible(timeout=SETTLED_MS)
        expect(steps.filter(has_text="XP").first).to_be_visible()
        told = ";".join(text.replace("\n", "") for text in steps.all_inner_texts())
        assert JOURNEY.fullmatch(told), told
        assert violations(page) == []
        visit(page, "/boards?board=trades")
        expect(page.get_by_role("link", name="you", exact=True).first).to_be_visible(timeout=SETTLED_MS)
        assert faults.found == []


@pytest.mark.heavy
def test_a_player_closes_a_trade_and_sees_it_travel(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, faults):
        sign_in(page, account(shown))
        page.get_by_label("Amount, USD").fill("1234.56")
        expect(page.get_by_text("Opening costs 0.1 % of the amount: 1.23 USD")).to_be_visible()
        page.get_by_role("button", name="Place the order").click()
        page.get_by_role("button", name=re.compile("^Close")).click(timeout=SETTLED_MS)
        steps = page.get_by_role("list", name="What became of the close").get_by_role("listitem")
        expect(steps.filter(has_text="on the board")).to_be_visible(timeout=SETTLED_MS)
        told = ";".join(text.replace("\n", "") for text in steps.all_inner_texts())
        assert CLOSE.fullmatch(told), told
        expect(page.get_by_text("You have no open position")).to_be_visible()
        expect(page.get_by_role("combobox", name="Trades")).to_have_value("practice")
        assert violations(page) == []
        assert faults.found == []


@pytest.mark.heavy
def test_a_sign_in_leads_back_to_where_it_was_asked_for(shown: Pipeline, browser: Browser) -> None:
    name = account(shown, "moderator")
    with page_of(browser, shown.url) as (page, faults):
        visit(page, "/money?hours=24")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Name or e-mail address").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Money", timeout=SETTLED_MS)
        expect(page).to_have_url(re.compile(r"/money\?hours=24$"))
        expect(page.locator(".top")).to_contain_text("You are moderator")
        page.get_by_role("button", name="Sign out").click()
        visit(page, "/player?back=//example.com/")
        page.get_by_label("Name or e-mail address").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name, timeout=SETTLED_MS)
        assert faults.found == []


@pytest.mark.heavy
def test_boards_show_the_name_of_a_public_profile(shown: Pipeline, browser: Browser) -> None:
    name = account(shown)
    with page_of(browser, shown.url) as (page, _):
        sign_in(page, name)
        user = page.get_by_role("heading", level=1).get_attribute("title")
        page.get_by_role("button", name="Place the order").click()
        expect(page.get_by_role("listitem").filter(has_text="on the board")).to_be_visible(timeout=SETTLED_MS)
        visit(page, "/account")
        page.get_by_label("Name to show").fill(f"Star {name}")
        page.get_by_role("region", name="Profile").get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
    with page_of(browser, shown.url) as (page, faults):
        visit(page, f"/boards?board=trades&user={user}")
        around = page.get_by_role("region", name="Around a trader")
        expect(around.get_by_role("link", name=f"Star {name}")).to_be_visible(timeout=SETTLED_MS)
        assert faults.found == []


@pytest.mark.heavy
def test_two_accounts_see_nothing_of_each_other(shown: Pipeline, browser: Browser) -> None:
    one, other = account(shown), account(shown)
    with page_of(browser, shown.url) as (page, _):
        sign_in(page, one)
        page.get_by_label("Market").select_option(index=0)
        page.get_by_role("button", name="Place the order").click()
        trades = page.get_by_role("button", name=re.compile("^Close"))
        expect(trades).to_have_count(1, timeout=SETTLED_MS)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Password")).to_be_visible(timeout=SETTLED_MS)
        sign_in(page, other)
        expect(page.get_by_role("heading", level=1)).to_have_text(other)
        expect(trades).to_have_count(0)
        assert one not in page.locator("main").inner_text()
