"""Errors of the store at start and in operator commands. Each message is for the person who runs the command."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used. The message says what was found and what to do."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached, or has no time for the transaction. Trying again later may help."""


class SchemaError(StoreError):
    """The schema of the database is not the one that this program was built for."""
