"""A user keeps the account in order: keys, sub-accounts, notifications, sessions; and signs in with a wallet."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import SETTLED_MS, page_of, settle, sign_in, violations, visit
from tests.browser.product import PASSWORD, account
from tests.e2e.pipeline import Pipeline
from tests.support.starknet import CHAIN, Signer

WALLET = "setTimeout(() => { starknet_test = { id: 'test', name: 'Test', request: (call) => answered(call) }; }, 500)"
"""What an extension does: it puts its wallet into the page a while after the page has begun."""


@pytest.mark.heavy
def test_a_user_makes_keys_and_sub_accounts_and_ends_sessions(shown: Pipeline, browser: Browser) -> None:
    name = account(shown)
    with page_of(browser, shown.url) as (page, faults):
        sign_in(page, name)
        visit(page, "/account")
        page.get_by_text("Create a key").click()
        form = page.locator("form", has=page.get_by_role("button", name="Create the key"))
        form.get_by_label("Name").fill("bot")
        form.get_by_label("trade").check()
        form.get_by_label("Your password").fill(PASSWORD)
        form.get_by_role("button").click()
        expect(page.locator(".secret code")).to_have_text(re.compile("^ak_"), timeout=SETTLED_MS)
        assert violations(page) == []
        page.get_by_role("button", name="Revoke bot").click()
        expect(page.get_by_text("None yet. A program signs in with one.")).to_be_visible(timeout=SETTLED_MS)
        expect(page.get_by_role("heading", name="API keys")).to_be_focused()
        form = page.locator("form", has=page.get_by_role("button", name="Create a sub-account"))
        form.get_by_label("Name").fill("grid")
        form.get_by_role("button").click()
        page.locator("summary", has_text="grid").click()
        page.get_by_label("I know that it cannot be opened again").check()
        page.get_by_role("button", name="Close grid for good").click()
        expect(page.locator("summary", has_text="grid")).to_have_count(0, timeout=SETTLED_MS)
        page.get_by_role("button", name="Become private").click()
        expect(page.get_by_text("You are private")).to_be_visible(timeout=SETTLED_MS)
        assert faults.found == []
        page.get_by_role("button", name="End all sessions").click()
        expect(page.get_by_label("Name or e-mail address")).to_be_visible(timeout=SETTLED_MS)


@pytest.mark.heavy
def test_a_wallet_signs_in_and_the_last_way_to_sign_in_stays(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, _):
        visit(page, "/account")
        expect(page.get_by_text("No Starknet wallet is in this browser")).to_be_visible()
        give_wallet(page, Signer(0x5EED))
        visit(page, "/account")
        page.get_by_role("button", name="Sign in with a wallet").click()
        expect(page.get_by_role("button", name="Sign out").first).to_be_visible(timeout=SETTLED_MS)
        settle(page)
        page.locator("summary", has_text=CHAIN).click()
        page.get_by_role("button", name="by signature").click()
        expect(page.get_by_text("The account would have no way to sign in")).to_be_visible(timeout=SETTLED_MS)
        assert violations(page) == []


def give_wallet(page: Page, signer: Signer) -> None:
    """Put a wallet of an account that is not deployed into the page."""

    def answered(call: dict[str, Any]) -> object:
        if call["type"] == "wallet_signTypedData":
            return signer.sign(call["params"])
        return {
            "wallet_requestAccounts": [signer.address],
            "wallet_requestChainId": hex(int.from_bytes(CHAIN.encode())),
            "wallet_deploymentData": {"salt": hex(signer.public_key)},
        }[call["type"]]

    page.expose_function("answered", answered)
    page.add_init_script(WALLET)


@pytest.mark.heavy
def test_a_user_changes_the_password(shown: Pipeline, browser: Browser) -> None:
    name, changed = account(shown), f"{PASSWORD} as changed"
    with page_of(browser, shown.url) as (page, _):
        sign_in(page, name)
        visit(page, "/account")
        form = page.get_by_role("region", name="Password")
        form.get_by_label("Present password").fill("not the present one")
        form.get_by_label("New password").fill(changed)
        form.get_by_role("button").click()
        expect(form.get_by_role("alert")).to_be_visible()
        form.get_by_label("Present password").fill(PASSWORD)
        form.get_by_label("New password").fill(changed)
        form.get_by_role("button").click()
        expect(form.get_by_text("Your other sessions have ended")).to_be_visible()
    with shown.client_with(None) as client:
        answers = [
            client.post("/v1/auth/login", json={"login": name, "password": each}).is_success
            for each in (PASSWORD, changed)
        ]
    assert answers == [False, True]


@pytest.mark.heavy
def test_preferences_are_saved_only_when_those_in_force_are_known(shown: Pipeline, browser: Browser) -> None:
    with page_of(browser, shown.url) as (page, _):
        sign_in(page, account(shown))
        page.route("**/page-settings", lambda route: route.abort())
        page.goto("/account")
        panel = page.get_by_role("region", name="Notifications")
        expect(panel.get_by_text("None yet.")).to_be_visible()
        expect(panel.get_by_text("Choose what to be told")).to_have_count(0)
        page.unroute("**/page-settings")
        visit(page, "/account")
        panel.get_by_text("Choose what to be told").click()
        expect(panel.get_by_role("checkbox").first).to_be_checked()
