"""A page without its API or its broker says how old it is; afterwards nothing is missing and nothing is there twice."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import SETTLED_MS, page_of, visit
from tests.browser.plug import Plug
from tests.browser.product import product
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.trader import accepted

SENT_AT_ONCE = 8
BACK_MS = 60_000
AS_OF = re.compile(r"as of \d+ ?s")


class Tape:
    """Fills at prices that no other test has, and what a page shows of them."""

    def __init__(self, pipeline: Pipeline, page: Page) -> None:
        self.prices: list[int] = []
        self._pipeline = pipeline
        self._millions = 1 + secrets.randbelow(900)
        rows = page.get_by_role("region", name="The newest fills").get_by_role("row")
        self._rows = rows.filter(has_text=re.compile(rf"{self._millions},000,\d\d\d"))

    def trade(self) -> None:
        """Send fills, each at a price of its own."""
        first = self._millions * 1_000_000 + len(self.prices)
        prices = range(first, first + SENT_AT_ONCE)
        fills = [fill(new_user(), price=str(price), size="1", notional_usd=f"{price}.00") for price in prices]
        accepted(self._pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": fills}))
        self.prices += prices

    def is_whole(self) -> None:
        """Check that the page shows each fill once. Their partitions decide on their order."""
        expect(self._rows).to_have_count(len(self.prices), timeout=BACK_MS)
        shown = [int(text.split("\t")[2].replace(",", "")) for text in self._rows.all_inner_texts()]
        assert sorted(shown) == self.prices


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Pipeline]:
    """Return a product that the test breaks."""
    with product(tmp_path) as pipeline:
        yield pipeline


def state(page: Page, name: str) -> None:
    expect(page.locator(".connection")).to_have_attribute("data-state", name, timeout=BACK_MS)


@pytest.mark.heavy
def test_nothing_is_missing_or_there_twice_after_the_plug_was_pulled(shown: Pipeline, browser: Browser) -> None:
    with Plug(shown.api_port) as plug, page_of(browser, plug.url) as (page, _):
        visit(page, "/")
        tape = Tape(shown, page)
        tape.trade()
        tape.is_whole()
        plug.pull()
        state(page, "lost")
        expect(page.locator(".connection")).to_contain_text(AS_OF, timeout=SETTLED_MS)
        tape.trade()
        plug.put_in()
        state(page, "live")
        tape.is_whole()
        tape.trade()
        tape.is_whole()


def kill_api(pipeline: Pipeline, page: Page) -> None:
    pipeline.api.kill()
    state(page, "lost")
    pipeline.start_api()
    pipeline.wait_until_listening()


def kill_broker(pipeline: Pipeline, page: Page) -> None:
    pipeline.kill_server()
    state(page, "stalled")
    pipeline.restart_server()
    pipeline.wait_until_ready()


@pytest.mark.heavy
@pytest.mark.parametrize("kill", [kill_api, kill_broker])
def test_a_page_goes_on_after_a_kill(
    broken: Pipeline, browser: Browser, kill: Callable[[Pipeline, Page], None]
) -> None:
    with page_of(browser, broken.url) as (page, _):
        visit(page, "/")
        tape = Tape(broken, page)
        tape.trade()
        tape.is_whole()
        kill(broken, page)
        tape.trade()
        state(page, "live")
        tape.is_whole()
