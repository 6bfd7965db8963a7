"""Find the handlers of a domain by the domain's name (`agents.<name>.agent.handlers`), and add them to a Faust app."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

import faust

from agents.rulebook import Rulebook
from agents.wiring import Handlers, Observer, wire
from streams.events.recent import Recent
from tables.domains import TOPOLOGY
from tables.typed import OpenTable, opener


class MakeHandlers(Protocol):
    """A function that opens a domain's tables and returns the domain's handlers over them."""

    def __call__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool) -> Handlers:
        """Return the handlers. With `at_least_once` the broker may redeliver a processed event (Kafka)."""


def handlers_of(domain: str) -> MakeHandlers:
    """Return the function that makes a domain's handlers.

    Raises:
        ModuleNotFoundError: when the domain has no module `agents.<name>.agent`.
    """
    return cast("MakeHandlers", import_module(f"agents.{domain}.agent").handlers)


def register(
    app: faust.App,
    domain: str,
    rulebook: Rulebook,
    codec: Recent,
    *,
    at_least_once: bool,
    observer: Observer | None = None,
) -> None:
    """Add a domain's agents and tables to its app, as the topology declares them. The observer observes each batch."""
    made = handlers_of(domain)(opener(app, app.conf.topic_partitions), rulebook, at_least_once=at_least_once)
    wire(app, TOPOLOGY.domain(domain), made.tables, codec, made.by_topic, observer=observer)
