"""Events that the sink reads, for tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from contracts.indexer.addresses import padded
from contracts.sink.people import Contracts, request_of
from streams.events import AnyEvent, Event, EventData
from streams.events.chain import AchievementMinted, FactFinality, ReputationRaised, TransactionSponsored
from streams.events.gamification import LevelUp, XPGained
from streams.events.nft import GenesisType, MintRequested
from streams.events.user import (
    AccountReinstated,
    AccountSuspended,
    ContractCall,
    SponsorCall,
    WalletLinked,
    WalletUnlinked,
)
from streams.ids import derived_id
from streams.times import SECOND_US, Instant
from streams.units import TokenUnits

CHAIN_ID = "SN_SEPOLIA"
GENESIS, REPUTATION, PAYMASTER = padded(0x6E), padded(0x4E9), padded(0x9A)
CONTRACTS = Contracts(CHAIN_ID, GENESIS, REPUTATION, PAYMASTER)
NOW = Instant(1_700_000_000_000_000)
SPONSOR = padded(0x5E4D)
_numbers = count(1)


def said(data: EventData, key: str, age_s: int = 600) -> AnyEvent:
    """Return an event with its key, some seconds old."""
    time = Instant(NOW - age_s * SECOND_US)
    event_id = derived_id(time.milliseconds(), str(next(_numbers)))
    return Event.first(data, event_id=event_id, time=time, key=key, rules_version=None)


def requested(mint_id: str, user_id: str, kind: GenesisType = "first_trade") -> AnyEvent:
    return said(MintRequested(mint_id=mint_id, type=kind, rarity="common"), user_id)


def linked(user_id: str, address: str, chain_id: str = CHAIN_ID) -> AnyEvent:
    return said(WalletLinked(user_id=user_id, chain_id=chain_id, address=address), user_id)


def unlinked(user_id: str, address: str) -> AnyEvent:
    return said(WalletUnlinked(user_id=user_id, chain_id=CHAIN_ID, address=address), user_id)


def suspended(user_id: str) -> AnyEvent:
    return said(AccountSuspended(user_id=user_id), user_id)


def reinstated(user_id: str) -> AnyEvent:
    return said(AccountReinstated(user_id=user_id), user_id)


def gained(user_id: str, total: int) -> AnyEvent:
    return said(
        XPGained(amount=1, multiplier_ppm=1_000_000, source="trade", source_event_id="x", total_xp=total), user_id
    )


def risen(user_id: str, level: int) -> AnyEvent:
    return said(LevelUp(old=level - 1, new=level, max_leverage=10), user_id)


def minted(mint_id: str, token_id: int, finality: FactFinality, contract: str = GENESIS) -> AnyEvent:
    about = {"user": padded(7), "request": request_of(mint_id), "kind": "first_trade", "rarity": "common"}
    return said(AchievementMinted(**_place(finality, contract), **about, token_id=token_id), contract)  # type: ignore[arg-type]


def raised(account: str, experience: int, finality: FactFinality, contract: str = REPUTATION) -> AnyEvent:
    fact = ReputationRaised(**_place(finality, contract), account=account, experience=experience, tier=1)
    return said(fact, contract)


def asked(
    call_id: str,
    user_id: str,
    account: str = padded(0xA1),
    *,
    execute_after: int = 0,
    before: int = 2**40,
    age_s: int = 600,
) -> AnyEvent:
    call = ContractCall(to=padded(5), selector=padded(6), calldata=())
    window = {"execute_after": execute_after, "execute_before": before}
    command = SponsorCall(
        call_id=call_id, account=account, nonce=padded(1), calls=(call,), signature=(padded(2),), **window
    )
    return said(command, user_id, age_s)


def sponsored(call_id: str, finality: FactFinality, contract: str = PAYMASTER, sponsor: str = SPONSOR) -> AnyEvent:
    about = {"user": padded(0xA1), "request": request_of(call_id), "sponsor": sponsor, "gas": 7, "gas_left": 9}
    fact = TransactionSponsored(**_place(finality, contract), **about, tier=1, cost=TokenUnits(2))  # type: ignore[arg-type]
    return said(fact, contract)


def _place(finality: FactFinality, contract: str) -> dict[str, Any]:
    return {
        "fact_id": "x", "finality": finality, "chain_id": CHAIN_ID, "contract": contract, "block_number": 1,
        "block_hash": padded(1), "tx_hash": padded(2), "event_index": 0, "sequence": 1,
    }  # fmt: skip
