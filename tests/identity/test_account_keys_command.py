"""`astratrade accounts keys`, as an operator runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from api.identity.api_keys import store as limits
from api.identity.api_keys.text import id_in, is_intact
from api.identity.errors import IdentityError
from api.identity.store.database import IdentityStore
from api.identity.store.tables import AUDIT_LOG
from api.permissions import Scope
from deploy.cli.commands import account_keys
from deploy.cli.main import cli
from deploy.errors import DeployError
from tests.support.aside import run_aside


@pytest.fixture(autouse=True)
def venue(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_DATABASE_URL", sqlite_url)
    run("create", "venue-9", "--id", "venue-9", "--role", "venue", "--no-password")


def run(*arguments: str) -> Result:
    """Run a command.

    Raises:
        Exception: what the command raised, which `main` prints in one line.
    """
    done = CliRunner().invoke(cli, ["accounts", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def audited(url: str) -> list[tuple[str, str]]:
    async def ask() -> list[tuple[str, str]]:
        store = IdentityStore(url)
        async with store.read() as connection:
            rows = (await connection.execute(select(AUDIT_LOG.c.action, AUDIT_LOG.c.actor))).all()
        await store.close()
        return [(action, actor) for action, actor in rows]

    found: list[tuple[str, str]] = run_aside(ask())
    return found


def test_a_key_is_printed_once_listed_and_revoked(sqlite_url: str, tmp_path: Path) -> None:
    made = run("keys", "create", "venue-9", "--name", "fills", "--scope", "fills:write", "--address", "192.0.2.7")
    text = made.stdout.strip()
    key_id = id_in(text)
    assert key_id is not None
    assert is_intact(text)
    assert made.stderr.startswith(f"{key_id} expires ")
    listed = run("keys", "list", "venue-9").stdout
    assert listed.startswith(f"{key_id}  fills  fills:write  expires ")
    assert listed.rstrip().endswith("never used  from 192.0.2.7/32")
    assert text.rpartition("_")[2] not in listed
    assert run("keys", "revoke", "venue-9", key_id).stdout == f"{key_id} is revoked\n"
    assert run("keys", "list", "venue-9").stdout == ""
    actions = audited(sqlite_url)
    assert [action for action, _ in actions] == ["account.created", "api-key.created", "api-key.revoked"]
    assert all(actor.startswith("operator:") for _, actor in actions)


def test_what_an_account_may_not_have_is_refused_in_one_line() -> None:
    create = ("keys", "create", "venue-9", "--name", "x", "--scope")
    with pytest.raises(IdentityError, match=r"^this account cannot have a key for trade$"):
        run(*create, "trade")
    with pytest.raises(IdentityError, match=r"^this account cannot have a key for withdraw$"):
        run(*create, "withdraw")
    with pytest.raises(DeployError, match="'everything' is not a valid Scope"):
        run(*create, "everything")
    with pytest.raises(DeployError, match="'here' is no address or CIDR network"):
        run(*create, "fills:write", "--address", "here")
    with pytest.raises(DeployError, match="has no API key 'k-1' that is not revoked"):
        run("keys", "revoke", "venue-9", "k-1")
    too_many = [argument for number in range(21) for argument in ("--address", f"192.0.2.{number}")]
    with pytest.raises(IdentityError, match=r"^a key may name 20 networks, and not 21$"):
        run(*create, "fills:write", *too_many)
    assert run(*create, "fills:write", "--days", "366").exit_code == 2
    assert run("keys", "create", "venue-9", "--name", "a\nb", "--scope", "fills:write").exit_code == 2


def test_the_command_names_all_scopes_and_has_the_limits_of_the_api() -> None:
    shown = run("keys", "create", "--help").stdout
    assert all(scope.value in shown for scope in Scope)
    assert (account_keys.DAYS_DEFAULT, account_keys.DAYS_MAX, account_keys.NAME_CHARS_MAX) == (
        limits.DAYS_DEFAULT,
        limits.DAYS_MAX,
        limits.NAME_CHARS_MAX,
    )
