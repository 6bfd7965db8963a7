"""The API serves the topology's domains: each declares its routes, feeds and commands in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import api
from api import domains
from api.app import create_app
from api.kit.domain import DomainApi
from streams.events.trading import CloseTrade, OpenTrade
from streams.topology import Domain, Topology, TopologyError
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
    with pytest.raises(TopologyError, match="accepts no commands; the topology declares CloseTrade, OpenTrade"):
        domains.load(topology)


def test_two_feeds_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    [_, gamification, _] = domains.load(TOPOLOGY)
    twice = DomainApi(routers=(), feeds=gamification.feeds * 2)
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
