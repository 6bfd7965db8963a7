"""Judge whether a worker process lives, and whether its domains are ready.

* Live: the main thread answers, and no domain has blocked its event loop for longer than a rebalance may take.
* Ready: the broker answers, and in each domain's group this member has its tables restored in the current generation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from faust_redis.log import LogError

BROKER_S: Final = 2.0
"""How long the broker may take to answer a readiness probe."""


class Runs(Protocol):
    """The part of a domain's thread that health needs. `DomainThread` implements it."""

    @property
    def domain(self) -> str:
        """Return the domain's name."""

    @property
    def is_running(self) -> bool:
        """Return whether the app runs. It does not while the thread waits to restart it after a crash."""

    @property
    def turned_s(self) -> float:
        """Return when the event loop turned last, by the monotonic clock, in seconds."""


@dataclass(frozen=True, slots=True)
class MemberState:
    """The broker's description of this process in one domain's group."""

    ready: bool
    detail: str


LookUp = Callable[[Sequence[str]], Awaitable[Mapping[str, MemberState]]]
"""Asks the broker for the state of this process in the groups of some domains, by domain."""


class Health:
    """The health of one worker process."""

    def __init__(self, threads: Sequence[Runs], look_up: LookUp, stuck_s: float) -> None:
        """Prepare the answers.

        Args:
            threads: The domains of this process.
            look_up: Asks the broker; raises `LogError` when it does not answer.
            stuck_s: Seconds after which a blocked event loop counts as dead.
        """
        self.stopping = False
        self._threads = threads
        self._look_up = look_up
        self._stuck_s = stuck_s

    async def live(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the process lives, and the seconds since each domain's event loop turned."""
        now_s = time.monotonic()
        ages = {thread.domain: round(now_s - thread.turned_s, 3) for thread in self._threads if thread.is_running}
        stuck = sorted(domain for domain, age_s in ages.items() if age_s > self._stuck_s)
        body: dict[str, Any] = {"status": "stuck" if stuck else "live", "event_loop_age_s": ages}
        return not stuck, body | ({"stuck": stuck} if stuck else {})

    async def why_not_ready(self) -> str | None:
        """Return what this process lacks, in one line, or None."""
        alive, body = await self.live()
        if not alive:
            return f"the event loop of {', '.join(body['stuck'])} does not turn"
        good, body = await self.ready()
        lacking = [f"{domain}: {one['detail']}" for domain, one in body.get("domains", {}).items() if not one["ready"]]
        return None if good else "; ".join(lacking) or str(body["status"])

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether every domain of this process is ready, and what each domain lacks."""
        if self.stopping:
            return False, {"status": "stopping"}
        domains = [thread.domain for thread in self._threads]
        try:
            async with asyncio.timeout(BROKER_S):
                states = await self._look_up(domains)
        except (LogError, TimeoutError) as exc:
            return False, {"status": "the broker does not answer", "detail": str(exc)}
        body = {domain: {"ready": states[domain].ready, "detail": states[domain].detail} for domain in domains}
        good = all(state.ready for state in states.values())
        return good, {"status": "ready" if good else "not ready", "domains": body}
