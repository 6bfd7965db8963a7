"""`astratrade accounts`, as an operator runs it; and the password never among the arguments."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from api.identity.errors import IdentityError
from api.identity.passwords import Passwords
from api.identity.store.database import IdentityStore
from api.identity.store.tables import ACCOUNTS, AUDIT_LOG, CREDENTIALS, OUTBOX
from deploy.cli.commands.accounts import create
from deploy.cli.main import cli
from deploy.errors import DeployError
from streams.events import decode
from streams.events.user import EmailVerified
from tests.support.aside import run_aside

PASSWORD = "zephyr-quilt-mattress"
REASON = ("--reason", "wash trading")


@pytest.fixture(autouse=True)
def url(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ASTRA_DATABASE_URL", sqlite_url)
    return sqlite_url


def run(*arguments: str, typed: str = "") -> str:
    """Run a command; return its output.

    Raises:
        Exception: what the command raised, which `main` prints in one line.
    """
    done = CliRunner().invoke(cli, ["accounts", *arguments], input=typed)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def read(url: str, column: object) -> list[object]:
    async def ask() -> list[object]:
        store = IdentityStore(url)
        async with store.read() as connection:
            found = list(await connection.scalars(select(column)))  # type: ignore[call-overload]
        await store.close()
        return found

    found: list[object] = run_aside(ask())
    return found


def test_an_account_is_created_with_the_password_on_standard_input(url: str) -> None:
    shown = run("create", "Straße", "--id", "trader-9", "--email", "a@b.example", typed=f"{PASSWORD}\n")
    assert shown.startswith("trader-9  Straße  user  active  <a@b.example>  created ")
    (stored,) = read(url, CREDENTIALS.c.password_hash)
    passwords = Passwords()
    assert run_aside(passwords.verify(PASSWORD, str(stored))).right
    passwords.close()
    assert read(url, AUDIT_LOG.c.actor) == [f"operator:{getpass.getuser()}"]
    for name in ("trader-9", "STRASSE", "A@B.example"):
        assert run("show", name) == shown


@pytest.mark.parametrize(
    ("typed", "says"),
    [("\n", "expected a password on standard input"), ("short\n", "the password is refused: expected 12 to 128")],
)
def test_a_missing_or_weak_password_is_refused_before_anything_is_written(url: str, typed: str, says: str) -> None:
    with pytest.raises(DeployError, match=says):
        run("create", "alice", typed=typed)
    assert read(url, AUDIT_LOG.c.number) == []


def test_no_option_takes_a_password() -> None:
    options = {option for parameter in create.params for option in parameter.opts}
    assert options == {"username", "--id", "--email", "--role", "--no-password", "--data-dir"}


def test_accounts_are_suspended_reinstated_given_a_role_and_closed(url: str) -> None:
    run("create", "venue-9", "--id", "venue-9", "--role", "venue", "--no-password")
    assert "suspended" in run("suspend", "venue-9", *REASON)
    assert "active" in run("reinstate", "venue-9", *REASON)
    assert "service" in run("role", "venue-9", "service")
    assert run("list", "--role", "venue") == ""
    assert run("list").startswith("venue-9  venue-9  service  active")
    assert "closed" in run("close", "venue-9", "--yes", *REASON)
    assert read(url, AUDIT_LOG.c.action) == [
        "account.created", "account.suspended", "account.reinstated", "account.role-changed", "account.closed",
    ]  # fmt: skip
    assert {"reason": "wash trading"} in read(url, AUDIT_LOG.c.detail)


def test_an_operator_confirms_a_tier(url: str) -> None:
    run("create", "ada", "--id", "trader-1", "--no-password")
    assert run("verify", "ada", "identity", *REASON).startswith("trader-1  ada")
    assert read(url, ACCOUNTS.c.verification) == ["identity"]
    assert read(url, AUDIT_LOG.c.action) == ["account.created", "account.verification-changed"]
    assert {"tier": "identity", "before": "unverified", "reason": "wash trading"} in read(url, AUDIT_LOG.c.detail)


def test_an_operator_verifies_an_email_address(url: str) -> None:
    run("create", "ada", "--id", "trader-1", "--email", "a@b.example", "--no-password")
    assert run("verify-email", "ada").startswith("trader-1  ada")
    assert read(url, ACCOUNTS.c.verification) == ["email"]
    [_, event] = [decode(value) for value in read(url, OUTBOX.events.c.value)]  # type: ignore[arg-type]
    assert event.data == EmailVerified(user_id="trader-1")
    assert read(url, AUDIT_LOG.c.action) == ["account.created", "account.email-verified"]
    run("create", "bob", "--id", "trader-2", "--no-password")
    with pytest.raises(IdentityError, match="the account has no e-mail address"):
        run("verify-email", "bob")


def test_an_unknown_or_taken_account_is_one_line() -> None:
    with pytest.raises(IdentityError, match=r"^there is no account 'nobody'$"):
        run("suspend", "nobody", *REASON)
    run("create", "alice", "--no-password")
    with pytest.raises(IdentityError, match=r"^this username is taken$"):
        run("create", "ALICE", "--no-password")


def test_closing_asks_first() -> None:
    run("create", "alice", "--no-password")
    done = CliRunner().invoke(cli, ["accounts", "close", "alice", *REASON], input="n\n")
    assert done.exit_code == 1
    assert "active" in run("show", "alice")


def test_a_data_directory_without_tables_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASTRA_DATABASE_URL")
    done = CliRunner().invoke(cli, ["accounts", "list", "--data-dir", str(tmp_path / "new")])
    assert "run `astratrade database upgrade`" in str(done.exception)
