"""Choose the rule of an event by its class, once for each event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from agents.facts import Facts
from streams.events import AnyEvent, EventData

Rule: TypeAlias = Callable[[Any], list[AnyEvent]]
"""Applies one event: writes rows and returns the events that follow."""


class Dispatch:
    """A handler of all topics of a domain. An event without a rule, and a repeated one, change nothing."""

    def __init__(self, rules: Mapping[type[EventData], Rule], facts: Facts, rules_version: int) -> None:
        """Choose among rules.

        Args:
            rules: The rule of each class of event.
            facts: Recognises repeated events.
            rules_version: The version of the rule book, which the events that follow name.
        """
        self._rules = dict(rules)
        self._facts = facts
        self._version = rules_version

    def __call__(self, event: AnyEvent) -> list[AnyEvent]:
        """Apply an event."""
        rule = self._rules.get(type(event.data))
        if rule is None or self._facts.judge(event).kind != "new":
            return []
        return rule(event.under(self._version))
