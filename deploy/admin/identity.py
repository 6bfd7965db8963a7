"""The identity store of an installation, for operators' commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.identity.secret import Seal
from api.identity.signing_keys import ensure_key
from api.identity.store.database import IdentityStore
from api.identity.store.urls import sqlite_path
from api.kit.clock import now
from deploy.admin.database import prepare_database
from deploy.admin.secret import installation_secret
from deploy.settings import Settings


@asynccontextmanager
async def opened_identity(settings: Settings) -> AsyncIterator[tuple[IdentityStore, Seal]]:
    """Open the store, with a signing key. Create the database first when it is the file of the data directory.

    Raises:
        StoreError: the database cannot be used.
        WrongSecretError: another secret sealed the signing keys.
    """
    seal = Seal(installation_secret(settings))
    if settings.database_url is None and not sqlite_path(settings.identity_url).exists():
        await prepare_database(settings)
    store = IdentityStore(settings.identity_url)
    await store.open()
    try:
        await ensure_key(store, seal, now())
        yield store, seal
    finally:
        await store.close()
