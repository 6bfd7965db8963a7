"""A moderator decides about a withdrawal by keyboard, with a reason, and sees whether the ledger holds."""

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import SETTLED_MS, page_of, sign_in, violations, visit
from tests.browser.product import PASSWORD, account
from tests.browser.test_keyboard import tab_to
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

AMOUNT = "20000"


@pytest.mark.heavy
def test_a_moderator_decides_about_a_withdrawal(shown: Pipeline, browser: Browser) -> None:
    moderator, user_id = account(shown, "moderator"), withdraw(shown)
    what = f"20,000 USD of {user_id}"
    with page_of(browser, shown.url) as (page, faults):
        sign_in(page, moderator)
        visit(page, "/money")
        expect(page.get_by_text("✓ The ledger holds")).to_be_visible(timeout=SETTLED_MS)
        assert violations(page) == []
        one = page.locator("li", has=page.get_by_role("button", name=f"Decide about {what}"))
        tab_to(page, one.get_by_label("Decision"))
        page.keyboard.type("Approve")
        page.keyboard.press("Tab")
        page.keyboard.type("the weekly review")
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"Approved: {what}.")).to_be_focused(timeout=SETTLED_MS)
        expect(one).to_have_count(0, timeout=SETTLED_MS)
        assert faults.found == []
    assert "the weekly review" in shown.run("audit", "list", "--last", "20")


def withdraw(shown: Pipeline) -> str:
    """Let a verified user with money ask for a withdrawal that needs a review; return the id."""
    name = account(shown)
    shown.run("accounts", "verify", name, "identity", "--reason", "papers were checked")
    with shown.client_with(None) as client:
        signed_in = client.post("/v1/auth/login", json={"login": name, "password": PASSWORD}).json()
    user_id: str = signed_in["user_id"]
    deposit = {"asset": "USD", "amount": AMOUNT, "user_id": user_id, "reference": f"wire-{user_id}"}
    answer = shown.client("service", "bank").post("/v1/deposits", json={"deposits": [deposit]})
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    with shown.client_with(signed_in["access_token"]) as client:
        balances = f"/v1/users/{user_id}/balances"
        eventually(lambda: client.get(balances).is_success, within_s=20, what="the money is there")
        eventually(lambda: is_asked_for(client, user_id), within_s=20, what="the ledger knows of the verification")
    return user_id


def is_asked_for(client: httpx.Client, user_id: str) -> bool:
    """Ask for the withdrawal, and return whether it waits. It is rejected before the verification has arrived."""
    order = {"asset": "USD", "amount": AMOUNT, "destination": "DE02120300000000202051"}
    answer = client.post("/v1/withdrawals", json=order)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    wait = {"after": answer.json()["position"], "wait_ms": 10_000}
    return bool(client.get(f"/v1/users/{user_id}/withdrawals", params=wait).json()["open"])
