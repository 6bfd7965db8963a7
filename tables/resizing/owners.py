"""The partition key that owns a row, by the formats of keys. Ids and markets hold no `|`."""

from __future__ import annotations

from typing import Final

from streams.events.financial import deposit_key
from streams.events.gamification import LEADERS_KEY
from tables.accounts import account_of, user_part
from tables.deadlines import Deadline, deadline_key, parts_of
from tables.financial import FINANCIAL_DEADLINES, DeadlineKind, Reservation
from tables.keys import SEPARATOR
from tables.nft import token_of
from tables.trading import Exposure


def whole(key: str, _: bytes) -> str:
    """Return the key itself."""
    return key


def first(key: str, _: bytes) -> str:
    """Return what a key begins with."""
    return key.partition(SEPARATOR)[0]


def last(key: str, _: bytes) -> str:
    """Return what a key ends with, such as the member of a ranking."""
    return key.rpartition(SEPARATOR)[2]


def reports(_: str, __: bytes) -> str:
    """Return the key of the reports of first places, in whose partition they are compared."""
    return LEADERS_KEY


def token(key: str, _: bytes) -> str:
    """Return the token of a row of the market, whoever owns the token."""
    return token_of(key.rpartition(SEPARATOR)[2])


def of_trade(key: str, _: bytes) -> str:
    """Return the user of an open practice trade in a ranking."""
    return key.partition(SEPARATOR)[0].removeprefix("of:")


def exposed(_: str, row: bytes) -> str:
    """Return the user of an open practice trade that a market's scan finds."""
    return Exposure.load(row).user_id


def account(key: str, _: bytes) -> str | None:
    """Return the user of a ledger account. Other accounts stay: each partition has a part of their balances."""
    user = user_part(account_of(key)[0])
    return None if user is None else user[0]


def deposit(key: str, __: bytes) -> str:
    """Return the key under which reports of a deposit come."""
    provider, _, reference = key.partition(SEPARATOR)
    return deposit_key(provider, reference)


def buyer(_: str, row: bytes) -> str:
    """Return the buyer of a reservation."""
    return Reservation.load(row).buyer


def subject(key: str, _: bytes) -> str:
    """Return what the subject of a deadline begins with."""
    return parts_of(key).subject.partition(SEPARATOR)[0]


RESERVATION: Final[DeadlineKind] = "reservation"


def financial_subject(key: str, _: bytes) -> str | None:
    """Return the user of a plan's deadline. That of a reservation stays, since it does not name the buyer.

    A reservation that moves brings a deadline (`reservation_deadline`). The one that stays finds no reservation.
    """
    at = parts_of(key)
    return None if at.kind == RESERVATION else at.subject


def reservation_deadline(key: str, row: bytes) -> list[tuple[str, str, bytes]]:
    """Return the first deadline of a reservation. If it has passed, the next tick asks about the reservation again."""
    at = Reservation.load(row).expires_at
    return [(FINANCIAL_DEADLINES.name, deadline_key(RESERVATION, key, at), Deadline(at=at).dump())]
