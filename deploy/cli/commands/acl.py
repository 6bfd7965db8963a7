"""`astratrade acl`: the broker's users with least privilege."""

from __future__ import annotations

from pathlib import Path

import click

from deploy.broker_acl import acl_file
from deploy.errors import SettingsError
from deploy.settings import load

PASSWORD_CHARACTERS_MIN = 16


@click.command()
@click.option(
    "--password-file", type=click.Path(path_type=Path), metavar="FILE", help="The password of the user `astratrade`."
)
@click.option(
    "--operator-password-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The password of `astratrade-operator`.",
)
def acl(password_file: Path | None, operator_password_file: Path | None) -> None:
    """Print the broker's users as an ACL file: the product's own, and the operator's for repairs.

    The file has digests of the passwords. A user without a password cannot log in. Needs no broker.

    \b
    Example:
      astratrade acl --password-file broker-password > users.acl
      valkey-server --aclfile users.acl
    """
    passwords = [None if file is None else _password(file) for file in (password_file, operator_password_file)]
    click.echo(acl_file(load().namespace, *passwords), nl=False)


def _password(file: Path) -> str:
    try:
        password = file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{file} cannot be read as a password") from exc
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise SettingsError(f"{file} holds {len(password)} characters; expected at least {PASSWORD_CHARACTERS_MIN}")
    return password
