"""Every movement is one balanced entry; an entry that does not balance, or overdraws a user, is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.financial.entries import Entry, OverdrawnError, UnbalancedEntryError, entry, moved
from streams.assets import quantity_of, usd_of, whole
from streams.events.battles import BattleFought
from streams.events.constellations import ContributionRequested
from streams.events.financial import ContributionPaid, ContributionRefused, LedgerPosted
from streams.events.gamification import AchievementUnlocked
from streams.events.trading import TradeExecuted
from streams.units import SCALE, Quantity, Usd
from tables.accounts import account_of, available, ledger_key, user_part
from tables.financial import FINANCIAL_REVENUE
from tests.unit.agents.financial.bank import Bank, of_type


def executed(**fields: Any) -> TradeExecuted:
    base = {
        "trade_id": "t-1", "fill_id": "f-1", "venue": "tape", "market": "BTC", "side": "buy", "mode": "live",
        "price": "60000", "size": "0.025", "notional_usd": "1500.00", "fee_usd": "1.50", "closed_pnl_usd": "0",
        "closes": False,
    }  # fmt: skip
    return TradeExecuted.of(base | fields)


def test_an_entry_that_does_not_sum_to_0_cannot_be_made() -> None:
    with pytest.raises(UnbalancedEntryError, match=r"sum to 0\.00000001"):
        Entry("test", "USD", {"a": Quantity(10**10 + 5), "b": Quantity(-5)})


def test_an_entry_that_moves_nothing_or_parts_of_a_unit_cannot_be_made() -> None:
    with pytest.raises(UnbalancedEntryError, match="leaves an account"):
        entry("test", "USD", {"a": 0, "b": 0})
    with pytest.raises(UnbalancedEntryError, match="smallest unit of SS"):
        moved("test", "SS", SCALE // 2, source="a", target="b")


def test_a_user_account_never_goes_below_0_and_nothing_is_written_then() -> None:
    bank = Bank(1)
    with pytest.raises(OverdrawnError, match="would leave -1 SS"):
        bank.parts[0].rules.ledger.apply(moved("test", "SS", SCALE, source=available("ada"), target="x"))
    assert bank.parts[0].maps["financial-ledger"] == {}


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(-(10**30), 10**30), min_size=1))
def test_only_balanced_entries_can_be_made(changes: dict[str, int]) -> None:
    sums = {account: change for account, change in changes.items() if change}
    if sums and sum(sums.values()) == 0:
        assert entry("test", "STRK", changes).changes == sums
    else:
        with pytest.raises(UnbalancedEntryError):
            entry("test", "STRK", changes)


def test_a_fill_moves_its_fee_from_the_venue_and_its_only_record_is_the_fee_accrued() -> None:
    bank = Bank()
    events = bank.put(executed(), "ada")
    assert [type(event.data).__name__ for event in events] == ["FeeAccrued"]
    assert (bank.total("outside:tape"), bank.total("platform:fees:trading")) == ("-1.5", "1.5")
    bank.check()


def test_practice_money_is_not_in_the_ledger() -> None:
    bank = Bank()
    assert bank.put(executed(mode="practice"), "ada") == []
    assert bank.rows(FINANCIAL_REVENUE) == {}
    assert all(not part.maps["financial-ledger"] for part in bank.parts)


def test_the_fees_of_a_batch_are_one_entry_for_each_venue() -> None:
    bank = Bank(1)
    [part] = bank.parts
    with part.rules.tables.batch():
        fills = [executed(fill_id=str(n), venue=venue) for n, venue in enumerate(("one", "two", "one"))]
        part.rules.traded_together([bank.first(fill, "ada") for fill in fills])
    assert (bank.total("outside:one"), bank.total("outside:two")) == ("-3", "-1.5")
    assert bank.total("platform:fees:trading") == "4.5"
    bank.check()


def test_revenue_of_fees_counts_in_its_day_and_month() -> None:
    bank = Bank()
    bank.put(executed(), "ada", "2026-01-05T23:59:59Z")
    bank.put(executed(fill_id="f-2"), "ada", "2026-01-06T00:00:00Z")
    found = {key: (row[0].amount.text(), row[0].count) for key, row in bank.rows(FINANCIAL_REVENUE).items()}
    assert found == {
        "trading_fees|USD|2026-01-05": ("1.5", 1),
        "trading_fees|USD|2026-01-06": ("1.5", 1),
        "trading_fees|USD|2026-01": ("3", 2),
    }


def test_achievements_and_battle_prizes_come_from_emission() -> None:
    bank = Bank()
    bank.send(AchievementUnlocked, achievement="trades-1", tier=1, xp=50, ss=100)
    bank.send(BattleFought, battle_id="b", constellation_id="c", won=True, prize_ss=40)
    bank.send(BattleFought, battle_id="b", constellation_id="c", prize_ss=0)
    assert bank.has("ada", "SS") == ("140", "0")
    assert bank.total("platform:emission", "SS") == "-140"
    bank.check()


def test_a_contribution_moves_shards_to_the_constellation_or_is_refused() -> None:
    bank = Bank()
    bank.grant("ada", 100)
    wanted: dict[str, Any] = {"contribution_id": "k", "constellation_id": "c", "amount": 60}
    assert of_type(bank.send(ContributionRequested, **wanted), ContributionPaid)
    [refused] = of_type(bank.send(ContributionRequested, **wanted), ContributionRefused)
    assert refused.reason == "insufficient_funds"
    assert (bank.has("ada", "SS")[0], bank.total("constellation:c", "SS")) == ("40", "60")
    bank.check()


def test_an_entry_id_derives_from_its_cause() -> None:
    first, again = Bank(), Bank()
    [one], [other] = (of_type(bank.grant("ada", 5), LedgerPosted) for bank in (first, again))
    assert one.entry_id == other.entry_id
    [next_one] = of_type(first.grant("ada", 5), LedgerPosted)
    assert next_one.entry_id != one.entry_id


def test_account_names_are_read_back() -> None:
    key = ledger_key(available("a:b"), "USD")
    assert user_part(account_of(key)[0]) == ("a:b", "available")
    assert user_part("creator:a:b") is None


def test_amounts_have_the_decimals_of_their_asset() -> None:
    assert usd_of(quantity_of(Usd.parse("1.50"))) == Usd.parse("1.50")
    with pytest.raises(ValueError, match="at most 0 decimals for LM"):
        whole("LM", Quantity.parse("0.5"))
