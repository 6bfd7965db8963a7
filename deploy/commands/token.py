"""`astratrade token`: a signed token for the API."""

from __future__ import annotations

import time
from pathlib import Path

import click

from api.auth import Role, mint
from deploy.commands.options import data_dir_option
from deploy.secret import signing_secret
from deploy.settings import load


@click.command()
@click.option("--user", required=True, metavar="ID", help="Whom the token is for: its subject.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="user", show_default=True)
@click.option(
    "--ttl", type=click.IntRange(1), metavar="SECONDS", help="Its life.  [default: ASTRA_TOKEN_TTL_S, or a day]"
)
@data_dir_option
def token(user: str, role: str, ttl: int | None, data_dir: Path | None) -> None:
    """Print a token signed with this installation's secret.

    \b
    Examples:
      astratrade token --user trader-1
      astratrade token --user dex-1 --role venue --ttl 3600
    """
    settings = load(data_dir=data_dir, token_ttl_s=ttl)
    click.echo(
        mint(signing_secret(settings), user, Role(role), issued_at_s=int(time.time()), ttl_s=settings.token_ttl_s)
    )
