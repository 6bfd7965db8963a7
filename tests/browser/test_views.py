"""Every view shows what it has to everyone who may see it, without faults, on a desk and on a phone."""

import pytest
from playwright.sync_api import Browser

from api.pages import VIEWS
from tests.browser.looking import PHONE, WIDE, Scheme, overflow, page_of, sign_in, violations, visit
from tests.browser.product import account
from tests.e2e.pipeline import Pipeline

LOOKS: tuple[tuple[tuple[int, int], Scheme], ...] = ((WIDE, "light"), (PHONE, "dark"))


@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=["wide-light", "phone-dark"])
@pytest.mark.parametrize("role", ["", pytest.param("user", marks=pytest.mark.heavy), "moderator"])
def test_every_view_is_without_faults(
    shown: Pipeline, browser: Browser, role: str, size: tuple[int, int], scheme: Scheme
) -> None:
    with page_of(browser, shown.url, size=size, scheme=scheme) as (page, faults):
        if role:
            sign_in(page, account(shown, role))
        wrong: dict[str, list[str]] = {}
        for path in VIEWS:
            visit(page, path)
            found = [*violations(page), *faults.found]
            found += [f"{overflow(page)} px too wide"] if overflow(page) else []
            if found:
                wrong[path] = found
            faults.found.clear()
        assert wrong == {}
