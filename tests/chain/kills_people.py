"""Users and a venue of a seeded run: they sign in, report fills and ask for tokens through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import httpx

from tests.chain.kills_plan import DAYS, USERS, Trade, Trades
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.identity.wallets.requests import SIGN_IN, named, proof
from tests.support.starknet import Signer

FIRST_DAY: Final = datetime(2025, 1, 6, 12, tzinfo=UTC)
FIRST_KEY: Final = 0xA11CE
TOKEN: Final = "first_trade"
"""The type of the token that each user may have."""


class User(NamedTuple):
    """A user who signed in with a wallet."""

    id: str
    wallet: int
    token: str


class People:
    """All people, and what they did.

    Attributes:
        users: Those who signed in, by their numbers in the plan.
        fees: The fees of all reported fills, in 1e-8 USD.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.users: dict[int, User] = {}
        self.fees = 0
        self._pipeline = pipeline
        self._again: list[dict[str, Any]] = []

    def sign_in(self, number: int) -> None:
        """Sign in with a new wallet, which makes an account that has it."""
        signer = Signer(FIRST_KEY + number)
        wallet = named(signer.address)
        with self._pipeline.client_with(None) as client:
            challenge = client.post(f"{SIGN_IN}/challenge", json=wallet).json()
            answer = client.post(f"{SIGN_IN}/login", json=wallet | {"proof": proof(signer, challenge)})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        told = answer.json()
        self.users[number] = User(told["user_id"], int(signer.address, 16), told["access_token"])

    def trade(self, trades: Trades) -> None:
        """Report fills, and again those that were to be reported twice."""
        executed_at = f"{FIRST_DAY + timedelta(days=trades.day):%Y-%m-%dT%H:%M:%SZ}"
        new = [fill(self._user_id(trade.user), executed_at=executed_at, **fields_of(trade)) for trade in trades.fills]
        body = {"fills": [*self._again, *new]}
        answer = self._pipeline.client("venue", "venue-1").post("/v1/fills", json=body)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        self._again = [report for report, trade in zip(new, trades.fills, strict=True) if trade.again]
        self.fees += sum(trade.fee for trade in trades.fills)

    def report_last_fee(self) -> None:
        """Report a fill of a later day, which closes the batch of the days before. Its own fee stays open."""
        self.trade(Trades(DAYS + 1, (Trade(USERS, fee=1, named=True, again=False),)))

    def have_tokens(self) -> bool:
        """Ask for the tokens that were not asked for yet, and return whether all users see theirs."""
        owners = self._owners()
        missing = [user for user in self.users.values() if user.id not in owners]
        for user in missing:
            with self._pipeline.client_with(user.token) as client:
                found = client.get(f"/v1/users/{user.id}/collector")
                if not (found.is_success and found.json().get("mints")):
                    client.post("/v1/nft/mints", json={"type": TOKEN})
        return not missing

    def _owners(self) -> set[str]:
        """Return the owners of all tokens that the API has."""
        client = self._pipeline.client("admin", "auditor")
        answers = [client.get(f"/v1/nft/tokens/{number}") for number in range(1, USERS + 1)]
        return {str(answer.json()["owner"]) for answer in answers if answer.is_success}

    def _user_id(self, number: int) -> str:
        return self.users[number].id if number in self.users else f"other-{number}"


def fields_of(trade: Trade) -> Mapping[str, str | None]:
    """Return the fields of a fill that has the fee: the venue names it, or it is a thousandth of the notional."""
    if trade.named:
        return {"fee_usd": usd(trade.fee)}
    return {"fee_usd": None, "price": "1000", "size": usd(trade.fee), "notional_usd": usd(1_000 * trade.fee)}


def usd(amount: int) -> str:
    """Return an amount of 1e-8 USD as text."""
    return f"{amount // 10**8}.{amount % 10**8:08d}"
