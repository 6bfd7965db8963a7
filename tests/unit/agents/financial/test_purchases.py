"""Purchases: the buyer's money is reserved, then captured in one balanced entry, or released."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agents.financial.purchases import SaleError
from streams.events import AnyEvent
from streams.events.financial import (
    FundsReserved,
    LedgerPosted,
    ReportDeposit,
    ReservationExpired,
    ReservationRefused,
    RevenueRecorded,
    SaleFeeAccrued,
)
from streams.events.nft import PurchaseDecided, PurchaseRequested
from tables.financial import FINANCIAL_DEADLINES, FINANCIAL_FEES, FINANCIAL_RESERVATIONS
from tests.unit.agents.financial.bank import AT, Bank, of_type
from tests.unit.agents.rulebooks import rulebook_with

SALE: dict[str, Any] = {"token_id": "token-1", "listing_id": "l-1", "asset": "SS"}


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.grant("ada", 150)
    return bank


def request(bank: Bank, name: str = "r-1", amount: str = "100", at: str = AT) -> list[AnyEvent]:
    return bank.send(PurchaseRequested, at=at, reservation_id=name, amount=amount, **SALE)


def decide(
    bank: Bank, name: str = "r-1", fees: tuple[str, str, str] = ("2", "5", "93"), **fields: Any
) -> list[AnyEvent]:
    sale = {"sold": True, "reason": "sold", "seller": "bob", "creator": "eve", **SALE} | fields
    names = ("platform_fee", "creator_fee", "proceeds")
    return bank.send(PurchaseDecided, reservation_id=name, **sale, **dict(zip(names, fees, strict=True)))


def release(bank: Bank, name: str = "r-1") -> list[AnyEvent]:
    return decide(bank, name, ("0", "0", "0"), sold=False, reason="sold_to_another", seller=None)


def test_a_purchase_reserves_the_price_under_the_tokens_key(bank: Bank) -> None:
    events = request(bank)
    [funds] = [event for event in events if isinstance(event.data, FundsReserved)]
    assert isinstance(funds.data, FundsReserved)
    assert (funds.partitionkey, funds.data.buyer, funds.data.amount.text()) == ("token-1", "ada", "100")
    assert bank.has("ada", "SS") == ("50", "100")
    bank.check()


def test_a_purchase_that_cannot_be_paid_is_refused(bank: Bank) -> None:
    assert [one.reason for one in of_type(request(bank, amount="151"), ReservationRefused)] == ["insufficient_funds"]
    assert [one.reason for one in of_type(request(bank, amount="0.5"), ReservationRefused)] == ["too_many_decimals"]
    assert bank.has("ada", "SS") == ("150", "0")


def test_no_event_brings_lumina_so_a_purchase_in_lumina_is_refused(bank: Bank) -> None:
    deposit = {"user_id": "ada", "amount": "10", "provider": "bank", "reference": "w-1"}
    with pytest.raises(msgspec.ValidationError, match="asset"):
        ReportDeposit.of({**deposit, "asset": "LM"})
    lumina = {**SALE, "asset": "LM"}
    events = bank.send(PurchaseRequested, at=AT, reservation_id="r-1", amount="1", **lumina)
    assert [one.reason for one in of_type(events, ReservationRefused)] == ["insufficient_funds"]


def test_a_sale_is_captured_in_one_entry_and_its_seller_credited_through_transit(bank: Bank) -> None:
    request(bank)
    events = decide(bank)
    captured, credited = of_type(events, LedgerPosted)
    assert {account: change.text() for account, change in captured.changes.items()} == {
        "user:ada:reserved": "-100", "platform:fees:nft": "2", "creator:eve": "5", "transit": "93",
    }  # fmt: skip
    assert {account: change.text() for account, change in credited.changes.items()} == {
        "transit": "-93", "user:bob:available": "93",
    }  # fmt: skip
    assert (bank.has("ada", "SS"), bank.has("bob", "SS"), bank.total("transit", "SS")) == (
        ("50", "0"),
        ("93", "0"),
        "0",
    )
    bank.check()


def test_the_fee_of_a_sale_accrues_with_its_split_and_is_revenue(bank: Bank) -> None:
    request(bank)
    events = decide(bank)
    [fee] = of_type(events, SaleFeeAccrued)
    assert (fee.asset, fee.amount.text()) == ("SS", "2")
    assert {name: share.text() for name, share in fee.beneficiaries.items()} == {
        "treasury": "2", "paymaster": "0", "staking_rewards": "0",
    }  # fmt: skip
    assert [(one.stream, one.asset) for one in of_type(events, RevenueRecorded)] == [("nft_marketplace", "SS")]
    totals = bank.rows(FINANCIAL_FEES)
    assert [part.amount for part in totals["nft|SS|all|total"]] == [2]
    assert [part.amount for part in totals["nft|SS|2026-01-05|treasury"]] == [2]


@pytest.mark.parametrize(
    ("announced", "paymaster"), [("2026-01-03T12:00:00Z", "20"), ("2026-01-03T12:00:00.000001Z", "5")]
)
def test_the_fee_of_a_sale_is_split_by_a_change_that_was_announced_48_hours_before(
    announced: str, paymaster: str
) -> None:
    change = {"announced_at": announced, "split_ppm": {"treasury": 0, "paymaster": 1_000_000}}
    bank = Bank(rulebook=rulebook_with({"financial": {"split_changes": [change]}}))
    bank.grant("ada", 1_000)
    request(bank, amount="1000")
    [fee] = of_type(decide(bank, fees=("20", "50", "930")), SaleFeeAccrued)
    assert fee.beneficiaries["paymaster"].text() == paymaster


def test_a_genesis_sale_pays_no_creator(bank: Bank) -> None:
    request(bank)
    decide(bank, fees=("2", "0", "98"), creator=None)
    assert bank.has("bob", "SS") == ("98", "0")
    bank.check()


def test_a_release_gives_the_money_back_and_forgets_the_reservation(bank: Bank) -> None:
    request(bank)
    release(bank)
    assert bank.has("ada", "SS") == ("150", "0")
    assert (bank.rows(FINANCIAL_RESERVATIONS), bank.rows(FINANCIAL_DEADLINES)) == ({}, {})


def test_a_reservation_is_resolved_once(bank: Bank) -> None:
    request(bank)
    decide(bank)
    assert (decide(bank), release(bank)) == ([], [])
    bank.check()


@pytest.mark.parametrize(
    ("fees", "fields"),
    [
        (("2", "5", "94"), {}),
        (("2", "5", "93"), {"asset": "LM"}),
        (("2", "5", "93"), {"seller": None}),
        (("2", "5", "93"), {"creator": None}),
    ],
)
def test_a_sale_that_does_not_add_up_becomes_a_dead_letter_and_moves_nothing(
    bank: Bank, fees: Any, fields: Any
) -> None:
    request(bank)
    with pytest.raises(SaleError):
        decide(bank, fees=fees, **fields)
    assert bank.has("ada", "SS") == ("50", "100")


def test_a_reservation_asks_again_every_60_seconds_until_it_is_answered(bank: Bank) -> None:
    request(bank)
    assert bank.tick("2026-01-05T12:00:59Z") == []
    [asked] = bank.tick("2026-01-05T12:01:00Z")
    assert isinstance(asked.data, ReservationExpired)
    assert (asked.partitionkey, asked.data.reservation_id, asked.data.buyer) == ("token-1", "r-1", "ada")
    assert bank.has("ada", "SS") == ("50", "100")
    assert bank.tick("2026-01-05T12:01:59Z") == []
    for minute in (2, 3, 9):
        assert len(of_type(bank.tick(f"2026-01-05T12:{minute:02d}:00Z"), ReservationExpired)) == 1
    decide(bank)
    assert bank.tick("2026-01-05T12:20:00Z") == []
    assert bank.rows(FINANCIAL_DEADLINES) == {}
    assert bank.has("ada", "SS") == ("50", "0")


def test_a_resolved_reservation_does_not_ask(bank: Bank) -> None:
    request(bank)
    release(bank)
    assert bank.tick("2026-01-05T13:00:00Z") == []
