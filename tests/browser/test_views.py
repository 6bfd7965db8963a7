"""Every view shows what it has to everyone who may see it, without faults, on a desk and on a phone."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import PHONE, WIDE, Scheme, overflow, page_of, sign_in, violations, visit
from tests.browser.product import account
from tests.browser.views import addresses
from tests.e2e.pipeline import Pipeline


@pytest.mark.parametrize(
    ("role", "size", "scheme"),
    [
        pytest.param("", WIDE, "light", id="anyone-wide-light"),
        pytest.param("", PHONE, "dark", id="anyone-phone-dark", marks=pytest.mark.heavy),
        pytest.param("user", WIDE, "dark", id="user-wide-dark", marks=pytest.mark.heavy),
        pytest.param("user", PHONE, "light", id="user-phone-light", marks=pytest.mark.heavy),
        pytest.param("moderator", WIDE, "light", id="moderator-wide-light", marks=pytest.mark.heavy),
        pytest.param("moderator", PHONE, "dark", id="moderator-phone-dark", marks=pytest.mark.heavy),
    ],
)
def test_every_view_is_without_faults(
    shown: Pipeline, browser: Browser, role: str, size: tuple[int, int], scheme: Scheme
) -> None:
    with page_of(browser, shown.url, size=size, scheme=scheme) as (page, faults):
        if role:
            sign_in(page, account(shown, role))
        wrong: dict[str, list[str]] = {}
        for path in addresses(role):
            visit(page, path)
            found = [*violations(page), *faults.found]
            found += [f"{overflow(page)} px too wide"] if overflow(page) else []
            if found:
                wrong[path] = found
            faults.found.clear()
        assert wrong == {}


@pytest.mark.heavy
def test_a_link_keeps_every_choice(shown: Pipeline, browser: Browser) -> None:
    choices = {"Board": "trades", "Period": "day"}
    with page_of(browser, shown.url) as (page, _):
        visit(page, "/boards")
        for label, value in choices.items():
            page.get_by_role("combobox", name=label).select_option(value)
        link = page.url
    with page_of(browser, shown.url) as (page, _):
        visit(page, link)
        chosen = {label: page.get_by_role("combobox", name=label).input_value() for label in choices}
        assert chosen == choices


@pytest.mark.heavy
def test_a_link_keeps_the_market_that_was_first_when_it_was_chosen(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, _):
        visit(page, "/")
        market = page.get_by_role("region", name="candles").get_by_role("combobox", name="Market")
        first, second = market.locator("option").all_text_contents()[:2]
        market.select_option(second)
        market.select_option(first)
        assert f"chart={first}" in page.url


@pytest.mark.heavy
def test_times_are_in_the_readers_zone_with_utc_beside(shown: Pipeline, browser: Browser) -> None:
    seen = []
    for zone in ("America/New_York", "Asia/Tokyo"):
        with page_of(browser, shown.url, zone=zone) as (page, _):
            visit(page, "/")
            time = page.get_by_role("region", name="The newest fills").locator("time").first
            seen.append((time.inner_text(), time.get_attribute("title")))
    (here, utc), (there, same_utc) = seen
    assert here != there
    assert utc == same_utc
    assert str(utc).endswith("UTC")


@pytest.mark.heavy
def test_a_market_that_is_not_there_is_told_in_the_panel(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, _):
        visit(page, "/boards?board=volume&market=NOPE")
        expect(page.get_by_role("alert").filter(has_text="Choose another board, period or market")).to_be_visible()
        expect(page.locator(".connection")).to_have_attribute("data-state", "live")
