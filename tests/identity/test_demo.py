"""The accounts that `astratrade dev` creates in its own data directory."""

from __future__ import annotations

import stat
from pathlib import Path

from sqlalchemy import select

from api.identity import accounts, audit
from api.identity.passwords import Passwords
from api.identity.store.database import IdentityStore
from api.identity.store.migrate import migrate
from api.identity.store.tables import CREDENTIALS
from deploy.admin.demo import create_demo_accounts, demo_password, has_demo_accounts, password_file
from deploy.replay.fills import read_fills
from deploy.settings import Settings


async def test_the_traders_of_the_packaged_fills_the_venue_and_a_moderator_have_accounts(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await migrate(settings.identity_url)
    await create_demo_accounts(settings)
    await create_demo_accounts(settings)
    store = IdentityStore(settings.identity_url)
    async with store.read() as connection:
        made = {account.id: account for account in await accounts.page(connection, limit=100)}
        stored = {row.account_id: row.password_hash for row in await connection.execute(select(CREDENTIALS))}
        assert (await audit.verify(connection)).number == len(made)
    await store.close()
    traders = {fill["user_id"] for fill in read_fills("sample").fills}
    assert traders == {name for name, account in made.items() if account.role == "user"}
    assert {name: account.role for name, account in made.items() if name not in traders} == {
        "venue-1": "venue",
        "moderator-1": "moderator",
    }
    assert stored.keys() == {*traders, "moderator-1"}
    assert all(account.username == name for name, account in made.items())
    passwords = Passwords()
    for password_hash in stored.values():
        assert (await passwords.verify(demo_password(settings), password_hash)).right
    passwords.close()
    assert stat.S_IMODE(password_file(settings).stat().st_mode) == 0o600


def test_a_database_that_someone_named_gets_no_accounts_with_a_known_password(tmp_path: Path) -> None:
    assert has_demo_accounts(Settings(data_dir=tmp_path))
    assert not has_demo_accounts(Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/own.db"))
