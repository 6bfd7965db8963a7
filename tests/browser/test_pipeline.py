"""A moderator looks at what belongs to others: with a reason, by crafted links, and although a search fails."""

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.looking import SETTLED_MS, page_of, sign_in, violations, visit
from tests.browser.product import PASSWORD, account
from tests.browser.test_keyboard import tab_to
from tests.e2e.pipeline import Pipeline

CRAFTED = "/pipeline?part=letters&letter=../users/victim/suspend%23"
TRACE = "/pipeline?part=trace&event=01931c2a-7b40-7c11-9c2e-5f6a7b8c9d0e"
ROW = "/pipeline?part=rows&table=gamification-progress&key=one&why=yes"
SEARCH = "**/v1/trace?*"
WHY = "Why do you look"


@pytest.mark.heavy
def test_a_moderator_gives_a_reason_and_tries_a_search_again(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, _):
        sign_in(page, account(shown, "moderator"))
        visit(page, CRAFTED)
        expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()
        expect(page.get_by_role("button", name="Replay")).to_have_count(0)
        visit(page, TRACE)
        refuses_reasons_that_no_header_carries(page)
        page.route(SEARCH, fails)
        page.get_by_label(WHY).fill("a dispute over a fill")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Trace")).to_be_focused()
        expect(page.get_by_role("alert").filter(has_text="Try again")).to_be_visible()
        assert violations(page) == []
        with page.expect_request(SEARCH):
            page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("button", name="Try again")).to_be_visible()
        with page.expect_request(SEARCH):
            page.get_by_role("button", name="Trace").click()
        another_signs_in(shown, page)


def refuses_reasons_that_no_header_carries(page: Page) -> None:
    """Try reasons that a browser or the API would refuse."""
    field = page.get_by_label(WHY)
    for reason in ("потому что спор", " " * 8, "a spat "):
        field.fill(reason)
        page.get_by_role("button", name="Look").click()
        assert field.evaluate("field => field.validity.patternMismatch"), reason
    expect(field).to_be_visible()


def fails(route: Route) -> None:
    route.fulfill(status=503, content_type="application/problem+json", body='{"title": "The broker is away"}')


def another_signs_in(shown: Pipeline, page: Page) -> None:
    """Let another moderator use the page, without loading it anew."""
    name = account(shown, "moderator")
    tab_to(page, page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("navigation", name="Views").get_by_role("link", name="You").click()
    page.get_by_label("Name or e-mail address").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Pipeline").click()
    page.get_by_role("link", name="Trace").click()
    page.get_by_label("Event").fill("01931c2a-7b40-7c11-9c2e-5f6a7b8c9d0e")
    page.get_by_role("button", name="Trace").click()
    expect(page.get_by_label(WHY)).to_be_visible(timeout=SETTLED_MS)


@pytest.mark.heavy
def test_the_events_behind_another_row_are_asked_for(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, _):
        sign_in(page, account(shown, "moderator"))
        visit(page, ROW)
        page.get_by_label("Key").fill("other")
        page.get_by_role("button", name="Look").first.click()
        expect(page.get_by_role("button", name="Find the events")).to_be_visible()
        visit(page, "/pipeline")
        node = page.get_by_role("link", name="domain trading")
        node.focus()
        page.keyboard.press("Enter")
        expect(node).to_be_focused()
        page.set_viewport_size({"width": 1280, "height": 800})
        graph = page.get_by_role("region", name="The pipeline as a graph")
        assert graph.evaluate("graph => graph.scrollWidth - graph.clientWidth") == 0
