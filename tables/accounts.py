"""The names of ledger accounts, and the keys of `financial-ledger`. Depends on nothing.

An account of a user is in the user's partition. Every other account has a row in each partition that moved it; readers
add these up.
"""

from __future__ import annotations

from typing import Final

from tables.keys import SEPARATOR

TRANSIT: Final = "transit"
"""What left one partition and has not come into another yet."""
EMISSION: Final = "platform:emission"
"""Where granted stellar shards come from."""
TREASURY: Final = "platform:treasury"

_USER: Final = "user:"


def available(user_id: str) -> str:
    """Return the account of what a user can spend."""
    return f"{_USER}{user_id}:available"


def reserved(user_id: str) -> str:
    """Return the account of what is set aside for a user's open withdrawals and purchases."""
    return f"{_USER}{user_id}:reserved"


def fees_of(source: str) -> str:
    """Return the account of the fees of a source that were not swept yet."""
    return f"platform:fees:{source}"


def creator(user_id: str) -> str:
    """Return the account of what a creator earned by sales."""
    return f"creator:{user_id}"


def constellation(constellation_id: str) -> str:
    """Return the account of a constellation's contributions."""
    return f"constellation:{constellation_id}"


def outside(name: str) -> str:
    """Return the account of the world outside: a venue, a bank, a chain. It is negative by what came in."""
    return f"outside:{name}"


def is_of_user(account: str) -> bool:
    """Return whether an account belongs to a user, and so never goes below 0."""
    return account.startswith(_USER)


def user_part(account: str) -> tuple[str, str] | None:
    """Return the user of an account and which of the user's accounts it is; None for an account of no user."""
    if not is_of_user(account):
        return None
    user_id, _, part = account.removeprefix(_USER).rpartition(":")
    return user_id, part


def ledger_key(account: str, asset: str) -> str:
    """Return a key of `financial-ledger`."""
    return f"{account}{SEPARATOR}{asset}"


def account_of(key: str) -> tuple[str, str]:
    """Return the account and the asset that a key of `financial-ledger` names."""
    account, _, asset = key.rpartition(SEPARATOR)
    return account, asset
