"""A run of all scenarios reads and writes exactly what the topology declares: topics by cause, and tables by source."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from agents.registry import handlers_of
from agents.rulebook import packaged_rulebook
from agents.wiring import Broadcast, Together
from streams import topics
from streams.events import AnyEvent, Command
from streams.topology import TableSpec
from tables.domains import TOPOLOGY
from tests.integration.agents.scenarios.kit import UNREACHABLE


class Recorder:
    """A runner of all domains' handlers over one partition that notes the effects of each event."""

    def __init__(self, *, at_least_once: bool) -> None:
        self.at_least_once = at_least_once
        self.handlers: dict[str, Any] = {}
        self.consumed: dict[str, set[str]] = defaultdict(set)
        self.produced: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.sources: dict[str, set[str]] = defaultdict(set)
        self.handovers: dict[str, int] = defaultdict(int)
        self._cause = ""
        self._handed = (0, "")
        for domain in TOPOLOGY.names:
            made = handlers_of(domain)(self._open, packaged_rulebook(), at_least_once=at_least_once)
            self.handlers[domain] = made.by_topic

    def _open(self, spec: TableSpec[Any]) -> Any:
        return Table(lambda: self._written(spec))

    def _written(self, spec: TableSpec[Any]) -> None:
        self.sources[spec.name].add(self._cause)
        handovers, domain = self._handed
        if spec.domain == domain:
            self.handovers[spec.name] = max(self.handovers[spec.name], handovers)

    def run(self, command: AnyEvent) -> list[AnyEvent]:
        """Process a command and all its effects; return the events that followed."""
        sender = command.data.domain if isinstance(command.data, Command) else ""
        waiting = deque([(command.data.topic, command, (0, sender))])
        followed = []
        while waiting:
            topic, event, (handovers, sender) = waiting.popleft()
            if event.partitionkey == UNREACHABLE:
                continue
            for domain, handlers in self.handlers.items():
                self._handed = handovers, sender
                for produced, result in self._handle(domain, topic, handlers.get(topic), event):
                    self.produced[domain][produced].add(topic)
                    followed.append(result)
                    waiting.append((produced, result, (handovers + 1, sender if domain == sender else "")))
        return followed

    def _handle(self, domain: str, topic: str, handler: Any, event: AnyEvent) -> Iterator[tuple[str, AnyEvent]]:
        if handler is None:
            return
        self.consumed[domain].add(topic)
        self._cause = topic
        if isinstance(handler, Broadcast):
            yield handler.topic, event
        else:
            results = handler.handle([event]) if isinstance(handler, Together) else handler(event)
            yield from ((result.data.topic, result) for result in results)


class Table(dict[bytes, bytes]):
    """A table that records its writes."""

    def __init__(self, written: Any) -> None:
        super().__init__()
        self._written = written

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._written()
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        self._written()
        super().__delitem__(key)


@pytest.fixture(params=[False, True], ids=["exactly once", "at least once"])
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """Play the scenario of each domain in turn (`tests/integration/agents/scenarios`)."""
    recorder = Recorder(at_least_once=request.param)
    for domain in TOPOLOGY.names:
        import_module(f"tests.integration.agents.scenarios.{domain}").play(recorder.run)
    return recorder


def test_each_domain_consumes_what_it_declares(recorder: Recorder) -> None:
    assert recorder.consumed == {domain.name: set(domain.consumes) for domain in TOPOLOGY.domains}


def test_each_domain_produces_what_it_declares_from_what_it_declares(recorder: Recorder) -> None:
    declared = {
        domain.name: {topic: set(causes) for topic, causes in domain.produces.items()}
        for domain in TOPOLOGY.domains
        if domain.produces
    }
    assert recorder.produced == declared


def test_each_table_is_written_from_the_topics_that_it_declares(recorder: Recorder) -> None:
    used = [table for table in TOPOLOGY.tables if recorder.at_least_once or not table.only_at_least_once]
    assert recorder.sources == {table.name: set(table.sources) for table in used}


def test_the_effect_of_a_command_is_handed_over_as_often_as_its_table_declares(recorder: Recorder) -> None:
    tables = [table for table in TOPOLOGY.tables if not table.only_at_least_once]
    assert {table.name: recorder.handovers[table.name] for table in tables} == {
        table.name: table.handovers for table in tables
    }


def test_commands_travel_on_topics_that_clients_write_to() -> None:
    assert {command.topic for domain in TOPOLOGY.domains for command in domain.commands} == set(TOPOLOGY.client_topics)
    assert topics.TRADING_COMMANDS in TOPOLOGY.client_topics
