"""Steps with made figures, for the tests of the rules."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.load.result import DomainWork, ProcessUse, Raw, Sample, StepResult, result_of

WORK = DomainWork(behind_s=0.2, events=600, batch=3.0, commits=100, commit_ms=4.0, commit_records=9.0)


def sample(due_s: float = 1.0, **more: Any) -> Sample:
    """Return a command of trading that was answered 10 ms after it was due, and visible after 20 ms."""
    base: dict[str, Any] = {
        "kind": "command", "domain": "trading", "due_s": due_s, "sent_s": due_s, "answered_s": due_s + 0.01,
        "status": 202, "visible_s": due_s + 0.02,
    }  # fmt: skip
    return Sample(**{**base, **more})


def raw(samples: list[Sample] | None = None, **more: Any) -> Raw:
    """Return what was observed of a quiet step of 10 s."""
    use = {"broker": 0.2, "gateway": 0.3, "trading": 0.1, "social": 0.1, "generator-1": 0.1}
    base: dict[str, Any] = {
        "rate": 10.0, "seconds": 10.0, "settled_s": 0.1,
        "samples": [sample(number / 10) for number in range(100)] if samples is None else samples,
        "arrivals": [], "processes": {name: ProcessUse(cpu, cpu) for name, cpu in use.items()}, "cores": 2,
        "machine": 0.4, "load": 1.0, "probes_s": [0.001, 0.002], "domains": {"trading": WORK, "social": WORK},
        "broker": {"evalsha": (100, 50_000), "xread": (900, 10_000)},
    }  # fmt: skip
    return Raw(**{**base, **more})


def step(samples: list[Sample] | None = None, **more: Any) -> StepResult:
    """Return the figures of a made step."""
    return result_of(raw(samples, **more))


def with_use(base: StepResult, **cores: tuple[float, float]) -> StepResult:
    """Return a step with another use of some processes: cores that they used, and cores that they wanted."""
    uses = {**base.processes, **{name: ProcessUse(*pair) for name, pair in cores.items()}}
    return msgspec.structs.replace(base, processes=uses)
