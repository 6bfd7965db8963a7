"""`astratrade accounts`: create, show and change accounts. Each change is in the audit log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from api.auth import Role
from deploy.cli.commands.account_keys import keys
from deploy.cli.commands.options import data_dir_option
from deploy.errors import DeployError
from deploy.settings import load
from streams.events.user import Tier

if TYPE_CHECKING:
    from api.identity.accounts import Account, Verification

Step = Literal["suspend", "reinstate", "set_role", "close", "verify_email", "set_verification"]

LIST_DEFAULT = 50
ROLE = click.Choice([role.value for role in Role])
TIER = click.Choice(get_args(Tier))
reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why; the audit log keeps it.")


@click.group()
def accounts() -> None:
    """Create, show and change accounts. ACCOUNT is an id, a username or an e-mail address.

    \b
    Example:
      astratrade accounts list
    """


accounts.add_command(keys)


@accounts.command()
@click.argument("username")
@click.option("--id", "account_id", metavar="ID", help="The user id, which a venue's fills name.  [default: a new one]")
@click.option("--email", metavar="ADDRESS", help="E-mail address.")
@click.option("--role", type=ROLE, default="user", show_default=True, help="What the account may do.")
@click.option("--no-password", is_flag=True, help="Create an account that does not sign in by password.")
@data_dir_option
def create(
    *, username: str, account_id: str | None, email: str | None, role: str, no_password: bool, data_dir: Path | None
) -> None:
    """Create the account USERNAME. Ask for its password, or read it from the first line of standard input.

    \b
    Examples:
      astratrade accounts create venue-9 --id venue-9 --role venue --no-password
    """
    settings = load(data_dir=data_dir)
    from deploy.admin import accounts as admin  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    password = None if no_password else _password()
    _print(admin.create(settings, admin.NewAccount(username, account_id, email, Role(role)), password))


@accounts.command()
@click.argument("account")
@data_dir_option
def show(account: str, data_dir: Path | None) -> None:
    """Print an account and its sub-accounts.

    \b
    Example:
      astratrade accounts show trader-1
    """
    settings = load(data_dir=data_dir)
    from deploy.admin import accounts as admin  # noqa: PLC0415

    found, children = admin.show(settings, account)
    _print(found)
    for child in children:
        _print(child)


@accounts.command("list")
@click.option("--role", type=ROLE, help="Only accounts with this role.")
@click.option("--after", default="", metavar="ID", help="Begin behind this id.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=LIST_DEFAULT, show_default=True, help="At most.")
@data_dir_option
def list_accounts(role: str | None, after: str, limit: int, data_dir: Path | None) -> None:
    """List accounts in the order of their ids.

    \b
    Example:
      astratrade accounts list --role venue
    """
    settings = load(data_dir=data_dir)
    from deploy.admin import accounts as admin  # noqa: PLC0415

    for account in admin.listed(settings, after=after, limit=limit, role=None if role is None else Role(role)):
        _print(account)


@accounts.command()
@click.argument("account")
@reason_option
@data_dir_option
def suspend(account: str, reason: str, data_dir: Path | None) -> None:
    """Suspend ACCOUNT and its sub-accounts. Within a second every API process refuses their tokens.

    \b
    Example:
      astratrade accounts suspend trader-3 --reason "wash trading"
    """
    _change(data_dir, account, "suspend", reason=reason)


@accounts.command()
@click.argument("account")
@reason_option
@data_dir_option
def reinstate(account: str, reason: str, data_dir: Path | None) -> None:
    """End the suspension of ACCOUNT and its sub-accounts.

    \b
    Example:
      astratrade accounts reinstate trader-3 --reason "appeal granted"
    """
    _change(data_dir, account, "reinstate", reason=reason)


@accounts.command()
@click.argument("account")
@click.argument("role", type=ROLE)
@data_dir_option
def role(account: str, role: str, data_dir: Path | None) -> None:
    """Give ACCOUNT another role. Within a second every API process refuses tokens with the old one.

    \b
    Example:
      astratrade accounts role trader-2 moderator
    """
    _change(data_dir, account, "set_role", role=Role(role))


@accounts.command()
@click.argument("account")
@reason_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_dir_option
def close(account: str, reason: str, *, yes: bool, data_dir: Path | None) -> None:
    """Close ACCOUNT and its sub-accounts for good. Remove address, password, wallets and keys.

    \b
    Example:
      astratrade accounts close trader-3 --reason "asked to leave"
    """
    if not yes:
        click.confirm(f"Close the account {account!r} for good?", abort=True)
    _change(data_dir, account, "close", reason=reason)


@accounts.command("verify-email")
@click.argument("account")
@data_dir_option
def verify_email(account: str, data_dir: Path | None) -> None:
    """Note that the e-mail address of ACCOUNT is its user's. No e-mail is sent: check the address yourself.

    \b
    Example:
      astratrade accounts verify-email trader-3
    """
    _change(data_dir, account, "verify_email")


@accounts.command()
@click.argument("account")
@click.argument("tier", type=TIER)
@reason_option
@data_dir_option
def verify(account: str, tier: str, reason: str, data_dir: Path | None) -> None:
    """Confirm the verification TIER of ACCOUNT and its sub-accounts, as of now.

    \b
    Example:
      astratrade accounts verify trader-2 identity --reason "passport checked"
    """
    from api.identity.accounts import Verification  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    _change(data_dir, account, "set_verification", tier=Verification(tier), reason=reason)


def _change(data_dir: Path | None, account: str, step: Step, **facts: str | Role | Verification) -> None:
    """Carry out a step of `api.identity.account_changes` in the name of the operator, and print the account."""
    settings = load(data_dir=data_dir)
    from api.identity import account_changes  # noqa: PLC0415 - SQLAlchemy takes a moment to import
    from deploy.admin import accounts as admin  # noqa: PLC0415

    carry_out, actor = getattr(account_changes, step), admin.operator()
    _print(admin.change(settings, account, lambda work, found: carry_out(work, found.id, actor=actor, **facts)))


def _password() -> str:
    """Return a password: typed twice at a terminal, or the first line of standard input."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise DeployError("expected a password on standard input, or --no-password")
    return line


def _print(account: Account) -> None:
    """Print an account on one line."""
    facts = [account.id, account.username or "-", account.role.value, account.status.value]
    facts += [f"<{account.email}>"] if account.email else []
    facts += ["private"] if account.is_private else []
    facts += [f"of {account.parent_id}"] if account.parent_id else []
    click.echo("  ".join([*facts, f"created {account.created.text()}"]))
