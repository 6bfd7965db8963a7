"""The database of accounts of an installation: prepare it, change its schema."""

from __future__ import annotations

from api.identity.store.migrate import migrate
from deploy.server.private import private_directory
from deploy.settings import Settings


async def prepare_database(settings: Settings) -> None:
    """Upgrade the schema. Create the data directory first when the database is a file in it.

    Raises:
        StoreError: the database cannot be used.
        BrokerError: the data directory cannot be created.
    """
    if settings.database_url is None:
        private_directory(settings.data_dir)
    await migrate(settings.identity_url)
