"""The journal: what happened to the product from outside, in the order in which it was accepted.

The run writes a journal, the oracle folds it, and `cluster_run` plays it to the rules. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

JSON = Any
"""A value of decoded JSON."""

ACCOUNTS: Final = frozenset(
    {
        "AccountRegistered",
        "ProfileChanged",
        "RoleChanged",
        "AccountSuspended",
        "AccountReinstated",
        "AccountClosed",
        "EmailVerified",
        "WalletLinked",
        "WalletUnlinked",
        "VerificationChanged",
        "LoggedIn",
        "LoggedOut",
    }
)
"""What the outbox of the accounts publishes."""

CHAIN: Final = frozenset(
    {"NFTMintConfirmed", "NFTMintFailed", "BatchSettled", "FeesSwept", "FeesDistributed", "SponsoredCallReported"}
)
"""What the services of the chain append, and the product follows."""

TICK: Final = "Ticked"
"""A tick of the clock. One entry stands for the copies in all partitions, which have one id."""

PRICE: Final = "PriceUpdated"
"""A mark price. `data` has `market` and `price`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened.

    Attributes:
        number: Its place in the journal, from 0.
        at: Its event time, in microseconds since 1970.
        name: The name of its class in `streams.events`: `OpenTrade`, `ReportFill`, `LoggedIn`, `Ticked` ...
        user: The public id of the user who acts: the token's subject. For an event of an account, the account. Empty
            for ticks, prices and events of the chain.
        id: The id of its event, which effects derive from and name as their cause.
        data: The fields of the command: the request's body, the parameters of its path, and the ids that the gateway
            gave and answered (`constellation_id`, `battle_id`, `content_id`, `mint_id`, `listing_id`, `purchase_id`,
            `withdrawal_id`, `call_id`). A field that the client left out is absent: its default holds. Amounts, prices
            and sizes are decimal text.
    """

    number: int
    at: int
    name: str
    user: str
    id: str
    data: dict[str, JSON] = field(default_factory=dict)


def to_line(entry: Entry) -> str:
    """Return an entry as one line of JSON, without a line break."""
    return json.dumps(asdict(entry), separators=(",", ":"), sort_keys=True)


def from_line(line: str) -> Entry:
    """Return the entry of a line."""
    return Entry(**json.loads(line))


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write a journal to a file, one entry a line."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(to_line(entry) + "\n" for entry in entries)


def read(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file in their order."""
    with path.open(encoding="utf-8") as lines:
        yield from map(from_line, lines)
