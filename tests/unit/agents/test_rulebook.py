"""The rule book: one file holds every number, and an error names its key."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from agents.rulebook import Rulebook, RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from streams.events.trading import TradeExecuted
from streams.units import Usd
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World

AT = "2024-09-20T08:36:00Z"


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("BTC = 50", "BTC = 0", "trading.market_leverage_max.BTC: expected greater than or equal to 1, got 0"),
        ("BTC = 50", "BTC = '50'", "trading.market_leverage_max.BTC: expected a valid integer, got '50'"),
        ("BTC = 50", "'a|b' = 50", "trading.market_leverage_max.a|b: expected text that should match pattern"),
        ("BTC = 50", "global = 50", "trading.market_leverage_max.global: 'global' is the scope of all markets"),
        ("fee_ppm = 1000", "", "trading.fee_ppm: expected a value, got none"),
        ("fee_ppm = 1000", "fee_pm = 1000", "trading.fee_pm: no rule has this name; did you mean fee_ppm?"),
        ("fee_ppm = 1000", "fee_ppm = -1", "trading.fee_ppm: expected greater than or equal to 0, got -1"),
        ("'10000.00'", "'-1'", "trading.practice_balance_usd: expected greater than 0, got '-1'"),
        ("'10000.00'", "10000.0", "trading.practice_balance_usd: expected a USD amount as a decimal string, got float"),
        ("maintenance_ppm = 50_000", "maintenance_ppm = 1_000_000", "trading.maintenance_ppm: expected less than"),
        ("margin_ppm_high = 100_000", "margin_ppm_high = 1", "trading: expected margin_ppm_medium <= margin_ppm_high"),
        ("version = 1", "version = 0", "version: expected greater than 0, got 0"),
        ("version = 1", "version = 1.5", "version: expected a valid integer, got 1.5"),
        ("version = 1", "version =", "not valid TOML: "),
        ("repeats_days = 30", "", "repeats_days: expected a value, got none"),
        ("at = 100,", "at = 10,", "gamification.achievements: expected each achievement once, got trades-10 2 times"),
        ("kind = 'level'", "kind = 'x'", "gamification.achievements.listed.10.kind: expected 'trades', "),
        ("[financial]", "[financal]", "financal: no rule has this name; did you mean financial?"),
        ("treasury = 600_000", "treasury = 600_001", "financial: expected shares in split_ppm that sum to 1000000"),
        ("treasury = 600_000", "treasury = -1", "financial.split_ppm.treasury: expected greater than or equal to 0"),
        ("paymaster = ", "total = ", "financial: expected no beneficiary 'total'"),
        ("remainder_to = 'treasury'", "remainder_to = 'x'", "financial: expected a beneficiary of split_ppm in"),
    ],
)
def test_an_error_names_the_key_what_was_expected_and_what_came(found: str, instead: str, message: str) -> None:
    text = packaged_text().replace('"', "'")
    assert found in text
    with pytest.raises(RulebookError) as raised:
        parse_rulebook(text.replace(found, instead, 1))
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def leaves(fields: dict[str, Any], path: tuple[str, ...] = ()) -> Any:
    for key, value in fields.items():
        if isinstance(value, dict) and key not in {"market_leverage_max", "split_ppm"}:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


@pytest.mark.parametrize("path", list(leaves(tomllib.loads(packaged_text()))), ids=".".join)
def test_no_number_of_the_rule_book_has_a_default_in_the_code(path: tuple[str, ...]) -> None:
    """A missing key is an error: the code has no default for it."""
    fields = tomllib.loads(packaged_text())
    section = fields
    for key in path[:-1]:
        section = section[key]
    del section[path[-1]]
    with pytest.raises(ValidationError, match=path[-1]):
        Rulebook.model_validate(fields)


def test_policies_are_frozen() -> None:
    for policy, field in ((packaged_rulebook(), "version"), (packaged_rulebook().trading, "fee_ppm")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(policy, field, 2)


def test_btc_and_eth_allow_50_and_27_markets_are_at_20() -> None:
    caps = packaged_rulebook().trading.market_leverage_max
    assert {market for market, cap in caps.items() if cap == 50} == {"BTC", "ETH"}
    assert len(caps) == 29
    assert set(caps.values()) == {50, 20}


def test_another_rule_book_changes_what_the_domains_do() -> None:
    world = World(rulebook_with({"trading": {"fee_ppm": 2_000}, "gamification": {"xp": {"usd_per_xp": 1}}}))
    (fact, *_) = world.fill("f-1", AT, notional_usd="1500")
    assert isinstance(fact.data, TradeExecuted)
    assert fact.data.fee_usd == Usd.of(3)
    assert world.gamification.trades.rows.get("ada|f-1").granted == 1_500


def test_every_event_names_the_rules_that_it_was_decided_under() -> None:
    """A command may have been accepted under older rules; the domain decides its effects under its own."""
    old, new = World(), World(rulebook_with({"version": 2}))
    for world, version in ((old, 1), (new, 2)):
        followed = [*world.fill("f-1", AT), *world.price("BTC", "60000", AT), *world.order(AT)]
        assert len({event.type for event in followed}) >= 4
        assert {event.rulesversion for event in followed} == {version}
    facts = [event for event in old.fill("f-2", AT) if isinstance(event.data, TradeExecuted)]
    assert {event.rulesversion for event in new.react(facts)} == {2}
