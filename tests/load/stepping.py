"""Carry out one step: let the clients send it, watch the product meanwhile, and return everything that was observed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tables.domains import TOPOLOGY
from tests.bench.http_load import Connection
from tests.community.behaviour.acts import Act
from tests.community.cluster_run import CLASSES
from tests.load import counters, processors
from tests.load.clients import Clients
from tests.load.messages import Outcome, Seen
from tests.load.people import LoadBackend
from tests.load.requests import Step, Wanted
from tests.load.result import Arrival, DomainWork, ProcessUse, Raw, Sample
from tests.load.variants import LoadInstallation
from tests.load.watch import Watch

LEAD_S = 0.5
PROBE_EVERY_S = 0.1
ACCEPTED = 202
PROBE = b"GET /livez HTTP/1.1\r\nHost: load\r\nContent-Length: 0\r\n\r\n"
MS = 1_000


@dataclass(slots=True)
class Window:
    """What was read at the beginning and at the end of the schedule, and the probes in between."""

    moments: list[processors.Moment] = field(default_factory=list)
    counted: list[counters.Counters] = field(default_factory=list)
    probes_s: list[float] = field(default_factory=list)
    load: float = 0.0


class Stepper:
    """Carries out steps on one installation."""

    def __init__(self, installation: LoadInstallation, backend: LoadBackend, clients: Clients) -> None:
        self._installation, self._backend, self._clients = installation, backend, clients
        self._pids = {**installation.pids(), **clients.pids(), "harness": os.getpid()}

    async def run(self, step: Step) -> Raw:
        """Send a step, wait until all of it is processed, and note in the journal what was accepted."""
        self._backend.set_time(step.at)
        await self._clients.seen()
        async with Watch(self._backend.log) as watch:
            begin_s = time.monotonic() + LEAD_S
            with processors.real_time():
                outcomes, window = await asyncio.gather(
                    self._clients.send(step.planned, begin_s), self._observed(begin_s, step.seconds)
                )
            await self._note(step, outcomes)
            await self._backend.end_round()
            settled_s = time.monotonic() - begin_s - step.seconds
            seen = await self._clients.seen()
        return Raw(
            rate=step.rate,
            seconds=step.seconds,
            settled_s=max(0.0, settled_s),
            samples=samples(step, outcomes, watch, begin_s),
            arrivals=arrivals(step, outcomes, seen, begin_s),
            processes={name: ProcessUse(use.cpu, use.wanted) for name, use in processors.uses(*window.moments).items()},
            cores=processors.cores(),
            machine=processors.machine_busy(*window.moments),
            load=window.load,
            probes_s=window.probes_s,
            domains=domain_work(counters.between(*window.counted), watch),
            broker=counters.between(*window.counted).commands,
        )

    async def _observed(self, begin_s: float, seconds: float) -> Window:
        window, connection = Window(), await Connection.open(self._installation.url)
        await asyncio.sleep(max(0.0, begin_s - time.monotonic()))
        await self._read(window)
        due = time.monotonic()
        while due < begin_s + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent = time.monotonic()
            await connection.exchange(PROBE)
            window.probes_s.append(time.monotonic() - sent)
            due = max(due + PROBE_EVERY_S, time.monotonic())
        connection.close()
        await self._read(window)
        window.load = os.getloadavg()[0]
        return window

    async def _read(self, window: Window) -> None:
        window.moments.append(processors.moment(self._pids))
        window.counted.append(await counters.read(self._installation.ports, self._backend.log))

    async def _note(self, step: Step, outcomes: Sequence[Outcome]) -> None:
        """Note what was accepted. A request without a clear answer is repeated, as its client would."""
        for outcome in outcomes:
            wanted = step.wanted[outcome.number]
            if wanted.carries is None:
                continue
            answer = orjson.loads(outcome.body) if outcome.status == ACCEPTED else await self._repeated(wanted)
            if isinstance(wanted.carries, Act):
                self._backend.note_command(wanted.carries, step.at, answer)
            else:
                self._backend.note_fills(wanted.carries, answer)

    async def _repeated(self, wanted: Wanted) -> dict[str, Any]:
        answer = await self._backend.repeat(wanted.request)
        assert answer.status == ACCEPTED, f"{wanted.request} was answered {answer}"
        found: dict[str, Any] = answer.json
        return found


def samples(step: Step, outcomes: Sequence[Outcome], watch: Watch, begin_s: float) -> list[Sample]:
    """Return the requests of a step, with the moments at which what they carried was visible."""
    found = []
    for outcome in outcomes:
        planned, wanted = step.planned[outcome.number], step.wanted[outcome.number]
        domain, visible_s = "", None
        if wanted.carries is not None:
            domain = domain_of(wanted.name)
            if outcome.status == ACCEPTED:
                visible_s = _visible_s(domain, orjson.loads(outcome.body), watch, begin_s)
        found.append(
            Sample(planned.kind, domain, planned.due_s, outcome.sent_s, outcome.answered_s, outcome.status, visible_s)
        )
    return found


def _visible_s(domain: str, answer: Mapping[str, object], watch: Watch, begin_s: float) -> float | None:
    """Return when the last event of an answer was visible."""
    topic = str(answer["topic"])
    events = answer.get("events") or [answer]
    assert isinstance(events, list)
    times = [watch.visible_s(domain, (topic, one["partition"]), one["offset"]) for one in events]
    return None if None in times else max(time_s for time_s in times if time_s is not None) - begin_s


def domain_of(name: str) -> str:
    """Return the domain that takes a command."""
    model = CLASSES[name]
    return next(domain.name for domain in TOPOLOGY.domains if model in domain.commands)


def arrivals(step: Step, outcomes: Sequence[Outcome], seen: Sequence[Seen], begin_s: float) -> list[Arrival]:
    """Return when subscribers saw the fills. Each user has one fill in a step and no command."""
    answered: dict[str, float] = {}
    for outcome in outcomes:
        carries = step.wanted[outcome.number].carries
        if outcome.status == ACCEPTED and carries is not None and not isinstance(carries, Act):
            answered |= {fill.data["user_id"]: begin_s + outcome.answered_s for fill in carries}
    return [Arrival(one.transport, max(0.0, one.at_s - answered[one.user])) for one in seen if one.user in answered]


def domain_work(counted: counters.Counters, watch: Watch) -> dict[str, DomainWork]:
    """Return what each domain did."""
    found = {}
    for name, values in counted.domains.items():
        events, batches = values.get("events", 0), values.get("batches", 0)
        commits = values.get("commits", 0)
        found[name] = DomainWork(
            behind_s=max((waited for _, waited in watch.behind[name]), default=0.0),
            events=int(events),
            batch=events / max(1, batches),
            commits=int(commits),
            commit_ms=MS * values.get("commit_s", 0.0) / max(1, commits),
            commit_records=values.get("commit_records", 0) / max(1, commits),
        )
    return found
