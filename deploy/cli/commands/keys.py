"""`astratrade keys`: the keys that sign access tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from api.identity.signing_keys import PUBLISHED_AHEAD_S
from deploy.admin import signing_keys
from deploy.cli.commands.options import data_dir_option
from deploy.settings import load


@click.group()
def keys() -> None:
    """List, rotate and retire the keys that sign access tokens.

    \b
    Examples:
      astratrade keys list
      astratrade keys rotate
    """


@keys.command(name="list")
@data_dir_option
def list_(data_dir: Path | None) -> None:
    """Print all keys and what each does now.

    \b
    Example:
      astratrade keys list
    """
    listed = asyncio.run(signing_keys.list_keys(load(data_dir=data_dir)))
    for key in listed:
        until = "" if key.verifies_until is None else f", verifies until {key.verifies_until.text()}"
        click.echo(f"{key.kid}  {key.state:<9}  signs from {key.signs_from.text()}{until}")


@keys.command()
@click.option("--at-once", is_flag=True, help="Sign with the new key now. Use it when the present key was stolen.")
@data_dir_option
def rotate(*, at_once: bool, data_dir: Path | None) -> None:
    """Add a key that signs from now on. The keys before it verify until their last tokens have expired.

    \b
    Example:
      astratrade keys rotate
    """
    key = asyncio.run(signing_keys.rotate(load(data_dir=data_dir), at_once=at_once))
    click.echo(f"{key.kid} signs {'now' if at_once else f'in {PUBLISHED_AHEAD_S} s'}")


@keys.command()
@click.argument("kid")
@data_dir_option
def retire(kid: str, data_dir: Path | None) -> None:
    """Refuse all tokens that the key KID has signed. A key that still signs cannot be retired: rotate first.

    \b
    Example:
      astratrade keys retire 2Y_ExampleExampleExampleExampleExampleExam
    """
    asyncio.run(signing_keys.retire(load(data_dir=data_dir), kid))
    click.echo(f"tokens of {kid} are refused")
