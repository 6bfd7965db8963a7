"""The accounts of the demo: the traders of the packaged fills, a moderator, and the venue that reports the fills.

They share a password that is generated for the data directory. It stands in a file of its own, not in any log.
"""

from __future__ import annotations

import secrets
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import Role
from api.identity import accounts
from api.identity.audit import SYSTEM
from api.identity.passwords import hash_password
from api.identity.store.database import IdentityStore
from api.kit.clock import now
from deploy.admin.secret import create_private
from deploy.admin.tokens import DEV_USER, DEV_VENUE
from deploy.settings import Settings

FILE: Final = "demo-password"
PASSWORD_BYTES: Final = 18
PEOPLE: Final = {DEV_USER: Role.USER, "trader-2": Role.USER, "trader-3": Role.USER, "moderator-1": Role.MODERATOR}
"""The accounts that sign in with the password. Their ids are their usernames; fills name the traders by them."""


def has_demo_accounts(settings: Settings) -> bool:
    """Return whether `dev` creates the accounts: only in its own file, never in a database that someone named."""
    return settings.database_url is None


async def create_demo_accounts(settings: Settings) -> None:
    """Create the accounts that do not exist yet.

    Raises:
        StoreError: the database cannot be used.
    """
    store = IdentityStore(settings.identity_url)
    await store.open()
    try:
        async with store.read() as connection:
            if not await _missing(connection):
                return
        password_hash = await hash_password(demo_password(settings))
        async with store.work(now()) as work:
            for name, role in (await _missing(work.connection)).items():
                await accounts.create_account(
                    work,
                    username=name,
                    account_id=name,
                    role=role,
                    password_hash=None if role is Role.VENUE else password_hash,
                    actor=SYSTEM,
                )
    finally:
        await store.close()


def demo_password(settings: Settings) -> str:
    """Return the password. It is generated on first use."""
    path = password_file(settings)
    with suppress(FileExistsError):
        create_private(path, secrets.token_urlsafe(PASSWORD_BYTES))
    return path.read_text("utf-8").strip()


def password_file(settings: Settings) -> Path:
    """Return the file that holds the password, readable by its owner alone."""
    return settings.data_dir / FILE


def sign_in_command(settings: Settings, url: str) -> str:
    """Return the command that signs in as the first trader, as the user can paste it. It holds no password."""
    body = f'{{"login":"{DEV_USER}","password":"%s"}}'
    json = f'printf {shlex.quote(body)} "$(cat {shlex.quote(str(password_file(settings)))})"'
    return f"{json} | curl -sS {url}/v1/auth/login -H 'Content-Type: application/json' -d @-"


async def _missing(connection: AsyncConnection) -> dict[str, Role]:
    wanted = {**PEOPLE, DEV_VENUE: Role.VENUE}
    return {name: role for name, role in wanted.items() if await accounts.find(connection, name) is None}
