"""Errors of the store at start and in operator commands. Each message is for the person who runs the command."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used. The message says what was found and what to do."""


class StoreUnavailableError(StoreError, ConnectionError):
    """The database cannot be reached, or has no time for the transaction. Trying again later may help.

    It is a `ConnectionError`, so that the relay, which does not know this store, waits and tries again.
    """


class SchemaError(StoreError):
    """The schema of the database is not the one that this program was built for."""
