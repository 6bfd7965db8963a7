"""Choose the rule of an event by its class, once for each event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from agents.facts import Facts
from streams.events import AnyEvent, EventData

Rule: TypeAlias = Callable[[Any], list[AnyEvent]]
"""Applies one event: writes rows and returns the events that follow."""

Rules: TypeAlias = Mapping[type[EventData], Rule]
"""The rule of each class of event."""


def merged(*parts: Rules) -> Rules:
    """Return the rules of several parts of a domain as one. Where parts share a class, their rules run in order."""
    by_class: dict[type[EventData], list[Rule]] = defaultdict(list)
    for part in parts:
        for model, rule in part.items():
            by_class[model].append(rule)
    return {model: rules[0] if len(rules) == 1 else _in_turn(rules) for model, rules in by_class.items()}


def _in_turn(rules: list[Rule]) -> Rule:
    return lambda event: [effect for rule in rules for effect in rule(event)]


class Dispatch:
    """A handler of all topics of a domain. An event without a rule, and a repeated one, change nothing.

    Attributes:
        classes: The classes of the events that have a rule.
    """

    def __init__(self, rules: Rules, facts: Facts, rules_version: int) -> None:
        """Choose among rules.

        Args:
            rules: The rule of each class of event.
            facts: Recognises repeated events.
            rules_version: The version of the rule book, which the events that follow name.
        """
        self.classes = frozenset(rules)
        self._rules = dict(rules)
        self._facts = facts
        self._version = rules_version

    def __call__(self, event: AnyEvent) -> list[AnyEvent]:
        """Apply an event."""
        rule = self._rules.get(type(event.data))
        if rule is None or self._facts.judge(event).kind != "new":
            return []
        return rule(event.under(self._version))
