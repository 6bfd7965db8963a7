"""`astratrade token`: a signed token for the API."""

from __future__ import annotations

from pathlib import Path

import click

from api.auth import Role
from api.identity.limits import ACCESS_TTL_S_MAX
from deploy.admin.tokens import issue
from deploy.cli.commands.options import data_dir_option
from deploy.settings import load


@click.command()
@click.option("--user", required=True, metavar="ID", help="Subject of the token: a user or a venue.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default="user",
    show_default=True,
    help="Role of the token.",
)
@click.option(
    "--ttl",
    type=click.IntRange(1, ACCESS_TTL_S_MAX),
    metavar="SECONDS",
    help="Lifetime, at most a day.  [default: ASTRA_TOKEN_TTL_S, or 10 minutes]",
)
@data_dir_option
def token(user: str, role: str, ttl: int | None, data_dir: Path | None) -> None:
    """Print an access token signed with this installation's key. The audit log records it.

    \b
    Examples:
      astratrade token --user trader-1
      astratrade token --user dex-1 --role venue --ttl 3600
    """
    settings = load(data_dir=data_dir, token_ttl_s=ttl)
    click.echo(issue(settings, user, Role(role)))
