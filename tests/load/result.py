"""The result of a step: plain numbers that a file can hold, and the raw facts from which they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

import msgspec

from tests.bench.figures import percentile
from tests.load.messages import Kind

MS = 1_000


class Sample(msgspec.Struct, frozen=True):
    """One request of a step. Times are seconds after the beginning of the step.

    Attributes:
        visible_s: For commands and fills: when their domain had committed them. None for others, and for what was
            never seen.
    """

    kind: Kind
    domain: str
    due_s: float
    sent_s: float
    answered_s: float
    status: int
    visible_s: float | None = None


class Arrival(msgspec.Struct, frozen=True):
    """A fill that a subscriber saw: seconds from the answer to the fill until its row came."""

    transport: Literal["sse", "websocket"]
    after_s: float


class ProcessUse(msgspec.Struct, frozen=True):
    """What a process used, in cores; `wanted` counts the time in which it waited for a core, too."""

    cpu: float
    wanted: float


class DomainWork(msgspec.Struct, frozen=True):
    """What a domain did in a step, by its worker's metrics.

    Attributes:
        behind_s: The longest time that a record waited, by our watch.
        batch: Events a batch.
        commit_ms: Mean milliseconds of a commit; `commit_records` is what one carried.
    """

    behind_s: float
    events: int
    batch: float
    commits: int
    commit_ms: float
    commit_records: float


class Raw(msgspec.Struct, frozen=True):
    """Everything that was observed of a step.

    Attributes:
        rate: Requests a second that the schedule has.
        seconds: The length of the schedule.
        settled_s: How long after the last request's time everything was processed.
        processes: Of our processes, by name.
        machine: The share of all cores that was busy, with anything.
        load: The load average over one minute at the end.
        probes_s: How long the gateway took for each probe that needs nothing but its event loop.
        broker: Calls and microseconds of the broker's commands.
    """

    rate: float
    seconds: float
    settled_s: float
    samples: Sequence[Sample]
    arrivals: Sequence[Arrival]
    processes: Mapping[str, ProcessUse]
    cores: int
    machine: float
    load: float
    probes_s: Sequence[float]
    domains: Mapping[str, DomainWork]
    broker: Mapping[str, tuple[int, int]]


class Spread(msgspec.Struct, frozen=True):
    """Percentiles of some times, in milliseconds. All are 0 where nothing was measured."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Return the spread of some times."""
        if not seconds:
            return cls(0, 0.0, 0.0, 0.0)
        return cls(len(seconds), *(round(MS * percentile(seconds, percent), 3) for percent in (50, 99, 100)))


class StepResult(msgspec.Struct, frozen=True):
    """The figures of a step.

    Attributes:
        sent_late: From when requests were due until they were sent: how far the generator was behind.
        answered: From due to answered, by kind of request.
        accepted_visible: From the answer until the domain had committed: accepted to visible.
        due_visible: The same from when the request was due: what the SLO counts. By domain, and `all`.
        seen: From the answer to a fill until subscribers got its row, by transport.
        probe: Of the gateway's event loop.
        operations: The broker's commands a second, and `broker_us`, their mean microseconds.
        top_commands: The commands that took most of the broker's time, with their share of one core.
    """

    rate: float
    seconds: float
    requests: int
    answers: Mapping[str, int]
    errors: float
    sent_late: Spread
    answered: Mapping[str, Spread]
    accepted_visible: Spread
    due_visible: Mapping[str, Spread]
    seen: Mapping[str, Spread]
    behind_s: float
    settled_s: float
    processes: Mapping[str, ProcessUse]
    cores: int
    machine: float
    load: float
    probe: Spread
    domains: Mapping[str, DomainWork]
    operations: float
    broker_us: float
    top_commands: Mapping[str, float]


ALL = "all"
TOP = 5
MISSING = (404,)
"""A read of what does not exist yet is answered rightly."""


def is_good(sample: Sample) -> bool:
    """Return whether a request had the answer that its client expects."""
    return sample.status in (200, *MISSING) if sample.kind == "read" else sample.status == 202


def result_of(raw: Raw) -> StepResult:
    """Return the figures of a step. A command that was accepted and never visible makes them infinite."""
    accepted = [one for one in raw.samples if one.kind != "read" and one.status == 202]
    bad = sum(not is_good(one) for one in raw.samples)
    calls, microseconds = (sum(one[index] for one in raw.broker.values()) for index in (0, 1))
    by_time = sorted(raw.broker.items(), key=lambda item: -item[1][1])[:TOP]
    answers: dict[str, int] = {}
    for one in raw.samples:
        name = f"{one.kind} {one.status}"
        answers[name] = answers.get(name, 0) + 1
    return StepResult(
        rate=raw.rate,
        seconds=raw.seconds,
        requests=len(raw.samples),
        answers=dict(sorted(answers.items())),
        errors=bad / max(1, len(raw.samples)),
        sent_late=Spread.of([one.sent_s - one.due_s for one in raw.samples]),
        answered=_answered(raw.samples),
        accepted_visible=Spread.of([max(0.0, _visible(one) - one.answered_s) for one in accepted]),
        due_visible=_due_visible(accepted),
        seen={name: Spread.of([one.after_s for one in raw.arrivals if one.transport == name]) for name in TRANSPORTS},
        behind_s=max((one.behind_s for one in raw.domains.values()), default=0.0),
        settled_s=raw.settled_s,
        processes=raw.processes,
        cores=raw.cores,
        machine=raw.machine,
        load=raw.load,
        probe=Spread.of(raw.probes_s),
        domains=raw.domains,
        operations=calls / raw.seconds,
        broker_us=microseconds / max(1, calls),
        top_commands={name: round(spent / raw.seconds / 1e6, 4) for name, (_, spent) in by_time},
    )


TRANSPORTS = ("sse", "websocket")


def _visible(sample: Sample) -> float:
    return float("inf") if sample.visible_s is None else sample.visible_s


def _answered(samples: Sequence[Sample]) -> dict[str, Spread]:
    kinds = sorted({one.kind for one in samples})
    return {kind: Spread.of([one.answered_s - one.due_s for one in samples if one.kind == kind]) for kind in kinds}


def _due_visible(accepted: Sequence[Sample]) -> dict[str, Spread]:
    domains = sorted({one.domain for one in accepted})
    found = {name: Spread.of([_visible(one) - one.due_s for one in accepted if one.domain == name]) for name in domains}
    return {ALL: Spread.of([_visible(one) - one.due_s for one in accepted]), **found}
