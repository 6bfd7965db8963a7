"""Finds the agents of a domain by the domain's name: `agents.<name>.agent.register`."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

import faust

from agents.rulebook import Rulebook
from streams.events.recent import Recent


class Register(Protocol):
    """Add a domain's agents and tables to its app, and return the domain's handlers."""

    def __call__(self, app: faust.App, rulebook: Rulebook, codec: Recent, *, at_least_once: bool) -> Any:
        """Add them. `at_least_once`: the broker may deliver an event again after it was processed (Kafka)."""


def register_of(domain: str) -> Register:
    """Return the function that adds a domain's agents and tables to its app.

    Raises:
        ModuleNotFoundError: when the domain has no module `agents.<name>.agent`.
    """
    return cast("Register", import_module(f"agents.{domain}.agent").register)
