"""The database of accounts of an installation: prepare it, and run a command on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from api.identity.store.database import IdentityStore
from deploy.server.private import private_directory
from deploy.settings import Settings

T = TypeVar("T")


async def prepare_database(settings: Settings) -> None:
    """Upgrade the schema. Create the data directory first when the database is a file in it.

    Raises:
        StoreError: the database cannot be used.
        BrokerError: the data directory cannot be created.
    """
    from api.identity.store.migrate import migrate  # noqa: PLC0415 - loads Alembic, which only migrations need

    if settings.database_url is None:
        private_directory(settings.data_dir)
    await migrate(settings.identity_url)


def on_store(settings: Settings, command: Callable[[IdentityStore], Awaitable[T]]) -> T:
    """Open the store, run a command on it, and close it.

    Raises:
        StoreError: the database cannot be used, or its schema is not the newest one.
    """

    async def run() -> T:
        store = IdentityStore(settings.identity_url)
        try:
            await store.open()
            return await command(store)
        finally:
            await store.close()

    return asyncio.run(run())
