"""Decide from the last sample of the pipeline whether a domain's commands are accepted. A request asks no broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

from pydantic import JsonValue

from api.kit.problems import DOMAIN_DELAYED, Problem
from streams.events.base import EventData

MEMBERLESS_S: Final = 5.0
"""A domain without a worker counts as down after so long, so that a worker may restart meanwhile."""

RETRY_AFTER_S: Final = 5


class WhenDelayed(StrEnum):
    """The answer to a command whose domain is down or too far behind."""

    REFUSE = "refuse"
    """503: the command depends on the present, and its client can still do something else."""

    ACCEPT = "accept"
    """202, and the answer says so: the command reports a fact that is true whenever it is processed."""


class DomainSample(Protocol):
    """The part of a domain's state that decides about its commands. `DomainState` implements it."""

    @property
    def domain(self) -> str:
        """Return the domain's name."""

    @property
    def workers(self) -> int:
        """Return how many of its workers hold a lease."""

    @property
    def behind_s(self) -> float:
        """Return how long its oldest unprocessed record has waited, in seconds."""


class Admission:
    """What the API does with each class of commands now."""

    def __init__(
        self,
        policies: Mapping[str, Mapping[type[EventData], WhenDelayed]],
        behind_max_s: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a sample: every command is accepted.

        Args:
            policies: The policy of each command, by domain.
            behind_max_s: How far a domain may be behind; 0 accepts every command always.
            clock: Returns seconds that never go back.
        """
        self._policies = policies
        self._behind_max_s = behind_max_s
        self._clock = clock
        self._memberless_since_s: dict[str, float] = {}
        self._refused: dict[type[EventData], Mapping[str, JsonValue]] = {}
        self._reported: dict[type[EventData], Mapping[str, JsonValue]] = {}

    @property
    def some_delayed(self) -> bool:
        """Return whether a domain is down or too far behind, as far as is known."""
        return bool(self._refused or self._reported)

    def note(self, sample: Sequence[DomainSample]) -> None:
        """Judge all domains anew. An empty sample says that nothing is known; every command is accepted then."""
        delays = self._delays(sample) if self._behind_max_s else {}
        refused: dict[type[EventData], Mapping[str, JsonValue]] = {}
        reported: dict[type[EventData], Mapping[str, JsonValue]] = {}
        for domain, delay in delays.items():
            for command, policy in self._policies.get(domain, {}).items():
                (refused if policy is WhenDelayed.REFUSE else reported)[command] = delay
        self._refused, self._reported = refused, reported

    def _delays(self, sample: Iterable[DomainSample]) -> dict[str, Mapping[str, JsonValue]]:
        """Return the delayed domains, each with what the answers to its commands say."""
        now_s = self._clock()
        delays: dict[str, Mapping[str, JsonValue]] = {}
        for state in sample:
            if state.workers:
                self._memberless_since_s.pop(state.domain, None)
            since_s = now_s if state.workers else self._memberless_since_s.setdefault(state.domain, now_s)
            down = now_s - since_s >= MEMBERLESS_S
            if down or state.behind_s > self._behind_max_s:
                delays[state.domain] = {
                    "domain": state.domain,
                    "why": "down" if down else "behind",
                    "behind_s": round(state.behind_s, 3),
                }
        return delays

    def require(self, command: type[EventData]) -> None:
        """Refuse a command whose domain is delayed, if its policy says so.

        Raises:
            Problem: 503, with the domain and how far it is behind.
        """
        if self._refused and (delay := self._refused.get(command)):
            found = "has no live worker" if delay["why"] == "down" else f"is {delay['behind_s']} s behind"
            detail = (
                f"{delay['domain']} {found}, so that this command would be processed too late; nothing was accepted"
            )
            raise Problem(DOMAIN_DELAYED, detail, headers={"Retry-After": str(RETRY_AFTER_S)}, delayed=dict(delay))

    def delay_of(self, command: type[EventData]) -> Mapping[str, JsonValue] | None:
        """Return what the answer to an accepted command says of its domain; None when the domain is on time."""
        return self._reported.get(command)
