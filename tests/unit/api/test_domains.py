"""The API serves the topology's domains: each declares its routes, feeds and commands in one place."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import api
from api import domains
from api.app import create_app
from api.kit.domain import DomainApi
from streams.events import CATALOGUE, Command
from streams.events.trading import CloseTrade, OpenTrade
from streams.topology import Domain, TableSpec, Topology, TopologyError
from tables.domains import TOPOLOGY
from tests.integration.api.support import config_of

ROOT = Path(api.__file__).parent


def test_every_domain_is_served_and_accepts_the_commands_that_the_topology_declares() -> None:
    served = domains.load(TOPOLOGY)
    assert len(served) == len(TOPOLOGY.domains)
    for domain, one in zip(TOPOLOGY.domains, served, strict=True):
        assert set(one.commands) == set(domain.commands)
    accepted = {command.topic for one in served for command in one.commands}
    assert accepted == set(TOPOLOGY.client_topics)


def test_routes_that_accept_other_commands_than_the_topology_declares_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topology = Topology([Domain(name="financial", consumes=(OpenTrade.topic,), commands=(OpenTrade, CloseTrade))])
    with pytest.raises(TopologyError, match=r"accepts CancelPlan, .*; the topology declares CloseTrade, OpenTrade"):
        domains.load(topology)


def test_two_feeds_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    [gamification] = [one for one in domains.load(TOPOLOGY) if one.title == "Gamification"]
    twice = DomainApi(title="Twice", description="", routers=(), feeds=gamification.feeds * 2)
    monkeypatch.setattr(domains, "load", lambda _: (twice,))
    with pytest.raises(ValueError, match="two feeds are called"):
        create_app(config_of("redis://nowhere"))


def test_the_kit_imports_no_domain_and_no_domain_another() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0]
        if room not in {"kit", *TOPOLOGY.names}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.module if isinstance(node, ast.ImportFrom) else None
            other = (name or "").removeprefix("api.").partition(".")[0] if (name or "").startswith("api.") else ""
            assert other not in set(TOPOLOGY.names) - {room}, f"{path} imports {name}"


MODULES = [
    import_module(f"tables.{path.stem}")
    for path in sorted((ROOT.parent / "tables").glob("*.py"))
    if path.stem.partition("_")[0] in TOPOLOGY.names
]
"""The declarations of the domains and of their parts: `tables.<domain>` and `tables.<domain>_<part>`."""
ACROSS = {
    "api/stats.py": {"GAMIFICATION_PROGRESS", "GAMIFICATION_WATERMARK"},
    "api/friends.py": {"GAMIFICATION_BOARDS"},
    "api/constellation_members.py": {"GAMIFICATION_BOARDS", "SOCIAL_ROSTERS"},
    "api/ranked_people.py": {"GAMIFICATION_BOARDS"},
    "deploy/fee_settlement.py": {"FINANCIAL_FEES"},
    "tables/ledger_audit.py": {name for module in MODULES for name in vars(module) if name.startswith("FINANCIAL_")},
}
"""The pipeline at a glance counts users and shows the watermark. The boards of friends and of members join two domains.
The audit of the ledger reads all tables of the financial domain, and settlement compares the fees with the chain."""

OF_ALL_TABLES = Path("tables/resizing")
"""Says of every table where its rows belong when partitions are divided."""


def test_a_table_with_its_query_and_feed_is_named_in_three_places() -> None:
    """Check that only a specification in `tables`, handlers in `agents/<domain>`, and `api/<domain>` name it."""
    names = {spec: name for module in MODULES for name, spec in specs_of(module)}
    assert set(names) == set(TOPOLOGY.tables)
    for room in ("api", "agents", "tables", "deploy", "streams"):
        for path in sorted((ROOT.parent / room).rglob("*.py")):
            place = path.relative_to(ROOT.parent)
            if place.is_relative_to(OF_ALL_TABLES):
                continue
            words = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            for spec, name in names.items():
                home = (
                    place.parts[1].removesuffix(".py").partition("_")[0] == spec.domain or place.parts[0] == "streams"
                )
                assert home or name not in words or name in ACROSS.get(str(place), ()), f"{place} names {name}"


def test_an_event_is_named_in_two_places() -> None:
    """Check that only its class in `streams/events` and handlers in `agents` name an event that clients do not send.

    A feed of the event's own domain may follow it. Identity emits the events of users. The memory bench makes events.
    """
    sent = {command for domain in TOPOLOGY.domains for command in domain.commands}
    events = {
        model.__name__: model.domain
        for model in CATALOGUE.values()
        if model not in sent and not issubclass(model, Command)
    }
    assert events["TradeClosed"] == "trading"
    for room in ("api", "tables", "deploy", "streams"):
        for path in sorted((ROOT.parent / room).rglob("*.py")):
            place = path.relative_to(ROOT.parent)
            words = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            home = place.parts[1].replace("identity", "user") if place.parts[0] == "api" else None
            named = {name for name in words & events.keys() if events[name] != home}
            makes = place.parts[:2] in {("streams", "events"), ("deploy", "bench")}
            assert makes or not named, f"{place} names {named}"


def specs_of(module: ModuleType) -> list[tuple[str, TableSpec[Any]]]:
    """Return the names of a domain's specifications of tables."""
    return [(name, value) for name, value in vars(module).items() if isinstance(value, TableSpec)]


def test_each_feed_follows_a_table_or_a_topic_of_its_own_domain() -> None:
    for domain, one in zip(TOPOLOGY.domains, domains.load(TOPOLOGY), strict=True):
        own = {table.name for table in domain.tables} | set(domain.produces)
        for feed in one.feeds:
            followed = feed.follows.name if isinstance(feed.follows, TableSpec) else feed.follows
            assert followed in own, f"{one.title} serves {feed.name} from {followed}"
