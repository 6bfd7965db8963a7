"""Whether a step kept the SLO, and what kept it from doing better: rules over the figures of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.load.options import Slo
from tests.load.result import ALL, MS, StepResult

SATURATED = 0.9
"""A process that wants so much of one core is saturated: each of ours runs Python, or the broker's commands, on one."""
STARVED = 0.6
"""A saturated process that got less of a core than this was held up by the others on the machine."""
FULL = 0.95
"""So busy a machine has no core left."""

Holds = Literal["process", "machine", "waiting"]


def broken(step: StepResult, slo: Slo) -> list[str]:
    """Return what of the SLO a step broke, with its figure. Nothing means that the step is good."""
    found = []
    late = step.due_visible[ALL]
    if late.count and late.p99 > slo.visible_ms:
        found.append(f"p99 of due to visible is {late.p99:.0f} ms, over {slo.visible_ms:.0f}")
    if step.errors > slo.errors:
        found.append(f"{step.errors:.2%} of the requests failed, over {slo.errors:.2%}")
    if step.behind_s > slo.behind_s:
        found.append(f"a domain was {step.behind_s:.1f} s behind, over {slo.behind_s:.0f}")
    return found


def invalid(step: StepResult, slo: Slo) -> str | None:
    """Return why a step says nothing about the product: the generator did not keep its schedule. None when it did."""
    if step.sent_late.p99 <= slo.generator_ms:
        return None
    return f"the generator sent 1 % of the requests over {step.sent_late.p99:.0f} ms late, over {slo.generator_ms:.0f}"


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What held a step back.

    Attributes:
        holds: A `process` that uses up one core; the `machine`, whose cores are all busy; or `waiting`: neither is
            full, and time goes by in waits, such as those for a commit.
        name: The process, `machine`, or the domain that was slowest.
        evidence: The figures behind it, one sentence each.
    """

    holds: Holds
    name: str
    evidence: tuple[str, ...]


def bottleneck(step: StepResult) -> Bottleneck:
    """Return what held a step back. Processes of the load itself do not count; `invalid` judges them."""
    ours = {name: use for name, use in step.processes.items() if not is_client(name)}
    ranked = sorted(ours, key=lambda name: (-ours[name].cpu, name))
    wanting = [name for name in ranked if ours[name].wanted >= SATURATED]
    shares = ", ".join(f"{name} {ours[name].cpu:.2f} ({ours[name].wanted:.2f})" for name in ranked[:4])
    evidence = [f"cores used (and wanted): {shares}", _machine(step)]
    if wanting and ours[wanting[0]].cpu >= STARVED:
        return Bottleneck("process", wanting[0], (*evidence, *_about(step, wanting[0])))
    if step.machine >= FULL:
        held_up = ", ".join(wanting) or "no process of ours"
        return Bottleneck("machine", "machine", (*evidence, f"all cores are busy; held up by that: {held_up}"))
    slowest = max((name for name in step.due_visible if name != ALL), key=lambda name: step.due_visible[name].p99)
    return Bottleneck("waiting", slowest, (*evidence, *_about(step, slowest)))


def is_client(name: str) -> bool:
    """Return whether a process belongs to the load."""
    return name.startswith(("generator", "subscribers", "harness", "collector"))


def _machine(step: StepResult) -> str:
    used = sum(use.cpu for use in step.processes.values())
    others = max(0.0, step.machine * step.cores - used)
    busy = f"the machine's {step.cores} cores were {step.machine:.0%} busy"
    return f"{busy}, {others:.2f} cores of it with processes that are not ours; load average {step.load:.1f}"


def _about(step: StepResult, name: str) -> list[str]:
    """Return what is known about a process or a domain."""
    if name == "broker":
        top = ", ".join(f"{command} {share:.2f}" for command, share in step.top_commands.items())
        return [f"{step.operations:,.0f} commands/s of {step.broker_us:.1f} us each; cores by command: {top}"]
    if name == "gateway":
        return [f"a probe of its event loop took {step.probe.p50:.1f} ms, p99 {step.probe.p99:.0f} ms"]
    domains = [step.domains[name]] if name in step.domains else list(step.domains.values())
    commits = sum(one.commits for one in domains)
    records = sum(one.commits * one.commit_records for one in domains)
    spent_s = sum(one.commits * one.commit_ms for one in domains) / MS
    batches = sum(one.events / one.batch for one in domains if one.batch)
    events = sum(one.events for one in domains)
    worked = f"{events / step.seconds:,.0f} events/s in batches of {events / max(1.0, batches):.1f}"
    committed = f"{commits / step.seconds:,.0f} commits/s of {records / max(1, commits):.1f} records"
    return [f"{worked}; {committed}, {MS * spent_s / max(1, commits):.1f} ms each"]
