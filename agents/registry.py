"""Find the agents of a domain by the domain's name: `agents.<name>.agent.register`."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

import faust

from agents.rulebook import Rulebook
from streams.events.recent import Recent


class Register(Protocol):
    """A function that adds a domain's agents and tables to its app and returns the domain's handlers."""

    def __call__(self, app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Any:
        """Add the agents and tables. With `at_least_once` the broker may redeliver a processed event (Kafka)."""


def register_of(domain: str) -> Register:
    """Return the function that adds a domain's agents and tables to its app.

    Raises:
        ModuleNotFoundError: when the domain has no module `agents.<name>.agent`.
    """
    return cast("Register", import_module(f"agents.{domain}.agent").register)
