"""Code must always read earlier records: each recorded log decodes, and leads to the recorded tables."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from streams.events import CATALOGUE, AnyEvent, codec, decode, encode
from streams.events.gamification import LevelUp
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_BOARDS
from tests import recorded_log
from tests.example_events import define_v3
from tests.recorded_log import read, read_rules, read_tables, tables_of
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World

LOGS = pytest.mark.parametrize("name", recorded_log.names_with_tables())


def world_of(name: str) -> World:
    """Return a world with the rules of the recording; numbers added since then have today's values."""
    return World(rulebook_with(tomllib.loads(read_rules(name))))


def events_of(name: str) -> list[tuple[str, AnyEvent]]:
    return [(record.topic, decode(record.value)) for record in read(name)]


NEVER_PUBLISHED = {"social", "nft", "notifications", "clock", "chain"}
"""Domains of which no version was published yet."""


NEW = {
    f"astra.{name}"
    for name in [
        "financial.CancelPlan",
        "financial.ChangePlan",
        "financial.ContributionPaid",
        "financial.ContributionRefused",
        "financial.DepositAccepted",
        "financial.DepositRequested",
        "financial.FinancialCommandRejected",
        "financial.FundsDeposited",
        "financial.FundsReserved",
        "financial.LedgerPosted",
        "financial.ProceedsDue",
        "financial.ReportDeposit",
        "financial.ReportPayout",
        "financial.RequestDeposit",
        "financial.ReservationExpired",
        "financial.ReservationRefused",
        "financial.RevenueRecorded",
        "financial.ReviewWithdrawal",
        "financial.SaleFeeAccrued",
        "financial.Subscribe",
        "financial.SubscriptionCancelled",
        "financial.SubscriptionDowngraded",
        "financial.SubscriptionEnded",
        "financial.SubscriptionRenewed",
        "financial.SubscriptionStarted",
        "financial.SubscriptionUpgraded",
        "financial.Withdraw",
        "financial.WithdrawalApproved",
        "financial.WithdrawalCompleted",
        "financial.WithdrawalRejected",
        "financial.WithdrawalRequested",
        "gamification.ClaimRejected",
        "gamification.ClaimReward",
        "gamification.ConstellationScored",
        "gamification.LeaderboardSealed",
        "gamification.LeadersReported",
        "gamification.Overtaken",
        "gamification.PartitionSealed",
        "gamification.PoolDecided",
        "gamification.PrestigeLost",
        "gamification.PrestigeReached",
        "gamification.RewardClaimed",
        "gamification.RewardDecided",
        "gamification.RewardExpired",
        "gamification.RewardGranted",
        "gamification.TradingMastered",
        "trading.PortfolioUpdated",
        "trading.PositionUpdated",
        "trading.TradingResumed",
        "trading.TradingSuspended",
        "user.ChangePreferences",
        "user.LoggedIn",
        "user.LoggedOut",
        "user.PreferencesChanged",
        "user.ReadNotifications",
        "user.SponsorCall",
        "user.UserCommandRejected",
        "user.VerificationChanged",
    ]
}
"""Classes of published domains that are not published yet."""


NEW_BOARDS = {"streak_days"}
"""Boards of users that no published version had."""


def assert_as_recorded(found: Any, recorded: Any) -> None:
    """Fail unless tables hold the recorded rows. Rows may have fields, and there may be tables, added since then."""
    for table, rows in recorded.items():
        assert found[table].keys() == rows.keys()
        for key, text in rows.items():
            row, before = json.loads(found[table][key]), json.loads(text)
            if TOPOLOGY.table(table).model is not None:
                row = {name: row[name] for name in before}
            elif table == GAMIFICATION_BOARDS.name:
                row = {name: one for name, one in row.items() if name.rpartition("/")[2] not in NEW_BOARDS}
            assert row == before


def is_published(event: AnyEvent) -> bool:
    return event.data.domain not in NEVER_PUBLISHED and event.data.type_stem not in NEW


def test_every_class_of_event_of_a_published_version_is_in_a_recorded_log() -> None:
    recorded = {event.data.type_stem for name in recorded_log.names() for _, event in events_of(name)}
    published = {model.type_stem for model in CATALOGUE.values() if model.domain not in NEVER_PUBLISHED}
    assert recorded == published - NEW


@pytest.mark.parametrize("name", recorded_log.names())
def test_a_recorded_event_of_the_current_version_has_the_same_bytes_today(name: str) -> None:
    for record in read(name):
        event = decode(record.value)
        if json.loads(record.value)["type"] == event.type:
            assert encode(event) == record.value


@LOGS
def test_a_recorded_log_of_commands_leads_to_the_same_events_and_tables(name: str) -> None:
    world = world_of(name)
    for topic, event in events_of(name):
        if topic in TOPOLOGY.client_topics:
            world.deliver(event)
    followed = [event for topic, event in events_of(name) if topic not in TOPOLOGY.client_topics]
    assert [event for event in world.events if is_published(event)] == followed
    assert_as_recorded(tables_of(world), read_tables(name))


@LOGS
def test_recorded_facts_lead_the_domains_that_follow_from_them_to_the_same_tables(name: str) -> None:
    world = world_of(name)
    for _, event in events_of(name):
        world.gamification.traded_together([event])
        world.financial.traded_together([event])
        if isinstance(event.data, LevelUp):
            world.trading.gamified(event)
    recorded = {table: rows for table, rows in read_tables(name).items() if not table.startswith("trading-")}
    assert_as_recorded(tables_of(world), recorded)


@LOGS
def test_a_recorded_log_is_read_once_its_events_have_newer_versions(catalogue: Any, name: str) -> None:
    before = events_of(name)
    current: Any = define_v3(catalogue)
    codec._READERS.clear()
    after = events_of(name)
    assert len(before) == len(after)
    alerts = [(old, new) for (_, old), (_, new) in zip(before, after, strict=True) if old.type != new.type]
    assert alerts
    for old, new in alerts:
        assert (old.type, new.type) == ("astra.trading.RiskAlert.v1", "astra.trading.RiskAlert.v3")
        assert isinstance(new.data, current)
        assert (new.id, new.time, new.causationid) == (old.id, old.time, old.causationid)
