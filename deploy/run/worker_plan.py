"""Plan the worker processes of `dev`: a number of processes that run all domains, or counts for each domain."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, TypeAlias

from tables.domains import TOPOLOGY

PROCESSES_MAX: Final = 64

ACCEPTED: Final = "a number of processes from 1 to 64, or counts by domain such as trading=2,gamification=1"

Process: TypeAlias = tuple[str, ...]
"""The domains that one worker process runs."""

_COUNT: Final = re.compile(r"([a-z_]+)=(\d{1,3})", re.ASCII)


def worker_plan(text: str) -> tuple[Process, ...]:
    """Return the worker processes that a setting asks for, each with its domains.

    ``3`` is three processes that run all domains. ``trading=2,gamification=1`` is two processes for trading and one
    for gamification; a domain that is not named gets one process, and ``financial=0`` leaves a domain out.

    Raises:
        ValueError: when the text is no such plan; the message says why.
    """
    if text.strip().isdecimal():
        return _bounded((TOPOLOGY.names,) * min(int(text), PROCESSES_MAX + 1))
    counts = dict.fromkeys(TOPOLOGY.names, 1)
    for part in text.split(","):
        found = _COUNT.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"{part.strip()[:40]!r} is not a count such as trading=2")
        if found[1] not in counts:
            raise ValueError(f"{found[1]!r} is not a domain; the domains are {', '.join(counts)}")
        counts[found[1]] = int(found[2])
    return _bounded(tuple((name,) for name, count in counts.items() for _ in range(count)))


def _bounded(processes: tuple[Process, ...]) -> tuple[Process, ...]:
    if not 1 <= len(processes) <= PROCESSES_MAX:
        raise ValueError(f"it asks for {'no process' if not processes else f'more than {PROCESSES_MAX} processes'}")
    return processes


def expected_members(processes: tuple[Process, ...]) -> dict[str, int]:
    """Return the number of processes of each domain that has any."""
    return dict(Counter(domain for domains in processes for domain in domains))
