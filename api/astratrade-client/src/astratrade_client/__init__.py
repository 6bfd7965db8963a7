"""A client of the AstraTrade API: typed, asynchronous, and small."""

from __future__ import annotations

from astratrade_client.changes import Change, Delta, Progress, Resync, Row, Snapshot
from astratrade_client.client import AstraTrade
from astratrade_client.credentials import Credentials, FixedToken
from astratrade_client.errors import (
    AstraTradeError,
    FeedEndedError,
    ProblemError,
    SignInAgainError,
    UnexpectedAnswerError,
    UnreachableError,
)
from astratrade_client.retry import Retry
from astratrade_client.wallet import Wallet

__version__ = "0.1.0"

__all__ = [
    "AstraTrade",
    "AstraTradeError",
    "Change",
    "Credentials",
    "Delta",
    "FeedEndedError",
    "FixedToken",
    "ProblemError",
    "Progress",
    "Resync",
    "Retry",
    "Row",
    "SignInAgainError",
    "Snapshot",
    "UnexpectedAnswerError",
    "UnreachableError",
    "Wallet",
]
