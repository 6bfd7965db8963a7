"""`astratrade accounts keys`: API keys of venues, services and bots. The text of a key is printed once."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.cli.commands.options import data_dir_option
from deploy.settings import load

DAYS_DEFAULT = 90
DAYS_MAX = 365
NAME_CHARS_MAX = 64


@click.group()
def keys() -> None:
    """Create, list and revoke the API keys of ACCOUNT.

    \b
    Example:
      astratrade accounts keys list venue-1
    """


@keys.command()
@click.argument("account")
@click.option("--name", required=True, metavar="TEXT", help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="SCOPE",
    help="A scope: fills:write, prices:write, money:write, trade, withdraw, read:private or account; may be repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(1, DAYS_MAX),
    default=DAYS_DEFAULT,
    show_default=True,
    help="Days until the key expires.",
)
@click.option("--address", "addresses", multiple=True, metavar="CIDR", help="A network from which the key may be used.")
@data_dir_option
def create(
    *,
    account: str,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    addresses: tuple[str, ...],
    data_dir: Path | None,
) -> None:
    """Create an API key and print it. It cannot be shown again: the database has a digest of it.

    \b
    Example:
      astratrade accounts keys create venue-1 --name fills --scope fills:write
    """
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise click.BadParameter(f"expected 1 to {NAME_CHARS_MAX} printable characters", param_hint="--name")
    settings = load(data_dir=data_dir)
    from deploy.admin import api_keys as admin  # noqa: PLC0415 - SQLAlchemy takes a moment to import

    created = admin.create(settings, account, name=name, scopes=scopes, days=days, addresses=addresses)
    click.echo(f"{created.key.id} expires {created.key.expires.text()}", err=True)
    click.echo(created.text)


@keys.command("list")
@click.argument("account")
@data_dir_option
def list_(account: str, data_dir: Path | None) -> None:
    """Print the API keys of ACCOUNT that were not revoked.

    \b
    Example:
      astratrade accounts keys list venue-1
    """
    settings = load(data_dir=data_dir)
    from deploy.admin import api_keys as admin  # noqa: PLC0415

    for key in admin.listed(settings, account):
        used = "never used" if key.last_used is None else f"used {key.last_used.text()}"
        facts = [key.id, key.name, ",".join(key.scopes), f"expires {key.expires.text()}", used]
        click.echo("  ".join([*facts, *(f"from {address}" for address in key.addresses)]))


@keys.command()
@click.argument("account")
@click.argument("key_id", metavar="KEY_ID")
@data_dir_option
def revoke(account: str, key_id: str, data_dir: Path | None) -> None:
    """Revoke the API key KEY_ID of ACCOUNT. Within two seconds no API process accepts it.

    \b
    Example:
      astratrade accounts keys revoke venue-1 01920b0f-0000-7000-8000-000000000000
    """
    settings = load(data_dir=data_dir)
    from deploy.admin import api_keys as admin  # noqa: PLC0415

    admin.revoke(settings, account, key_id)
    click.echo(f"{key_id} is revoked")
